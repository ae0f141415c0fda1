"""Averages of per-event quantities, all with errors from the same resampled events; undefined events enter none."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.statistics import RESAMPLES, Measured, check_resamples

FloatArray = NDArray[np.float64]

_CHUNK = 4_000_000  # resampled events held at once (32 MB)


@dataclass(frozen=True, eq=False)
class PerEvent:
    """A quantity of n events.

    Parameters
    ----------
    values : float64 (n,); NaN where undefined
    defined : bool (n,)
    """

    values: FloatArray
    defined: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for array in (self.values, self.defined):
            array.setflags(write=False)

    @classmethod
    def where(cls, defined: NDArray[np.bool_], values: FloatArray) -> PerEvent:
        """Return the values where they are defined."""
        return cls(np.where(defined, values, np.nan), defined)


@dataclass(frozen=True)
class Averaged:
    """A number over events, with what it was made of.

    Parameters
    ----------
    value : None when no event defines it
    defined, undefined : events with and without the quantity
    """

    value: Measured | None
    defined: int
    undefined: int


@dataclass(frozen=True, eq=False)
class Ratio:
    """A number to average: sum(numerator) / sum(denominator) over events, or its square root.

    Parameters
    ----------
    numerator, denominator : float64 (n,), finite; events that define nothing hold 0 in both
    defined : bool (n,), which events count as defined
    root : take the square root
    """

    numerator: FloatArray
    denominator: FloatArray
    defined: NDArray[np.bool_]
    root: bool = False


def mean(quantity: PerEvent) -> Ratio:
    """Return the mean over the events that define the quantity."""
    defined = quantity.defined
    return Ratio(np.where(defined, quantity.values, 0.0), defined.astype(np.float64), defined)


def rms(quantity: PerEvent) -> Ratio:
    """Return the root mean square over the events that define the quantity."""
    defined = quantity.defined
    return Ratio(np.where(defined, quantity.values, 0.0) ** 2, defined.astype(np.float64), defined, root=True)


def undefined(events: int) -> Ratio:
    """Return a number that no event defines."""
    zeros = np.zeros(events)
    return Ratio(zeros, zeros, np.zeros(events, np.bool_))


def averages(ratios: Mapping[str, Ratio], seed: int, resamples: int = RESAMPLES) -> dict[str, Averaged]:
    """Return every number with its bootstrap error, of ratios of the same n events.

    Whole events are resampled, the same for every number, and for every call with the same seed and n.

    Raises
    ------
    DataError
        When there are fewer than 2 resamples.
    """
    check_resamples(resamples)
    above = np.stack([r.numerator for r in ratios.values()], axis=1)
    below = np.stack([r.denominator for r in ratios.values()], axis=1)
    drawn = [(w @ above, w @ below) for w in _weights(len(above), seed, resamples)]
    tops, bottoms = (np.concatenate(part).T for part in zip(*drawn, strict=True))
    return {
        name: _averaged(ratio, top, bottom)
        for (name, ratio), top, bottom in zip(ratios.items(), tops, bottoms, strict=True)
    }


def _averaged(ratio: Ratio, tops: FloatArray, bottoms: FloatArray) -> Averaged:
    total = float(ratio.denominator.sum())
    count = int(np.count_nonzero(ratio.defined))
    if total <= 0:
        return Averaged(None, count, len(ratio.defined) - count)
    # A resample without any denominator says nothing about the ratio.
    kept = bottoms > 0
    samples = tops[kept] / bottoms[kept]
    value = float(ratio.numerator.sum()) / total
    if ratio.root:
        samples, value = np.sqrt(samples), float(np.sqrt(value))
    error = float(samples.std(ddof=1)) if len(samples) > 1 else 0.0
    return Averaged(Measured(value, error), count, len(ratio.defined) - count)


def _weights(n: int, seed: int, count: int) -> Iterator[FloatArray]:
    """How often every event is in every resample, as arrays (some resamples, n)."""
    if n * count <= _CHUNK:
        yield _all_weights(n, seed, count)
        return
    rng = np.random.default_rng(seed)
    at_once = max(1, _CHUNK // n)
    for start in range(0, count, at_once):
        yield _draw(rng, n, min(at_once, count - start))


@functools.lru_cache(maxsize=1)
def _all_weights(n: int, seed: int, count: int) -> FloatArray:
    return _draw(np.random.default_rng(seed), n, count)


def _draw(rng: np.random.Generator, n: int, rows: int) -> FloatArray:
    drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
