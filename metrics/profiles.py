"""Binned profiles: how the EMD depends on occupancy, charge, or any other number of an event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import DataError
from metrics.emd import EmdResult

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """EMD in bins of another variable; a bin without events has count 0 and NaN everywhere else.

    Parameters
    ----------
    edges : float64 (bins + 1,); a bin holds its lower edge, the last bin its upper edge too
    centre : float64 (bins,), median of the variable in the bin
    count : int64 (bins,), defined pairs
    mean, mean_error : float64 (bins,), EMD units; the error is the standard error of the mean, NaN below 2 events
    median, low, high : float64 (bins,), quantiles 50, 16 and 84 %
    """

    edges: FloatArray
    centre: FloatArray
    count: NDArray[np.int64]
    mean: FloatArray
    mean_error: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray


def quantile_edges(variable: ArrayLike, bins: int) -> FloatArray:
    """Return edges of at most ``bins`` bins with about equally many events; fewer when values repeat.

    Raises
    ------
    DataError
        When there is no value, or ``bins`` is below 1.
    """
    values = np.asarray(variable, dtype=np.float64)
    if not len(values) or bins < 1:
        raise DataError(f"{bins} bins of {len(values)} values; quantile bins need at least one of each")
    # "higher" puts every edge on an observed value, so that integer variables get integer edges.
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="higher"))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1.0])


def profile(result: EmdResult, variable: ArrayLike, edges: ArrayLike) -> Profile:
    """Return the EMD of the defined pairs in bins of ``variable``.

    Parameters
    ----------
    variable : (n,) numbers, one per pair
    edges : (bins + 1,) rising; pairs outside are left out

    Raises
    ------
    DataError
        When lengths differ or the edges do not rise.
    """
    by = np.asarray(variable, dtype=np.float64)
    limits = np.asarray(edges, dtype=np.float64)
    if by.shape != (len(result),):
        raise DataError(f"the variable of a profile has shape {by.shape}; expected ({len(result)},), one per pair")
    if limits.ndim != 1 or len(limits) < 2 or not (np.diff(limits) > 0).all():
        raise DataError(f"profile edges must be two or more rising numbers, not {limits.tolist()}")
    bins = len(limits) - 1
    which = np.searchsorted(limits, by, side="right") - 1
    which[by == limits[-1]] = bins - 1
    which[~result.defined] = -1
    table = np.full((6, bins), np.nan)
    count = np.zeros(bins, dtype=np.int64)
    for i in range(bins):
        inside = which == i
        values = result.values[inside]
        count[i] = len(values)
        if not len(values):
            continue
        error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
        table[:, i] = (np.median(by[inside]), values.mean(), error, *np.quantile(values, (0.5, 0.16, 0.84)))
    centre, mean, mean_error, median, low, high = table
    return Profile(limits, centre, count, mean, mean_error, median, low, high)
