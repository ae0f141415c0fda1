"""Pileup and signals, as particles at the layer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.modules import PITCH_CM, Modules
from econ_ae.data.synthetic.parameters import SIGNALS, Pileup, Signal
from econ_ae.data.synthetic.particles import CHARGED, NEUTRAL, PHOTON, Particles, Real
from econ_ae.geometry import FloatArray

MARGIN_CM = 3.0
"""How far outside of the module a particle may be and still count; a shower's core is within a centimetre."""

# A jet: mean multiplicity of fragments and their kinds (charged hadrons, photons, neutral hadrons carry about 0.6,
# 0.3 and 0.1 of a jet's energy), distance from the axis falling as exp(-dR / 0.1).
JET_FRAGMENTS = (4.0, 3.0)  # constant, per ln(pT / GeV)
JET_KINDS = (0.6, 0.9)  # cumulative: charged, photon
JET_RADIUS = 0.1


def density(x_cm: Real | FloatArray, y_cm: Real | FloatArray, z_cm: Real | FloatArray) -> Real | FloatArray:
    """Return particles per cm2 for one particle per unit of pseudorapidity: sinh^3(eta) / (2 pi z^2 cosh(eta))."""
    r2 = x_cm * x_cm + y_cm * y_cm
    return z_cm / (2 * math.pi * r2 * np.sqrt(r2 + z_cm * z_cm))


def _hexagon(rng: np.random.Generator, n: int, inradius_cm: float) -> tuple[Real, Real]:
    """Return points uniform over a hexagon with two vertical sides: three rhombi, two edges each."""
    a, b = rng.random((2, n), dtype=np.float32)
    third = (rng.random(n, dtype=np.float32) * np.float32(3)).astype(np.intp)
    edge = 2 / math.sqrt(3) * inradius_cm
    angles = np.radians([-30, 90, 210])
    first = (np.stack([np.cos(angles), np.sin(angles)]) * edge).astype(np.float32)
    second = np.roll(first, -1, axis=1)
    x, y = (a * first[i].take(third) + b * second[i].take(third) for i in (0, 1))
    return x, y


def pileup(
    rng: np.random.Generator, p: Pileup, modules: Modules, where: NDArray[np.intp]
) -> tuple[Particles, NDArray[np.int64]]:
    """Return particles of a Poisson number of interactions per image, and that number, int64 (n,).

    Parameters
    ----------
    where : intp (n,), module of every image
    """
    interactions = rng.poisson(p.mu, len(where))
    inradius = PITCH_CM / 2 + MARGIN_CM
    nearest = np.maximum(modules.r_cm - 2 / math.sqrt(3) * inradius, 1.0)
    most = density(nearest, np.zeros_like(nearest), modules.z_cm)  # the density falls with the distance from the beam
    mean = p.per_eta * 2 * math.sqrt(3) * inradius**2 * most
    image = np.repeat(np.arange(len(where)), rng.poisson(interactions * mean[where]))
    x, y = _hexagon(rng, len(image), inradius)
    gx, gy, z = _global(modules, where, image, x, y)
    top = most.astype(np.float32)[where].take(image)
    kept = np.flatnonzero(rng.random(len(image), dtype=np.float32) * top < density(gx, gy, z))
    image = image.take(kept)
    x, y, gx, gy, z = (a.take(kept) for a in (x, y, gx, gy, z))
    n = len(image)
    kind, pt = pileup_momenta(rng, p, n)
    return Particles(image, kind, pt * _cosh(gx, gy, z), x, y), interactions


def pileup_momenta(rng: np.random.Generator, p: Pileup, n: int) -> tuple[NDArray[np.int8], Real]:
    """Return kinds and pT in GeV of particles of pileup, int8 and float32 (n,)."""
    if p.per_eta:
        shares = np.cumsum([p.photons, p.charged, p.neutral]) / p.per_eta
        kind = np.searchsorted(shares[:2].astype(np.float32), rng.random(n, dtype=np.float32)).astype(np.int8)
    else:
        kind = np.zeros(n, np.int8)
    # pT / p0 follows the beta prime distribution: a ratio of gamma variates.
    scale = np.array([p.photons_p0, p.charged_p0, p.neutral_p0], np.float32)[kind]
    ratio = rng.standard_gamma(2, n, dtype=np.float32) / rng.standard_gamma(p.power - 2, n, dtype=np.float32)
    return kind, scale * ratio


def _global(
    modules: Modules, where: NDArray[np.intp], image: NDArray[np.intp], x: Real, y: Real
) -> tuple[Real, Real, Real]:
    """Return coordinates relative to the interaction point, cm."""
    cx, cy, z = (a.astype(np.float32)[where].take(image) for a in (modules.x_cm, modules.y_cm, modules.z_cm))
    return x + cx, y + cy, z


def _cosh(x: Real, y: Real, z: Real) -> Real:
    """Return cosh(eta) of the direction from the interaction point."""
    return np.sqrt(1 + z * z / (x * x + y * y))


def signals(
    rng: np.random.Generator, s: Signal, modules: Modules, where: NDArray[np.intp]
) -> tuple[Particles, NDArray[np.int8], FloatArray]:
    """Return signal particles, the signal kind of every image, int8 (n,), and its pT in GeV, 0 without a signal."""
    n = len(where)
    numbers = np.array([SIGNALS.index(kind) for kind in s.kinds] or [0], np.int8)
    kind = np.where(rng.random(n) < s.share, numbers[rng.integers(len(numbers), size=n)], 0).astype(np.int8)
    pt = s.lowest_pt * (s.highest_pt / s.lowest_pt) ** rng.random(n)
    x, y = _hexagon(rng, n, PITCH_CM / 2)
    jet = kind == SIGNALS.index("jet")
    mean = JET_FRAGMENTS[0] + JET_FRAGMENTS[1] * np.log(np.maximum(pt, 1))
    count = np.where(jet, 1 + rng.poisson(mean), kind > 0)
    image = np.repeat(np.arange(n), count)
    m = len(image)
    of_jet = jet[image]
    weight = np.where(of_jet, rng.standard_exponential(m), 1.0)  # shares of the jet's pT: uniform on the simplex
    fraction = weight / np.bincount(image, weight, n)[image]
    draw = rng.random(m)
    of_fragment = np.select([draw < JET_KINDS[0], draw < JET_KINDS[1]], [CHARGED, PHOTON], NEUTRAL)
    of_single = np.array([PHOTON, PHOTON, PHOTON, CHARGED, PHOTON])[kind[image]]
    away = np.where(of_jet, JET_RADIUS * rng.standard_gamma(2, m), 0.0) * modules.r_cm[where[image]]
    angle = 2 * np.pi * rng.random(m)
    px = (x[image] + away * np.cos(angle)).astype(np.float32)
    py = (y[image] + away * np.sin(angle)).astype(np.float32)
    energy = (pt[image] * fraction).astype(np.float32) * _cosh(*_global(modules, where, image, px, py))
    particles = Particles(image, np.where(of_jet, of_fragment, of_single).astype(np.int8), energy, px, py)
    near = np.flatnonzero(np.hypot(px, py) < 2 / math.sqrt(3) * (PITCH_CM / 2 + MARGIN_CM))
    return particles.take(near), kind, np.where(kind > 0, pt, 0.0)
