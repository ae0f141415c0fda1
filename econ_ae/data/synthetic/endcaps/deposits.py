"""What particles leave in all layers of their endcap: spots of charge at places.

Profiles are those of ``synthetic.showers``: a particle's shower has one shape in all of its layers. A photon converts
after Exp(9/7) radiation lengths, into a shower of half the energy's maximum depth; a hadron interacts after Exp(1)
interaction lengths, until then a charged one is a track, if its kinetic energy is enough to get there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln

from econ_ae.data.synthetic.endcaps.crossings import deviation, mean_charge, spot_charges, tracks
from econ_ae.data.synthetic.endcaps.layers import Layers
from econ_ae.data.synthetic.endcaps.particles import ELECTRON, Flying
from econ_ae.data.synthetic.endcaps.settings import Showers, Tracker
from econ_ae.data.synthetic.parameters import Calorimeter
from econ_ae.data.synthetic.particles import CHARGED, MUON, NEUTRAL, PHOTON, Real, join
from econ_ae.data.synthetic.showers import electromagnetic_shapes, radial_profile
from econ_ae.geometry import IndexArray

MOST_SPOTS = 384
"""Of one deposit; beyond, its charge fluctuates as that of all places and is divided among so many."""

_CALORIMETER = Calorimeter()
_CONVERSION = 9 / 7  # mean free path of photons in radiation lengths
_PION_GEV = 0.1396
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
    """Means: ``mips`` within a radial profile of scale ``radius_cm`` around a particle's path, arrays (n,).

    ``heavy`` tells that crossings are those of the part of a hadronic shower that is not electromagnetic.
    """

    particle: IndexArray
    layer: IndexArray
    radius_cm: Real
    mips: Real
    heavy: bool = False


@dataclass(frozen=True, eq=False)
class _Paths:
    """Particles and what of the calorimeter they have not gone through, arrays (n,).

    A particle that comes through the hole around the beam enters the absorber behind its front: ``x0``, ``interaction``
    and ``loss_mev`` are what is in front of that place, at normal incidence.
    """

    particles: Flying
    cosine: Real
    x0: Real
    interaction: Real
    loss_mev: Real


@dataclass(frozen=True, eq=False)
class _Begun:
    """Showers, arrays (n,).

    Attributes
    ----------
    source : intp, row of the particle
    energy : float32, GeV
    scale : float32, what its shape depends on: share of the energy if electromagnetic, GeV if hadronic
    begin : float32, depth along z, radiation lengths if electromagnetic, interaction lengths if hadronic
    """

    source: IndexArray
    energy: Real
    scale: Real
    begin: Real


def spots(rng: np.random.Generator, s: Showers, tracker: Tracker, p: Flying, layers: Layers) -> Spots:
    """Return the charge that particles leave, before noise and threshold.

    The mean of an electromagnetic shower in a layer at depth t is E f(t) response / (loss of a MIP per radiation
    length), with f the share of the energy per radiation length of path; places with charge are Poisson.
    """
    entered = layers.before(s.inner_cm * np.sinh(p.eta.astype(np.float64)))
    cosine = np.tanh(p.eta).astype(np.float32)
    paths = _Paths(p, cosine, *(depth.astype(np.float32) for depth in entered))
    rows = np.flatnonzero((p.kind == CHARGED) | (p.kind == NEUTRAL) | (p.kind == MUON))
    free = paths.interaction[rows] + rng.standard_exponential(len(rows), dtype=np.float32) * cosine[rows]
    free[p.kind[rows] == MUON] = np.inf
    lost = np.interp(free, layers.interaction, layers.loss_mev) - paths.loss_mev[rows]
    reaching = np.isfinite(free) & ((_kinetic(p, rows) * 1e3 * cosine[rows] > lost) | (p.kind[rows] == NEUTRAL))
    interacting = _Begun(rows[reaching], p.energy[rows[reaching]], p.energy[rows[reaching]], free[reaching])
    begun = _begun(rng, tracker, paths, layers, interacting)
    clouds = (*_electromagnetic(rng, s, layers, begun[0], cosine), _hadronic(s, layers, begun[1], cosine))
    charged = p.kind[rows] != NEUTRAL
    crossings = _tracks(
        rng, s, layers, paths, _Begun(rows[charged], p.energy[rows[charged]], p.energy[rows[charged]], free[charged])
    )
    return _placed(p, layers, join(*(_spread(rng, s, cloud) for cloud in clouds), crossings))


def _kinetic(p: Flying, rows: IndexArray) -> Real:
    """Return kinetic energies of hadrons and muons as if they were pions, GeV."""
    e = p.energy[rows]
    out: Real = np.sqrt(e * e + np.float32(_PION_GEV**2)) - np.float32(_PION_GEV)
    return out


def _begun(
    rng: np.random.Generator, tracker: Tracker, paths: _Paths, layers: Layers, hadrons: _Begun
) -> tuple[_Begun, _Begun]:
    """Return electromagnetic showers, also those of hadrons that interact, and the rest of the latter."""
    p, cosine = paths.particles, paths.cosine
    share = rng.beta(1.2, 2.2, len(hadrons.source)).astype(np.float32)
    photon, electron = np.flatnonzero(p.kind == PHOTON), np.flatnonzero(p.kind == ELECTRON)
    conversion = rng.standard_exponential(len(photon), dtype=np.float32) * np.float32(_CONVERSION)
    source = np.concatenate([photon, electron])
    begin = paths.x0[source] - np.float32(tracker.x0) * cosine[source]
    begin[: len(photon)] += conversion * cosine[photon]
    scale = np.where(p.kind[source] == PHOTON, np.float32(0.5), np.float32(1))
    start = layers.x0_at(hadrons.begin.astype(np.float64)).astype(np.float32)
    electromagnetic = join(
        _Begun(source, p.energy[source], scale, begin),
        _Begun(hadrons.source, hadrons.energy * share, np.ones_like(share), start),
    )
    return electromagnetic, replace(hadrons, energy=hadrons.energy * (1 - share))


def _electromagnetic(
    rng: np.random.Generator, s: Showers, layers: Layers, showers: _Begun, cosine: Real
) -> tuple[_Clouds, _Clouds]:
    """Return cores and tails of showers."""
    shape = electromagnetic_shapes(rng, showers.energy * showers.scale, _CALORIMETER.critical_mev)
    slant = 1 / cosine[showers.source]
    along = (layers.x0.astype(np.float32)[:, None] - showers.begin) * slant
    inside = along > _LEAST_DEPTH
    depth = np.maximum(along, _LEAST_DEPTH).astype(np.float32, copy=False)
    factor = (s.electromagnetic_response * 1e3 / layers.mev_per_x0).astype(np.float32)[:, None]
    mips = np.where(inside, shape.density(depth) * (showers.energy * slant) * factor, np.float32(0))
    core, tail, weight = radial_profile(shape, depth, showers.energy, _CALORIMETER.atomic_number)
    moliere = np.float32(s.moliere_cm)
    return (
        _clouds(showers.source, core * moliere, mips * weight),
        _clouds(showers.source, tail * moliere, mips * (1 - weight)),
    )


def _hadronic(s: Showers, layers: Layers, showers: _Begun, cosine: Real) -> _Clouds:
    """Return the part of hadronic showers that is not electromagnetic: Bock et al., NIM 186 (1981) 533."""
    ln_e = np.log(np.maximum(showers.scale, np.float32(1)))
    shape, slope = 0.6165 + 0.3193 * ln_e, 0.9099 - 0.0237 * ln_e
    slant = 1 / cosine[showers.source]
    depth = (layers.interaction.astype(np.float32)[:, None] - showers.begin) * slant
    scaled = slope * np.maximum(depth, _LEAST_DEPTH)
    fraction = np.exp((shape - 1) * np.log(scaled) - scaled - gammaln(shape)) * slope
    factor = (s.hadronic_response * 1e3 / layers.mev_per_lambda).astype(np.float32)[:, None]
    mips = np.where(depth > 0, fraction * (showers.energy * slant) * factor, np.float32(0))
    return _clouds(showers.source, np.full(mips.shape, s.hadron_radius_cm, np.float32), mips, heavy=True)


def _clouds(source: IndexArray, radius: Real, mips: Real, *, heavy: bool = False) -> _Clouds:
    count = len(mips)
    of_layer = np.repeat(np.arange(count), len(source))
    return _Clouds(
        np.tile(source, count), of_layer, radius.ravel().astype(np.float32), mips.ravel().astype(np.float32), heavy
    )


def _spread(rng: np.random.Generator, s: Showers, clouds: _Clouds) -> Spots:
    """Return each cloud as a Poisson number of places with charge, which are relative to the particle's path.

    The radial profile 2 r R^2 / (r^2 + R^2)^2 has the cumulative r^2 / (r^2 + R^2).
    """
    mean = mean_charge(s, heavy=clouds.heavy)
    places = rng.poisson(clouds.mips / np.float32(mean))
    some = np.flatnonzero(places)
    places = places[some]
    count = np.minimum(places, MOST_SPOTS)
    cloud = np.repeat(np.arange(len(some)), count)
    charge = spot_charges(rng, s, len(cloud), heavy=clouds.heavy)
    many = np.flatnonzero(places > MOST_SPOTS)
    if len(many):
        drawn = np.bincount(cloud, charge, len(some))[many]
        spread = np.sqrt(places[many]) * deviation(s, heavy=clouds.heavy) * rng.standard_normal(len(many))
        scale = np.ones(len(some), np.float32)
        scale[many] = np.maximum(places[many] * mean + spread, 0) / drawn
        charge *= scale[cloud]
    source = some[cloud]
    u, angle = rng.random((2, len(cloud)), dtype=np.float32)
    angle *= np.float32(2 * np.pi)
    r = clouds.radius_cm[source] * np.sqrt(u / (1 - u))
    x, y = (r * np.cos(angle)).astype(np.float32), (r * np.sin(angle)).astype(np.float32)
    return Spots(clouds.particle[source], clouds.layer[source], x, y, charge)


def _tracks(rng: np.random.Generator, s: Showers, layers: Layers, paths: _Paths, charged: _Begun) -> Spots:
    """Return the crossings of charged tracks up to where they interact, at ``begin``, or stop."""
    source = charged.source
    far = layers.interaction.astype(np.float32)[:, None] < charged.begin
    lost = layers.loss_mev.astype(np.float32)[:, None] - paths.loss_mev[source]
    far &= np.maximum(lost, 0) < _kinetic(paths.particles, source) * 1e3 * paths.cosine[source]
    layer, track = np.nonzero(far)
    charge = tracks(rng, s, len(track)) / paths.cosine[source[track]]
    here = np.zeros(len(track), np.float32)
    return Spots(source[track], layer, here, here, charge)


def _placed(p: Flying, layers: Layers, found: Spots) -> Spots:
    """Return spots at their places: a particle's path leads away from its vertex."""
    along = layers.z_cm.astype(np.float32)[found.layer] - p.vertex_cm[found.particle]
    radius = along / np.sinh(p.eta)[found.particle]
    phi = p.phi[found.particle]
    x = (found.x_cm + radius * np.cos(phi)).astype(np.float32)
    y = (found.y_cm + radius * np.sin(phi)).astype(np.float32)
    return Spots(found.particle, found.layer, x, y, found.mips)
