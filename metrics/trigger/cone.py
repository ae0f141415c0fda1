"""A cone around the hottest place of a side: the simplest cluster, and what first looks at data take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.cells import Cells, sums
from metrics.trigger.settings import LAST_CE_E

FloatArray = NDArray[np.float64]

RADIUS = 0.05
"""Of the cone in (eta, phi) (reference README)."""

_STEP, _LOWEST_ETA, _ETA_BINS = 0.05, 1.3, 40
_PHI_BINS = round(2 * np.pi / _STEP)
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Axes:
    """Where the cones of all sides are, float64 (sides,) each; eta without the side's sign."""

    eta: FloatArray
    phi: FloatArray


def hottest(cells: Cells, sides: int) -> Axes:
    """Return the axis of every side: the hottest bin of 0.05 x 0.05 in CE-E, moved to the centre of its cone 3 times.

    Parameters
    ----------
    sides : how many there are
    """
    eta, phi = _angles(cells)
    here = (cells.layer <= LAST_CE_E) & (eta >= _LOWEST_ETA) & (eta < _LOWEST_ETA + _ETA_BINS * _STEP)
    i = ((eta[here] - _LOWEST_ETA) / _STEP).astype(np.int64)
    j = ((phi[here] + np.pi) * (_PHI_BINS / (2 * np.pi))).astype(np.int64) % _PHI_BINS
    flat = (cells.side[here] * _ETA_BINS + i) * _PHI_BINS + j
    found = sums(flat, cells.et[here], sides * _ETA_BINS * _PHI_BINS).reshape(sides, -1).argmax(axis=1)
    axes = Axes(
        _LOWEST_ETA + (found // _PHI_BINS + 0.5) * _STEP, (found % _PHI_BINS + 0.5) * (2 * np.pi / _PHI_BINS) - np.pi
    )
    for _ in range(_ROUNDS):
        axes = _centre(cells, axes)
    return axes


def in_cone(cells: Cells, axes: Axes, radius: float = RADIUS) -> FloatArray:
    """Return the transverse energy in CE-E within the cone of every side, float64 (sides,), GeV."""
    inside = _inside(cells, axes, radius)
    return sums(cells.side[inside], cells.et[inside], len(axes.eta))


def _centre(cells: Cells, axes: Axes) -> Axes:
    inside = _inside(cells, axes, RADIUS)
    side, et = cells.side[inside], cells.et[inside]
    u, v = (sums(side, et * values[inside], len(axes.eta)) for values in (cells.u, cells.v))
    total = sums(side, et, len(axes.eta))
    radius = np.divide(np.hypot(u, v), total, out=np.ones_like(total), where=total > 0)
    some = total > 0
    return Axes(np.where(some, np.arcsinh(1 / radius), axes.eta), np.where(some, np.arctan2(v, u), axes.phi))


def _inside(cells: Cells, axes: Axes, radius: float) -> NDArray[np.bool_]:
    eta, phi = _angles(cells)
    turn = (phi - axes.phi[cells.side] + np.pi) % (2 * np.pi) - np.pi
    return (np.hypot(eta - axes.eta[cells.side], turn) < radius) & (cells.layer <= LAST_CE_E)


def _angles(cells: Cells) -> tuple[FloatArray, FloatArray]:
    return np.arcsinh(1 / np.hypot(cells.u, cells.v)), np.arctan2(cells.v, cells.u)
