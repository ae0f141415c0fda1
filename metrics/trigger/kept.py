"""How well the clusters of some modules are kept: the figure by which a training can choose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.whole_events import WholeEvents
from metrics.trigger.cells import SIDES, Places
from metrics.trigger.clusters import Clusters, find_clusters, together
from metrics.trigger.match import Targets, matched

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HARDEST = 20
"""Clusters of every side of an event that count, those with the most pT of all cells.

A number and not a threshold in pT, so that it holds for any selection of modules. In CE-E among 200 pileup
interactions the twentieth has about 5 GeV.
"""

FEWEST = 10
"""Clusters that a figure is made of at least."""

_EVENTS = 2  # whose clusters are made at a time


class KeptClusters:
    """The hardest clusters of all cells, and what an algorithm leaves of them.

    Clusters are those of ``find_clusters`` with its own settings, of the modules that are there: where a selection has
    one section or one class of modules, the clusters are made of these alone, and pT is the transverse energy in them.

    Parameters
    ----------
    images : modules of whole events
    charges : of all cells, numbers (n, cells)
    per_charge : float64 (n, cells), counts per unit of the charges that will be judged; None where they are counts
    """

    def __init__(self, images: WholeEvents, charges: NDArray[np.generic], per_charge: FloatArray | None = None) -> None:
        self._per_charge = per_charge
        events = images.events
        self._parts: list[tuple[IntArray, Places]] = []
        for first in range(0, len(events), _EVENTS):
            some = events[first : first + _EVENTS]
            rows = np.flatnonzero(np.isin(images.event, some))
            self._parts.append((rows, Places(images[rows], some)))
        whole = self.clusters(charges)
        self.targets = _hardest(whole)
        self.whole = self.pt(whole)

    def __len__(self) -> int:
        """Return how many clusters are judged by."""
        return len(self.targets)

    def pt(self, found: Clusters) -> FloatArray:
        """Return the pT of the cluster with the most within 0.1 of each target, float64 (t,), GeV; 0 without one."""
        which = matched(self.targets, found)
        return np.where(which >= 0, found.pt[which], 0.0) if len(found) else np.zeros(len(self.targets))

    def response(self, found: Clusters) -> FloatArray:
        """Return pT over that of all cells, float64 (t,), 0 for a cluster that is lost."""
        return self.pt(found) / self.whole

    def __call__(self, charges: NDArray[np.generic]) -> float:
        """Return the spread of the response, see ``spread``, of charges as ``clusters`` has them."""
        return spread(self.response(self.clusters(charges)))

    def clusters(self, charges: NDArray[np.generic]) -> Clusters:
        """Return the clusters of charges.

        Parameters
        ----------
        charges : numbers (n, cells), of all modules, in the order and the unit that the object was made with
        """
        found: list[Clusters] = []
        first = 0
        for rows, places in self._parts:
            image = np.asarray(charges[rows], np.float64)
            counts = image if self._per_charge is None else image * self._per_charge[rows]
            sides = SIDES * len(places.events)
            found.append(find_clusters(places.cells(counts), sides).moved(first))
            first += sides
        return together(found)


def spread(response: FloatArray) -> float:
    """Return the RMS of responses about their mean, over the mean: 0 where every cluster has its pT, or a fixed part.

    A factor that all share is left to the calibration; a lost cluster counts with response 0. Where all are lost it is
    the square root of their number, which no other responses reach.
    """
    mean = float(response.mean())
    return float(response.std()) / mean if mean > 0 else float(np.sqrt(len(response)))


def _hardest(clusters: Clusters) -> Targets:
    """Return the clusters with the most pT of every side, by side."""
    order = np.lexsort((-clusters.pt, clusters.side))
    side = clusters.side[order]
    rank = np.arange(len(order)) - np.searchsorted(side, side)
    rows = order[rank < HARDEST]
    nothing = np.full(len(rows), np.nan)
    return Targets(clusters.side[rows] // SIDES, clusters.side[rows], clusters.eta[rows], clusters.phi[rows], nothing)
