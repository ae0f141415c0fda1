"""What particles leave in all layers of their endcap: spots of charge at places.

Profiles are those of ``synthetic.showers``: a particle's shower has one shape in all of its layers. A photon converts
after Exp(9/7) radiation lengths, into a shower of half the energy's maximum depth; a hadron interacts after Exp(1)
interaction lengths, until then a charged one is a track, if its kinetic energy is enough to get there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from econ_ae.data.synthetic.endcaps.crossings import deviation, mean_charge, spot_charges, tracks
from econ_ae.data.synthetic.endcaps.layers import Layers
from econ_ae.data.synthetic.endcaps.particles import ELECTRON, Flying
from econ_ae.data.synthetic.endcaps.settings import Showers, Tracker
from econ_ae.data.synthetic.parameters import Calorimeter
from econ_ae.data.synthetic.particles import CHARGED, MUON, NEUTRAL, PHOTON, Real, join
from econ_ae.data.synthetic.showers import electromagnetic_shapes, radial_profile
from econ_ae.geometry import FloatArray, IndexArray

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
class _Hadrons:
    """Hadrons and muons, arrays (n,): rows, path along z up to where they interact, where they enter the absorber.

    ``free`` and ``entered`` are in interaction lengths at normal incidence, counted from the front of the calorimeter.
    """

    rows: IndexArray
    free: Real
    reaching: NDArray[np.bool_]
    entered_mev: FloatArray


def spots(rng: np.random.Generator, s: Showers, tracker: Tracker, p: Flying, layers: Layers) -> Spots:
    """Return the charge that particles leave, before noise and threshold.

    The mean of an electromagnetic shower in a layer at depth t is E f(t) response / (loss of a MIP per radiation
    length), with f the share of the energy per radiation length of path; crossings are Poisson.
    """
    cosine = np.tanh(p.eta).astype(np.float32)
    # Where a particle that comes through the hole around the beam enters the absorber.
    entered_x0, entered, entered_mev = layers.before(s.inner_cm * np.sinh(p.eta.astype(np.float64)))
    hadrons = _hadrons(rng, p, layers, cosine, entered, entered_mev)
    rows = hadrons.rows[hadrons.reaching]
    free = hadrons.free[hadrons.reaching]
    share = rng.beta(1.2, 2.2, len(rows)).astype(np.float32)

    photon, electron = np.flatnonzero(p.kind == PHOTON), np.flatnonzero(p.kind == ELECTRON)
    conversion = rng.standard_exponential(len(photon), dtype=np.float32) * np.float32(_CONVERSION) * cosine[photon]
    conversion += (entered_x0[photon] - tracker.x0 * cosine[photon]).astype(np.float32)
    begin = (entered_x0[electron] - tracker.x0 * cosine[electron]).astype(np.float32)
    showers = _Begun(
        np.concatenate([photon, electron, rows]),
        np.concatenate([p.energy[photon], p.energy[electron], p.energy[rows] * share]),
        np.concatenate([np.full(len(photon), 0.5, np.float32), np.ones(len(electron) + len(rows), np.float32)]),
        np.concatenate([conversion, begin, layers.x0_at(free.astype(np.float64)).astype(np.float32)]),
    )
    rest = _Begun(rows, p.energy[rows] * (1 - share), p.energy[rows], free)
    clouds = (*_electromagnetic(rng, s, layers, showers, cosine), _hadronic(s, layers, rest, cosine))
    crossings = _tracks(rng, s, layers, p, hadrons)
    return _placed(p, layers, join(*(_spread(rng, s, cloud) for cloud in clouds), crossings))


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


def _hadrons(
    rng: np.random.Generator, p: Flying, layers: Layers, cosine: Real, entered: FloatArray, entered_mev: FloatArray
) -> _Hadrons:
    rows = np.flatnonzero((p.kind == CHARGED) | (p.kind == NEUTRAL) | (p.kind == MUON))
    kind = p.kind[rows]
    free = entered[rows] + rng.standard_exponential(len(rows), dtype=np.float32) * cosine[rows]
    lost = (np.interp(free, layers.interaction, layers.loss_mev) - entered_mev[rows]) / cosine[rows]
    reaching = ((_kinetic(p, rows) * 1e3 > lost) | (kind == NEUTRAL)) & (kind != MUON)
    free = np.where(kind == MUON, np.inf, free)
    return _Hadrons(rows, free.astype(np.float32), reaching, entered_mev[rows])


def _kinetic(p: Flying, rows: IndexArray) -> Real:
    """Return kinetic energies of hadrons and muons as if they were pions, GeV."""
    e = p.energy[rows]
    out: Real = np.sqrt(e * e + np.float32(_PION_GEV**2)) - np.float32(_PION_GEV)
    return out


def _electromagnetic(
    rng: np.random.Generator, s: Showers, layers: Layers, showers: _Begun, cosine: Real
) -> tuple[_Clouds, _Clouds]:
    """Return cores and tails of showers."""
    shape = electromagnetic_shapes(rng, showers.energy * showers.scale, _CALORIMETER.critical_mev)
    slant = 1 / cosine[showers.source]
    depth = (layers.x0.astype(np.float32)[:, None] - showers.begin) * slant
    inside = depth > _LEAST_DEPTH
    depth = np.maximum(depth, _LEAST_DEPTH)
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
    return Spots(clouds.particle[source], clouds.layer[source], r * np.cos(angle), r * np.sin(angle), charge)


def _tracks(rng: np.random.Generator, s: Showers, layers: Layers, p: Flying, hadrons: _Hadrons) -> Spots:
    """Return the crossings of charged tracks up to where they interact or stop."""
    charged = np.flatnonzero(p.kind[hadrons.rows] != NEUTRAL)
    source = hadrons.rows[charged]
    cosine = np.tanh(p.eta[source])
    far = layers.interaction.astype(np.float32)[:, None] < hadrons.free[charged]
    lost = layers.loss_mev[:, None] - hadrons.entered_mev[charged]
    far &= np.maximum(lost, 0) < _kinetic(p, source) * 1e3 * cosine
    layer, track = np.nonzero(far)
    charge = tracks(rng, s, len(track)) / cosine[track]
    here = np.zeros(len(track), np.float32)
    return Spots(source[track], layer, here, here, charge.astype(np.float32))


def _placed(p: Flying, layers: Layers, found: Spots) -> Spots:
    """Return spots at their places: a particle's path leads away from its vertex."""
    along = layers.z_cm.astype(np.float32)[found.layer] - p.vertex_cm[found.particle]
    radius = along / np.sinh(p.eta)[found.particle]
    phi = p.phi[found.particle]
    x, y = found.x_cm + radius * np.cos(phi), found.y_cm + radius * np.sin(phi)
    return Spots(found.particle, found.layer, x, y, found.mips)
