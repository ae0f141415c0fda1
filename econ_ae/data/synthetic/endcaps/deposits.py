"""What particles leave in all layers of their endcap: spots of charge at places.

Profiles are those of ``synthetic.showers``: a particle's shower has one shape in all of its layers. A photon converts
after Exp(9/7) radiation lengths, into a shower of half the energy's maximum depth; a hadron interacts after Exp(1)
interaction lengths, until then a charged one is a track, if its kinetic energy is enough to get there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from econ_ae.data.synthetic.endcaps.layers import Layers
from econ_ae.data.synthetic.endcaps.particles import ELECTRON, Flying
from econ_ae.data.synthetic.endcaps.settings import Showers
from econ_ae.data.synthetic.parameters import Calorimeter
from econ_ae.data.synthetic.particles import CHARGED, NEUTRAL, PHOTON, Real, join
from econ_ae.data.synthetic.showers import electromagnetic_shapes, radial_profile
from econ_ae.geometry import IndexArray

MOST_SPOTS = 384
"""Of one deposit; beyond, its charge fluctuates as that of all crossings and is divided among so many."""

_CALORIMETER = Calorimeter()
_CONVERSION = 9 / 7  # mean free path of photons in radiation lengths
_PION_GEV = 0.1396
_EULER = 0.5772156649  # mean of the Moyal distribution's variable is this plus ln 2
_LEAST_DEPTH = np.float32(1e-3)


@dataclass(frozen=True, eq=False)
class Spots:
    """Charges at places, arrays (n,).

    Attributes
    ----------
    particle, layer : intp, row of the particle and index of the layer
    x_cm, y_cm : float32, seen from the interaction point
    mips : float32
    """

    particle: IndexArray
    layer: IndexArray
    x_cm: Real
    y_cm: Real
    mips: Real


@dataclass(frozen=True, eq=False)
class _Clouds:
    """Means: ``mips`` within a radial profile of scale ``radius_cm`` around a particle's path, arrays (n,)."""

    particle: IndexArray
    layer: IndexArray
    radius_cm: Real
    mips: Real


def spots(rng: np.random.Generator, s: Showers, p: Flying, layers: Layers) -> Spots:
    """Return the charge that particles leave, before noise and threshold.

    The mean of an electromagnetic shower in a layer at depth t is E f(t) response / (loss of a MIP per radiation
    length), with f the share of the energy per radiation length of path; crossings are Poisson.
    """
    cosine = np.tanh(p.eta).astype(np.float32)
    hadron = np.flatnonzero((p.kind == CHARGED) | (p.kind == NEUTRAL))
    free = rng.standard_exponential(len(hadron), dtype=np.float32) * cosine[hadron]  # along z, interaction lengths
    start_x0 = layers.x0_at(free.astype(np.float64)).astype(np.float32)
    share = rng.beta(1.2, 2.2, len(hadron)).astype(np.float32)
    reaching = _kinetic(p, hadron) * 1e3 > np.interp(free, layers.interaction, layers.loss_mev) / cosine[hadron]
    reaching |= p.kind[hadron] == NEUTRAL

    photon, electron = np.flatnonzero(p.kind == PHOTON), np.flatnonzero(p.kind == ELECTRON)
    conversion = rng.standard_exponential(len(photon), dtype=np.float32) * np.float32(_CONVERSION) * cosine[photon]
    showering = np.flatnonzero(reaching)
    source = np.concatenate([photon, electron, hadron[showering]])
    energy = np.concatenate([p.energy[photon], p.energy[electron], (p.energy[hadron] * share)[showering]])
    scale = np.concatenate([np.full(len(photon), 0.5, np.float32), np.ones(len(source) - len(photon), np.float32)])
    begin = np.concatenate([conversion, np.zeros(len(electron), np.float32), start_x0[showering]])
    clouds = (
        *_electromagnetic(rng, s, layers, source, energy, scale, begin, cosine),
        _hadronic(
            s, layers, hadron[showering], (p.energy[hadron] * (1 - share))[showering], p, free[showering], cosine
        ),
    )
    charged = np.flatnonzero(p.kind[hadron] == CHARGED)
    tracks = _tracks(rng, s, layers, hadron[charged], free[charged], _kinetic(p, hadron[charged]), cosine)
    return _placed(p, layers, join(*(_spread(rng, s, cloud) for cloud in clouds), tracks))


def _kinetic(p: Flying, rows: IndexArray) -> Real:
    """Return kinetic energies of hadrons as if they were pions, GeV."""
    e = p.energy[rows]
    out: Real = np.sqrt(e * e + np.float32(_PION_GEV**2)) - np.float32(_PION_GEV)
    return out


def _electromagnetic(
    rng: np.random.Generator, s: Showers, layers: Layers, source: IndexArray, energy: Real, scale: Real, begin: Real,
    cosine: Real,
) -> tuple[_Clouds, _Clouds]:  # fmt: skip
    """Return cores and tails of showers that begin at depths ``begin`` along z, radiation lengths."""
    shape = electromagnetic_shapes(rng, energy * scale, _CALORIMETER.critical_mev)
    slant = 1 / cosine[source]
    depth = (layers.x0.astype(np.float32)[:, None] - begin) * slant
    inside = depth > _LEAST_DEPTH
    depth = np.maximum(depth, _LEAST_DEPTH)
    factor = (s.electromagnetic_response * 1e3 / layers.mev_per_x0).astype(np.float32)[:, None]
    mips = np.where(inside, shape.density(depth) * (energy * slant) * factor, np.float32(0))
    core, tail, weight = radial_profile(shape, depth, energy, _CALORIMETER.atomic_number)
    moliere = np.float32(s.moliere_cm)
    return (
        _clouds(source, core * moliere, mips * weight),
        _clouds(source, tail * moliere, mips * (1 - weight)),
    )


