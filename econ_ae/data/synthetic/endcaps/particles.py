"""What flies into the endcaps: the generated particles with their truth, and pileup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.collisions import JET_FRAGMENTS, JET_KINDS, JET_RADIUS, pileup_momenta
from econ_ae.data.synthetic.endcaps.settings import GREATEST_ETA, LEAST_ETA, Gun, Tracker
from econ_ae.data.synthetic.parameters import Pileup
from econ_ae.data.synthetic.particles import CHARGED, MUON, NEUTRAL, PHOTON, Real, join
from econ_ae.data.truth import KINDS
from econ_ae.geometry import FloatArray, IndexArray

ELECTRON = 4
"""What an electron does in the calorimeter; the other kinds are those of ``synthetic.particles``."""

_FACE_CM = 322.15
_BEND = 0.2998  # pT in GeV over field in T and radius in m
_SOFTEST = 0.02  # least share of an electron's energy that a photon of bremsstrahlung may have
_HARDEST = 0.98
_LEAST_FOLLOWED = 0.5  # of eta: fragments of jets that go beside the endcap


@dataclass(frozen=True, eq=False)
class Flying:
    """Particles that go straight away from the interaction point once they are in the calorimeter.

    Attributes
    ----------
    event : intp (n,), number in the block
    side : intp (n,), 0 for zside -1 and 1 for zside 1
    kind : int8 (n,), ``PHOTON``, ``CHARGED``, ``NEUTRAL``, ``MUON`` or ``ELECTRON``
    energy : float32 (n,), GeV
    eta : float32 (n,), absolute
    phi : float32 (n,), seen from the interaction point: of x times zside, and y
    vertex_cm : float32 (n,), where it comes from along the beam, towards its side
    truth : intp (n,), row of the truth that it belongs to, -1 for pileup
    """

    event: IndexArray
    side: IndexArray
    kind: NDArray[np.int8]
    energy: Real
    eta: Real
    phi: Real
    vertex_cm: Real
    truth: IndexArray

    def __len__(self) -> int:
        return len(self.event)

    def take(self, rows: IndexArray) -> Flying:
        """Return the given particles."""
        return Flying(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Shot:
    """The truth of a block of events, arrays (p,): as ``data.whole_events.Truth``, events numbered in the block.

    ``eta`` is that of the momentum, with the side's sign, and ``vertex_cm`` is along the beam.
    """

    event: IndexArray
    zside: IndexArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    kind: IndexArray
    vertex_cm: FloatArray

    @property
    def seen_eta(self) -> FloatArray:
        """float64 (p,): of the place in the first layer, seen from the centre of the detector, with the side's sign."""
        along = _FACE_CM * self.zside
        out: FloatArray = np.arcsinh(along * np.sinh(self.eta) / (along - self.vertex_cm))
        return out


def shot(rng: np.random.Generator, gun: Gun, tracker: Tracker, events: int) -> Shot:
    """Return what a gun shoots in a block of events: one particle or jet each, or a pair."""
    kinds = np.array([KINDS.index(kind) for kind in gun.kinds] or [0], np.intp)
    kind = kinds[rng.integers(len(kinds), size=events)]
    pt = rng.uniform(gun.lowest_pt, gun.highest_pt, events)
    eta = rng.uniform(gun.lowest_eta, gun.highest_eta, events)
    phi = rng.uniform(-np.pi, np.pi, events)
    zside = np.where(rng.random(events) < 0.5, -1, 1).astype(np.intp)
    vertex = rng.normal(0, tracker.vertex_cm, events)
    one = Shot(np.arange(events), zside, pt, zside * eta, _wrapped(phi), kind, vertex)
    if not gun.kinds:
        return Shot(*(column[:0] for column in vars(one).values()))
    if not gun.pairs:
        return one
    other = Shot(np.arange(events), -zside, pt, -zside * eta, _wrapped(phi + np.pi), kind, vertex)
    both = join(one, other)
    return Shot(*(column[np.lexsort((both.zside, both.event))] for column in vars(both).values()))


def flying(rng: np.random.Generator, truth: Shot, tracker: Tracker) -> Flying:
    """Return what meets the calorimeter of what was shot: fragments of jets, photons that electrons radiate."""
    jets = np.flatnonzero(truth.kind == KINDS.index("jet"))
    electrons = np.flatnonzero(truth.kind == KINDS.index("electron"))
    others = np.flatnonzero((truth.kind == KINDS.index("photon")) | (truth.kind == KINDS.index("pion")))
    kind = np.where(truth.kind[others] == KINDS.index("photon"), PHOTON, CHARGED)
    alone = _flying(truth, others, kind, truth.pt[others])
    return join(alone, _electrons(rng, truth, electrons, tracker), _jets(rng, truth, jets))


def pileup(rng: np.random.Generator, p: Pileup, tracker: Tracker) -> Flying:
    """Return the pileup of one event in both endcaps: particles of a Poisson number of interactions.

    Charged particles turn on a helix up to the calorimeter: r = 2 R sin(z / (2 R sinh(eta))), R = pT / (0.3 B).
    """
    interactions = rng.poisson(p.mu)
    n = rng.poisson(interactions * p.per_eta * 2 * (GREATEST_ETA - LEAST_ETA))
    side = rng.integers(2, size=n)
    eta = rng.uniform(LEAST_ETA, GREATEST_ETA, n).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    kind, pt = pileup_momenta(rng, p, n)
    energy = pt * np.cosh(eta)
    kind[(kind == CHARGED) & (rng.random(n) < tracker.decays)] = MUON
    if tracker.field_tesla:
        radius = pt / np.float32(_BEND * tracker.field_tesla)
        turned = np.abs(2 * radius * np.sin((_FACE_CM / 100) / (2 * radius * np.sinh(eta))))
        bent = np.arcsinh((_FACE_CM / 100) / np.maximum(turned, np.float32(1e-3))).astype(np.float32)
        eta = np.where((kind == CHARGED) | (kind == MUON), bent, eta)
    vertex = rng.normal(0, tracker.vertex_cm, n).astype(np.float32)
    return Flying(np.zeros(n, np.intp), side, kind, energy, eta, phi, vertex, np.full(n, -1))


