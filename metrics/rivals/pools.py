"""Levels of charge fractions by Lloyd's rule, from training events with about as many cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.rivals.ranks import CELLS

FloatArray = NDArray[np.float64]

MOST_ROWS = 40_000
"""Training events that are used; of more, every n-th."""

_ROWS_PER_POOL = 4_000
_FEWEST_ROWS = 10
_ROUNDS = 40
_SMALLEST = 1e-6


class Pools:
    """Charge fractions of training events, from which every table of levels is made.

    Parameters
    ----------
    charges : numbers >= 0 (n, 48); events without charge are left out

    Raises
    ------
    DataError
        When no event has charge.
    """

    def __init__(self, charges: NDArray[np.generic]) -> None:
        image = np.asarray(charges, np.float64)
        image = image[image.sum(axis=1) > 0]
        if not len(image):
            raise DataError("the tables of a code are trained on events with charge; none were given")
        image = image[:: -(-len(image) // MOST_ROWS)]
        self.fractions: FloatArray = image / image.sum(axis=1, keepdims=True)
        """float64 (m, 48), by trigger cell."""
        occupancy = np.count_nonzero(image, axis=1)
        order = np.argsort(occupancy, kind="stable")
        self._occupancy = occupancy[order]
        self._falling = -np.sort(-self.fractions[order], axis=1)
        self.levels: Callable[[int, int, int], FloatArray] = lru_cache(maxsize=None)(self._levels)
        self._pool = lru_cache(maxsize=None)(self._pool_of)

    def _levels(self, bits: int, cells: int, most: int) -> FloatArray:
        """Return 2**bits rising levels for events of which ``cells`` cells are sent and at most ``most`` fit."""
        return lloyd(self._pool(*self._near(cells, most)), 1 << bits)

    def _near(self, cells: int, most: int) -> tuple[int, int, int]:
        """Return first and last row, and cells of them, of events that send about as many cells."""
        sent = np.minimum(self._occupancy, most)
        reach = cells // 8
        if np.searchsorted(sent, cells + reach, "right") - np.searchsorted(sent, cells - reach) < _FEWEST_ROWS:
            distance = np.abs(sent - cells)
            reach = int(np.partition(distance, min(_FEWEST_ROWS, len(sent)) - 1)[min(_FEWEST_ROWS, len(sent)) - 1])
        first, end = np.searchsorted(sent, cells - reach), np.searchsorted(sent, cells + reach, "right")
        return int(first), int(end), min(most, int(self._occupancy[end - 1]))

    def _pool_of(self, first: int, end: int, cells: int) -> FloatArray:
        """Return the rising fractions of the ``cells`` largest cells of a range of rows."""
        rows = self._falling[first:end, : min(cells, CELLS)]
        rows = rows[:: -(-len(rows) // _ROWS_PER_POOL)]
        return np.sort(rows[rows > 0])


def lloyd(values: FloatArray, size: int) -> FloatArray:
    """Return ``size`` levels with the least mean absolute error: Lloyd's rule, the median of what is nearest.

    Parameters
    ----------
    values : float64 (m,), rising, at least one

    Returns
    -------
    float64 (size,), rising; it starts between quantiles and a geometric series, and a level that nothing is nearest to
    stays where it is
    """
    spread = np.geomspace(max(values[0], _SMALLEST), max(np.quantile(values, 0.999), 2 * _SMALLEST), size)
    levels = (spread + np.quantile(values, (np.arange(size) + 0.5) / size)) / 2
    for _ in range(_ROUNDS):
        ends = np.concatenate([[0], np.searchsorted(values, (levels[1:] + levels[:-1]) / 2), [len(values)]])
        low, high = ends[:-1], ends[1:]
        middle = (low + high - 1) // 2, (low + high) // 2
        median = (values[np.minimum(middle[0], len(values) - 1)] + values[np.minimum(middle[1], len(values) - 1)]) / 2
        new = np.sort(np.where(high > low, median, levels))
        if np.allclose(new, levels):
            break
        levels = new
    return levels
