"""Which cluster is which particle: by the truth, or by the other side of an event with two equal electrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.whole_events import Truth
from metrics.trigger.clusters import Clusters

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REACH = 0.1
"""Largest distance in (eta, phi) of a cluster from what it is looked for."""

PAIR_ETA, PAIR_PHI = 0.12, 0.15
"""Largest difference of |eta|, and of phi from back to back, of the two electrons of an event (reference README)."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Directions in which a particle is known to be.

    Attributes
    ----------
    event : int64 (t,), place of the event among the events
    side : int64 (t,), see ``Cells``
    eta, phi : float64 (t,), eta with the side's sign
    pt : float64 (t,), GeV; NaN where it is not known
    """

    event: IntArray
    side: IntArray
    eta: FloatArray
    phi: FloatArray
    pt: FloatArray

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, rows: IntArray | NDArray[np.bool_]) -> Targets:
        """Return some of them."""
        return Targets(self.event[rows], self.side[rows], self.eta[rows], self.phi[rows], self.pt[rows])


def of_truth(truth: Truth, events: IntArray, kind: str) -> Targets:
    """Return the generated particles of a kind.

    Parameters
    ----------
    events : numbers of the events, rising
    """
    chosen = truth[np.flatnonzero((truth.kind == kind) & np.isin(truth.event, events))]
    event = np.searchsorted(events, chosen.event)
    return Targets(event, 2 * event + (chosen.zside > 0), chosen.eta, chosen.phi, chosen.pt)


def pairs(clusters: Clusters, events: int, least_pt: float = 0.0) -> Targets:
    """Return the electrons of events with two of them back to back: two rows per event, backward side first.

    The electron of a side is the cluster with the most transverse energy in CE-E. Both must have ``least_pt`` there.

    Parameters
    ----------
    clusters : of all cells
    events : how many there are
    """
    sides = 2 * events
    best = np.full(sides, -1)
    order = np.lexsort((clusters.pt_ce_e, clusters.side))
    best[clusters.side[order]] = order  # the last one written has the most
    back, front = best[0::2], best[1::2]
    there = np.flatnonzero((back >= 0) & (front >= 0))
    back, front = back[there], front[there]
    turn = np.abs((clusters.phi[back] - clusters.phi[front]) % (2 * np.pi) - np.pi)
    equal = np.abs(clusters.eta[back] + clusters.eta[front])
    hard = np.minimum(clusters.pt_ce_e[back], clusters.pt_ce_e[front]) > least_pt
    chosen = np.flatnonzero((turn < PAIR_PHI) & (equal < PAIR_ETA) & hard)
    rows = np.stack([back[chosen], front[chosen]], axis=1).reshape(-1)
    return Targets(
        np.repeat(there[chosen], 2),
        clusters.side[rows],
        clusters.eta[rows],
        clusters.phi[rows],
        np.full(len(rows), np.nan),
    )


def distance(targets: Targets, at: IntArray, clusters: Clusters, which: IntArray) -> FloatArray:
    """Return distances in (eta, phi) of pairs of a target and a cluster."""
    turn = (clusters.phi[which] - targets.phi[at] + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(clusters.eta[which] - targets.eta[at], turn)


def matched(targets: Targets, clusters: Clusters, reach: float = REACH) -> IntArray:
    """Return for every target the cluster with the most pT within reach on its side, int64 (t,); -1 without one."""
    at, which = _same_side(targets.side, clusters.side)
    near = distance(targets, at, clusters, which) < reach
    at, which = at[near], which[near]
    order = np.argsort(clusters.pt[which], kind="stable")
    out = np.full(len(targets), -1)
    out[at[order]] = which[order]
    return out


def away_from(targets: Targets, clusters: Clusters, reach: float) -> NDArray[np.bool_]:
    """Return which clusters are near none of the targets, bool (c,)."""
    at, which = _same_side(targets.side, clusters.side)
    near = distance(targets, at, clusters, which) < reach
    out = np.ones(len(clusters), np.bool_)
    out[which[near]] = False
    return out


def _same_side(one: IntArray, other: IntArray) -> tuple[IntArray, IntArray]:
    """Return all pairs of rows of two arrays with equal sides."""
    order = np.argsort(other, kind="stable")
    low, high = np.searchsorted(other[order], one), np.searchsorted(other[order], one, side="right")
    size = high - low
    at = np.repeat(np.arange(len(one)), size)
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return at, order[within + np.repeat(low, size)]