def around(soft: Flying, truth: Shot, distance: float) -> Flying:
    """Return the pileup within a distance in (x/z, y/z) of what was shot into the same event and side.

    Parameters
    ----------
    truth : of the event
    """
    radius, seen = 1 / np.sinh(np.abs(truth.eta)), np.where(truth.zside > 0, truth.phi, np.pi - truth.phi)
    away = 1 / np.sinh(soft.eta)
    x, y = away * np.cos(soft.phi), away * np.sin(soft.phi)
    kept = np.zeros(len(soft.side), np.bool_)
    for side, r, phi in zip(truth.zside > 0, radius, seen, strict=True):
        kept |= (soft.side == side) & (np.hypot(x - r * np.cos(phi), y - r * np.sin(phi)) < distance)
    return Flying(*(column[kept] for column in vars(soft).values()))


def _flying(
    truth: Shot, of: IndexArray, kind: NDArray[np.integer], pt: FloatArray, *,
    eta: FloatArray | None = None, phi: FloatArray | None = None,
) -> Flying:  # fmt: skip
    """Return particles with their truth, in its direction unless given; eta with the side's sign, phi the true one."""
    eta = truth.eta[of] if eta is None else eta
    phi = truth.phi[of] if phi is None else phi
    side = truth.zside[of]
    seen = np.where(side > 0, phi, np.pi - phi)
    energy = (pt * np.cosh(eta)).astype(np.float32)
    away = np.maximum(eta * side, _LEAST_FOLLOWED).astype(np.float32)
    return Flying(
        truth.event[of], (side > 0).astype(np.intp), kind.astype(np.int8), energy, away, seen.astype(np.float32),
        (side * truth.vertex_cm[of]).astype(np.float32), of,
    )  # fmt: skip


def _electrons(rng: np.random.Generator, truth: Shot, of: IndexArray, tracker: Tracker) -> Flying:
    """Return electrons and what they radiate.

    The number of photons above a share of 0.02 of what the electron has is Poisson with the mean 4/3 x0 ln(1 / 0.02),
    their shares fall as 1 / k (Bethe and Heitler, without the terms that matter near k = 1). A photon that leaves at a
    share f of the path goes straight on: relative to an electron that does not radiate it arrives b (1 - f)^2 away in
    phi, to one side, with b = 0.15 B r / pT, and by every photon the electron moves (1/z - 1/z') b (1 - f)^2 to the
    other, where it keeps z of the z' that it had.
    """
    n = len(of)
    pt = truth.pt[of]
    b = 0.5 * _BEND * tracker.field_tesla * (_FACE_CM / 100) / np.sinh(np.abs(truth.eta[of])) / pt
    b *= np.where(rng.random(n) < 0.5, -1, 1)  # electrons and positrons
    count = rng.poisson(4 / 3 * tracker.radiating_x0 * np.log(1 / _SOFTEST), n)
    parent = np.repeat(np.arange(n), count)
    path = rng.random(len(parent))
    path = path[np.lexsort((path, parent))]
    share = _SOFTEST ** rng.random(len(parent)) * _HARDEST
    kept = np.log1p(-share)
    sums = np.cumsum(kept)
    first = np.cumsum(count) - count  # of each electron's photons
    ahead = np.concatenate([[0.0], sums])[first][parent]
    after = np.exp(sums - ahead)
    had = after / (1 - share)
    left = np.square(1 - path)
    moved = b * np.bincount(parent, (1 / after - 1 / had) * left, n)
    own_pt = pt * np.exp(np.bincount(parent, kept, n))
    own = _flying(truth, of, np.full(n, ELECTRON), own_pt, phi=truth.phi[of] + moved)
    source = of[parent]
    phi = truth.phi[source] - b[parent] * left
    return join(own, _flying(truth, source, np.full(len(source), PHOTON), pt[parent] * had * share, phi=phi))


def _jets(rng: np.random.Generator, truth: Shot, of: IndexArray) -> Flying:
    """Return the fragments of jets, as those of ``synthetic.collisions``."""
    n = len(of)
    count = 1 + rng.poisson(JET_FRAGMENTS[0] + JET_FRAGMENTS[1] * np.log(np.maximum(truth.pt[of], 1)))
    parent = np.repeat(np.arange(n), count)
    m = len(parent)
    weight = rng.standard_exponential(m)
    share = weight / np.bincount(parent, weight, n)[parent]
    draw = rng.random(m)
    kind = np.select([draw < JET_KINDS[0], draw < JET_KINDS[1]], [CHARGED, PHOTON], NEUTRAL)
    away, angle = JET_RADIUS * rng.standard_gamma(2, m), 2 * np.pi * rng.random(m)
    source = of[parent]
    eta = truth.eta[source] + away * np.cos(angle)
    phi = truth.phi[source] + away * np.sin(angle)
    return _flying(truth, source, kind, truth.pt[source] * share, eta=eta, phi=phi)


def _wrapped(phi: FloatArray) -> FloatArray:
    """Return angles in (-pi, pi]."""
    return np.asarray(np.pi - np.mod(np.pi - phi, 2 * np.pi), np.float64)
