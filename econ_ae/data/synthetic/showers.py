"""What a particle leaves in the silicon of one layer: tracks and showers.

Electromagnetic showers follow Grindhammer and Peters, "The parameterized simulation of electromagnetic showers in
homogeneous and sampling calorimeters", hep-ex/0001020: a gamma distribution in depth whose two parameters fluctuate
together, and a radial profile of a core and a tail, each f(r) = 2 r R^2 / (r^2 + R^2)^2 with an R that grows with
depth. The coefficients of the longitudinal profile are those of HGCAL (HGCAL-FastShower), those of the radial profile
the paper's for homogeneous media. Hadronic showers start after Exp(1) interaction lengths; a Beta(1.2, 2.2) share of
the energy is an electromagnetic shower, the rest follows the depth profile of Bock et al., NIM 186 (1981) 533.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from econ_ae.data.synthetic.parameters import Calorimeter
from econ_ae.data.synthetic.particles import CHARGED, MUON, NEUTRAL, PHOTON, Particles, Real, join

_LEAST_LN_Y = 3.0  # y = 20, 0.1 GeV: below, the parametrised widths diverge
_LEAST_ALPHA = 1.05  # a shower whose maximum is at its start


@dataclass(frozen=True, eq=False)
class Deposits:
    """Charge around points.

    Attributes
    ----------
    image : intp (n,)
    x_cm, y_cm : float32 (n,), centres relative to the module's centre
    radius_cm : float32 (n,), half of the charge is within it; 0 for tracks
    mips : float32 (n,), mean number of minimum-ionising crossings of a shower, charge of a track
    """

    image: NDArray[np.intp]
    x_cm: Real
    y_cm: Real
    radius_cm: Real
    mips: Real


def _of(p: Particles, radius: Real, mips: Real) -> Deposits:
    return Deposits(p.image, p.x_cm, p.y_cm, radius, mips)


def deposits(rng: np.random.Generator, c: Calorimeter, p: Particles, layers: Real) -> tuple[Deposits, Deposits]:
    """Return what particles leave in their layer: showers and tracks.

    Parameters
    ----------
    layers : float32 (n,), layers of absorber on each particle's path: layer number / cos(theta)
    """
    hadron = (p.kind == CHARGED) | (p.kind == NEUTRAL)
    first = rng.standard_exponential(len(p), dtype=np.float32) / np.float32(c.lambda_per_layer)  # interaction
    showers = hadron & (first < layers)
    tracks = np.flatnonzero(((p.kind == CHARGED) & ~showers) | (p.kind == MUON))
    interacting, photons = np.flatnonzero(showers), np.flatnonzero(p.kind == PHOTON)

    hadrons = p.take(interacting)
    share = rng.beta(1.2, 2.2, len(interacting)).astype(np.float32)
    behind = (layers - first).take(interacting)
    electromagnetic = join(p.take(photons), replace(hadrons, energy=hadrons.energy * share))
    depth = np.concatenate([layers.take(photons), behind])
    rest = hadrons.energy * (1 - share) * np.float32(c.hadron_response)
    cores, tails = _electromagnetic(rng, c, electromagnetic, depth)
    crossing = p.take(tracks)
    return (
        join(cores, tails, _hadronic(c, hadrons, rest, behind)),
        _of(crossing, np.zeros(len(crossing), np.float32), _tracks(rng, c, len(crossing))),
    )


def _tracks(rng: np.random.Generator, c: Calorimeter, n: int) -> Real:
    """Return Moyal-distributed charges with the most probable value 1: an approximation of Landau's distribution."""
    square = np.square(rng.standard_normal(n, dtype=np.float32))
    return 1 - np.float32(c.landau_width) * np.log(np.maximum(square, np.float32(1e-12)))


def _electromagnetic(rng: np.random.Generator, c: Calorimeter, p: Particles, layers: Real) -> tuple[Deposits, Deposits]:
    """Return cores and tails of showers; ``layers`` is the absorber since the shower began."""
    energy = p.energy
    shape = electromagnetic_shapes(rng, energy, c.critical_mev)
    depth = layers * np.float32(c.x0_per_layer)
    mips = energy * np.float32(1e3 / c.mev_per_mip) * (shape.density(depth) * np.float32(c.x0_per_layer))
    core, tail, weight = radial_profile(shape, depth, energy, c.atomic_number)
    moliere = np.float32(c.moliere_cm)
    return _of(p, core * moliere, mips * weight), _of(p, tail * moliere, mips * (1 - weight))


