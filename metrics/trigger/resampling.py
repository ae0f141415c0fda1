"""Errors of numbers that are made of whole events: events are drawn with all that is in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.statistics import Measured

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class Resampled:
    """A number, and what it would be in resampled events.

    Parameters
    ----------
    value : of all events; NaN where it is not defined
    replicas : float64 (resamples,)
    """

    value: float
    replicas: FloatArray

    @property
    def measured(self) -> Measured:
        """The number with its bootstrap error."""
        return Measured(self.value, _spread(self.replicas))

    def minus(self, other: Resampled) -> Measured:
        """Return the difference to a number of the same resamples: what both share cancels in its error."""
        return Measured(self.value - other.value, _spread(self.replicas - other.replicas))

    def relative(self, other: Resampled) -> Measured:
        """Return the number over another of the same resamples, less 1."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return Measured(
                float(np.divide(self.value, other.value)) - 1, _spread(np.divide(self.replicas, other.replicas) - 1)
            )


def _spread(replicas: FloatArray) -> float:
    good = replicas[np.isfinite(replicas)]
    return float(good.std(ddof=1)) if len(good) > 1 else float("nan")


class Events:
    """Resamples of events, the same for every quantity with one row per thing that is in an event.

    Parameters
    ----------
    event : integers (n,), event of each row
    resamples : how many
    seed : of the draws
    """

    def __init__(self, event: NDArray[np.integer], resamples: int = RESAMPLES, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        numbers, of = np.unique(event, return_inverse=True)
        order = np.argsort(of, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(numbers)))])
        self.draws: list[IntArray] = []
        """Rows of each resample, int64."""
        for _ in range(resamples):
            drawn = rng.integers(0, len(numbers), len(numbers)) if len(numbers) else np.zeros(0, np.int64)
            size = ends[drawn + 1] - ends[drawn]
            start = np.repeat(ends[drawn] - (np.cumsum(size) - size), size)
            self.draws.append(order[start + np.arange(size.sum())])

    def of(self, statistic: Callable[..., float], *columns: FloatArray) -> Resampled:
        """Return a statistic of columns (n,) and of their resamples."""
        replicas = [statistic(*(column[rows] for column in columns)) for rows in self.draws]
        return Resampled(float(statistic(*columns)), np.array(replicas, np.float64))
