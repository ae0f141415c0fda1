"""Widths of distributions as calorimeter people quote them: effective RMS, and the Cruijff function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

FloatArray = NDArray[np.float64]

SHARE = 0.68
_FEWEST_FITTED = 30
_GRID = 400
_REACH = 5.0  # effective RMS around the median that are fitted
_MIDDLE = (0.1, 0.9)
_BOUNDS = [(-3, 3), (-3, 3), (-3, 3), (0, 1), (0, 1)]  # mean, logarithms of the widths, tails


def effective_rms(values: FloatArray) -> float:
    """Return half of the shortest interval that holds 68 % of the values; NaN for fewer than 3."""
    ordered = np.sort(values[np.isfinite(values)])
    if len(ordered) < 3:
        return float("nan")
    inside = int(np.ceil(SHARE * len(ordered)))
    return float((ordered[inside - 1 :] - ordered[: len(ordered) - inside + 1]).min() / 2)


def relative_width(values: FloatArray) -> float:
    """Return the effective RMS over the mean; NaN without a mean above 0."""
    good = values[np.isfinite(values)]
    mean = float(good.mean()) if len(good) else 0.0
    return effective_rms(good) / mean if mean > 0 else float("nan")


def two_sided(one: FloatArray, other: FloatArray) -> float:
    """Return the resolution of a quantity that was measured twice: the 68 % quantile of sqrt(2) |a - b| / (a + b)."""
    spread = spreads(one, other)
    return float(np.quantile(spread, SHARE)) if len(spread) else float("nan")


def two_sided_mean(one: FloatArray, other: FloatArray) -> float:
    """Return the same from the mean of sqrt(2) |a - b| / (a + b), times what makes it the width of a Gaussian."""
    spread = spreads(one, other)
    return float(np.sqrt(np.pi / 2) * spread.mean()) if len(spread) else float("nan")


def spreads(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return sqrt(2) |a - b| / (a + b) of the pairs that are both numbers and not both 0."""
    good = np.isfinite(one) & np.isfinite(other) & (one + other > 0)
    out: FloatArray = np.sqrt(2) * np.abs(one[good] - other[good]) / (one[good] + other[good])
    return out


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Return Pearson's correlation of the pairs that are both numbers; NaN for fewer than 3 or without spread."""
    good = np.isfinite(one) & np.isfinite(other)
    a, b = one[good], other[good]
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def middle_correlation(one: FloatArray, other: FloatArray) -> float:
    """Return the correlation of the pairs whose absolute difference is between its 10 and 90 % quantiles."""
    difference = np.abs(one - other)
    good = np.isfinite(difference)
    if good.sum() < 3:
        return float("nan")
    low, high = np.quantile(difference[good], _MIDDLE)
    kept = good & (difference >= low) & (difference <= high)
    return correlation(one[kept], other[kept])


@dataclass(frozen=True)
class Cruijff:
    """The Cruijff function: a Gaussian with a width and a tail of its own on either side.

    exp(-(x - mean)**2 / (2 sigma**2 + alpha (x - mean)**2)) with the left or right sigma and alpha.
    """

    mean: float
    left: float
    right: float
    left_tail: float
    right_tail: float

    @property
    def relative_width(self) -> float:
        """Mean of both widths over the mean."""
        return (self.left + self.right) / 2 / self.mean

    def shape(self, x: FloatArray) -> FloatArray:
        """Return the function's values, not normalised."""
        distance = x - self.mean
        sigma = np.where(distance < 0, self.left, self.right)
        tail = np.where(distance < 0, self.left_tail, self.right_tail)
        return np.exp(-(distance**2) / (2 * sigma**2 + tail * distance**2))


def fit_cruijff(values: FloatArray) -> Cruijff | None:
    """Return the most likely Cruijff function of values within 5 effective RMS of the median; None for fewer than 30.

    The likelihood is that of the single values, normalised over the fitted range.
    """
    good = values[np.isfinite(values)]
    if len(good) < _FEWEST_FITTED:
        return None
    middle, width = float(np.median(good)), effective_rms(good)
    if width <= 0:
        return None
    good = good[np.abs(good - middle) < _REACH * width]
    grid = np.linspace(middle - _REACH * width, middle + _REACH * width, _GRID)
    step = grid[1] - grid[0]

    def function(p: FloatArray) -> Cruijff:
        mean, left, right, left_tail, right_tail = p.tolist()
        return Cruijff(middle + width * mean, width * math.exp(left), width * math.exp(right), left_tail, right_tail)

    def loss(p: FloatArray) -> float:
        found = function(p)
        whole = found.shape(grid).sum() * step
        return float(-np.log(np.maximum(found.shape(good), 1e-300)).mean() + np.log(whole))

    found = minimize(loss, np.array([0.0, 0.0, 0.0, 0.1, 0.1]), method="L-BFGS-B", bounds=_BOUNDS)
    return function(found.x)