@dataclass(frozen=True, eq=False)
class Shapes:
    """Longitudinal profiles of electromagnetic showers: gamma distributions in depth.

    Attributes
    ----------
    t_max : float32 (n,), depth of the maximum in radiation lengths
    alpha : float32 (n,), shape
    mean_alpha : float32 (n,), of all showers of this energy
    """

    t_max: Real
    alpha: Real
    mean_alpha: Real

    def density(self, depth: Real) -> Real:
        """Return the share of the energy per radiation length at a depth in radiation lengths, float32, of its shape.

        A depth of shape (m, n) is of m layers for each of n showers.
        """
        beta = (self.alpha - 1) / self.t_max
        scaled = beta * depth
        out: Real = np.exp((self.alpha - 1) * np.log(scaled) - scaled - gammaln(self.alpha)) * beta
        return out


def electromagnetic_shapes(rng: np.random.Generator, energy: Real, critical_mev: float) -> Shapes:
    """Return the profiles of showers of energies (n,) in GeV, with their fluctuations."""
    ln_y = np.maximum(np.log(np.maximum(energy * np.float32(1e3 / critical_mev), np.float32(1e-6))), _LEAST_LN_Y)
    mean_t, mean_alpha = -1.396 + 1.007 * ln_y, -0.0433 + 0.540 * ln_y
    sigma_t, sigma_alpha = 1 / (-2.506 + 1.245 * ln_y), 1 / (-0.0844 + 0.790 * ln_y)
    rho = 0.7858 - 0.0232 * ln_y
    first, second = rng.standard_normal((2, len(energy)), dtype=np.float32)
    t_max = mean_t * np.exp(sigma_t * first)
    alpha = np.maximum(mean_alpha * np.exp(sigma_alpha * (rho * first + np.sqrt(1 - rho * rho) * second)), _LEAST_ALPHA)
    return Shapes(t_max, alpha, mean_alpha)


def radial_profile(shape: Shapes, depth: Real, energy: Real, atomic_number: float) -> tuple[Real, Real, Real]:
    """Return the radii of core and tail in Moliere radii and the weight of the core, float32, each of depth's shape."""
    # Depth over the shower's centre of gravity, both with the shower's own fluctuation (hep-ex/0001020, appendix A.1).
    alpha, mean_alpha = shape.alpha, shape.mean_alpha
    tau = depth / shape.t_max * ((alpha - 1) / alpha) * (mean_alpha / np.maximum(mean_alpha - 1, 0.05))
    ln_e = np.log(np.maximum(energy, np.float32(0.05)))
    z = atomic_number
    core = 0.0251 + 0.00319 * ln_e + (0.1162 - 0.000381 * z) * tau
    k1, k2, k3, k4 = 0.659 - 0.00309 * z, 0.645, -2.59, 0.3585 + 0.0421 * ln_e
    tail = k1 * (np.exp(k3 * (tau - k2)) + np.exp(np.minimum(k4 * (tau - k2), 4)))
    p1, p2, p3 = 2.632 - 0.00094 * z, 0.401 + 0.00187 * z, 1.313 - 0.0686 * ln_e
    u = (p2 - tau) / p3
    weight = np.clip(p1 * np.exp(u - np.exp(np.minimum(u, 80))), 0, 1)
    single = np.float32
    return np.maximum(core, single(0.01)).astype(single), tail.astype(single), weight.astype(single)


def _hadronic(c: Calorimeter, p: Particles, energy: Real, layers: Real) -> Deposits:
    """Return the part of hadronic showers that is not electromagnetic."""
    ln_e = np.log(np.maximum(p.energy, np.float32(1)))
    shape, slope = 0.6165 + 0.3193 * ln_e, 0.9099 - 0.0237 * ln_e
    scaled = slope * layers * np.float32(c.lambda_per_layer)
    log_fraction = (shape - 1) * np.log(np.maximum(scaled, np.float32(1e-3))) - scaled - gammaln(shape)
    fraction = np.exp(log_fraction) * slope * np.float32(c.lambda_per_layer)
    mips = energy * np.float32(1e3 / c.mev_per_mip) * fraction
    radius: Real = np.full(len(p), c.hadron_radius_cm, np.float32)
    return _of(p, radius, mips.astype(np.float32))
