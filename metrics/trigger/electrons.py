"""What each algorithm makes of the same electrons: the clusters that are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.clusters import Clusters
from metrics.trigger.match import REACH, Targets, matched

FloatArray = NDArray[np.float64]

ALL_CELLS = "all"
"""The name of what sends everything."""

NO_LIMIT = (ALL_CELLS, "threshold")
"""What knows no eLinks, and is no choice."""

DEPTH_MM = 3313.3
"""Depth at which positions are compared, mm: trigger layer 3, where showers above 30 GeV are largest (reference)."""


@dataclass(frozen=True, eq=False)
class Found:
    """Clusters of the targets, one row each; NaN where none was found.

    Attributes
    ----------
    pt : float64 (t,), transverse energy in CE-E, GeV
    eta, phi : float64 (t,)
    """

    pt: FloatArray
    eta: FloatArray
    phi: FloatArray

    @property
    def there(self) -> NDArray[np.bool_]:
        """Which targets have a cluster, bool (t,)."""
        return np.isfinite(self.pt)

    @property
    def or_zero(self) -> FloatArray:
        """Transverse energies, 0 where no cluster was found."""
        return np.nan_to_num(self.pt, nan=0.0)


def find(targets: Targets, clusters: Clusters, reach: float = REACH) -> Found:
    """Return the clusters of targets."""
    which = matched(targets, clusters, reach)
    there = which >= 0
    columns = (clusters.pt_ce_e, clusters.eta, clusters.phi)
    if not len(clusters):
        return Found(*(np.full(len(targets), np.nan) for _ in columns))
    return Found(*(np.where(there, column[which], np.nan) for column in columns))


def without_all(found: Mapping[str, Found]) -> dict[str, Found]:
    """Return what compression made of the electrons: all algorithms but all cells."""
    return {name: one for name, one in found.items() if name != ALL_CELLS}


def shifts(one: Found, eta: FloatArray, phi: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return differences of eta and phi to given ones, and the distance in mm at the depth of the shower's maximum."""
    turn = (one.phi - phi + np.pi) % (2 * np.pi) - np.pi
    (x, y), (a, b) = _plane(one.eta, one.phi), _plane(eta, phi)
    return one.eta - eta, turn, np.hypot(x - a, y - b)


def _plane(eta: FloatArray, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
    radius = DEPTH_MM / np.sinh(np.abs(eta))
    return radius * np.cos(phi), radius * np.sin(phi)