def _hadronic(
    s: Showers, layers: Layers, source: IndexArray, energy: Real, p: Flying, free: Real, cosine: Real
) -> _Clouds:
    """Return the part of hadronic showers that is not electromagnetic: Bock et al., NIM 186 (1981) 533."""
    ln_e = np.log(np.maximum(p.energy[source], np.float32(1)))
    shape, slope = 0.6165 + 0.3193 * ln_e, 0.9099 - 0.0237 * ln_e
    slant = 1 / cosine[source]
    depth = (layers.interaction.astype(np.float32)[:, None] - free) * slant
    scaled = slope * np.maximum(depth, _LEAST_DEPTH)
    fraction = np.exp((shape - 1) * np.log(scaled) - scaled - gammaln(shape)) * slope
    factor = (s.hadronic_response * 1e3 / layers.mev_per_lambda).astype(np.float32)[:, None]
    mips = np.where(depth > 0, fraction * (energy * slant) * factor, np.float32(0))
    return _clouds(source, np.full(mips.shape, s.hadron_radius_cm, np.float32), mips)


def _clouds(source: IndexArray, radius: Real, mips: Real) -> _Clouds:
    count = len(mips)
    of_layer = np.repeat(np.arange(count), len(source))
    return _Clouds(np.tile(source, count), of_layer, radius.ravel().astype(np.float32), mips.ravel().astype(np.float32))


def _spread(rng: np.random.Generator, s: Showers, clouds: _Clouds) -> Spots:
    """Return each cloud as a Poisson number of crossings; places are relative to the particle's path.

    The radial profile 2 r R^2 / (r^2 + R^2)^2 has the cumulative r^2 / (r^2 + R^2).
    """
    crossings = rng.poisson(clouds.mips)
    some = np.flatnonzero(crossings)
    crossings = crossings[some]
    count = np.minimum(crossings, MOST_SPOTS)
    cloud = np.repeat(np.arange(len(some)), count)
    charge = _crossings(rng, s, len(cloud))
    many = np.flatnonzero(crossings > MOST_SPOTS)
    if len(many):
        drawn = np.bincount(cloud, charge, len(some))[many]
        total = crossings[many] + np.sqrt(crossings[many]) * _deviation(s) * rng.standard_normal(len(many))
        scale = np.ones(len(some), np.float32)
        scale[many] = np.maximum(total, 0) / drawn
        charge *= scale[cloud]
    source = some[cloud]
    u, angle = rng.random((2, len(cloud)), dtype=np.float32)
    angle *= np.float32(2 * np.pi)
    r = clouds.radius_cm[source] * np.sqrt(u / (1 - u))
    return Spots(clouds.particle[source], clouds.layer[source], r * np.cos(angle), r * np.sin(angle), charge)


def _crossings(rng: np.random.Generator, s: Showers, n: int) -> Real:
    """Return charges of crossings with the mean 1: some uniform below a MIP, the others of a Moyal distribution."""
    charge = _moyal(rng, s.landau_width, n)
    part = rng.random(n, dtype=np.float32)
    below = part < s.partial
    charge[below] = part[below] / np.float32(max(s.partial, 1e-9))
    charge /= np.float32(_mean(s))
    return charge


def _moyal(rng: np.random.Generator, width: float, n: int) -> Real:
    """Return Moyal-distributed charges with the most probable value 1, as ``synthetic.showers`` has them."""
    square = np.square(rng.standard_normal(n, dtype=np.float32))
    out: Real = 1 - np.float32(width) * np.log(np.maximum(square, np.float32(1e-12)))
    return out


def _mean(s: Showers) -> float:
    return s.partial / 2 + (1 - s.partial) * (1 + s.landau_width * (_EULER + np.log(2)))


def _deviation(s: Showers) -> float:
    """Return the standard deviation of a crossing's charge over its mean."""
    above = 1 + s.landau_width * (_EULER + np.log(2))
    square = s.partial / 3 + (1 - s.partial) * (above**2 + (s.landau_width * np.pi) ** 2 / 2)
    return float(np.sqrt(square / _mean(s) ** 2 - 1))


def _tracks(
    rng: np.random.Generator, s: Showers, layers: Layers, source: IndexArray, free: Real, kinetic: Real, cosine: Real
) -> Spots:
    """Return the crossings of tracks up to where they interact or stop."""
    far = layers.interaction.astype(np.float32)[:, None] < free
    far &= layers.loss_mev.astype(np.float32)[:, None] < kinetic * 1e3 * cosine[source]
    layer, track = np.nonzero(far)
    charge = _moyal(rng, s.landau_width, len(track)) / cosine[source[track]]
    here = np.zeros(len(track), np.float32)
    return Spots(source[track], layer, here, here, charge.astype(np.float32))


def _placed(p: Flying, layers: Layers, found: Spots) -> Spots:
    """Return spots at their places: a particle's path leads away from the interaction point."""
    radius = layers.z_cm.astype(np.float32)[found.layer] / np.sinh(p.eta)[found.particle]
    phi = p.phi[found.particle]
    x, y = found.x_cm + radius * np.cos(phi), found.y_cm + radius * np.sin(phi)
    return Spots(found.particle, found.layer, x, y, found.mips)
