"""Summaries of EMD values with bootstrap errors; undefined pairs are counted and enter no number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.emd import EmdResult

FloatArray = NDArray[np.float64]

QUANTILES = (0.16, 0.5, 0.84)
RESAMPLES = 200
_CHUNK = 4_000_000  # resampled values held at once (32 MB)


@dataclass(frozen=True)
class Measured:
    """A number and its bootstrap standard error."""

    value: float
    error: float

    @property
    def pair(self) -> dict[str, float | None]:
        """Number and error for JSON; an error that is not known is None."""
        return {"value": self.value, "error": self.error if np.isfinite(self.error) else None}

    @classmethod
    def of_pair(cls, pair: Mapping[str, Any]) -> Measured:
        """Return what ``pair`` says."""
        value, error = (float("nan") if pair[name] is None else float(pair[name]) for name in ("value", "error"))
        return cls(value, error)


@dataclass(frozen=True)
class Summary:
    """EMD of one algorithm, in EMD units.

    Parameters
    ----------
    mean, median, low, high : over the defined pairs; ``low`` and ``high`` are the 16 and 84 % quantiles
    n_defined, n_undefined : pairs with and without an EMD
    """

    mean: Measured
    median: Measured
    low: Measured
    high: Measured
    n_defined: int
    n_undefined: int


@dataclass(frozen=True)
class PairedDifference:
    """EMD of ``a`` minus EMD of ``b`` on the same events.

    The events are resampled as pairs, so what both share - an event that is hard for either - cancels in the error.

    Parameters
    ----------
    mean : EMD units; negative when ``a`` is better
    a_better, b_better : fractions of the events in which one has the strictly smaller EMD
    n_pairs : events in which both are defined
    """

    mean: Measured
    a_better: float
    b_better: float
    n_pairs: int

    @property
    def significance(self) -> float:
        """Mean difference in units of its error; 0 when there is no difference, inf when it has no spread."""
        if self.mean.error > 0:
            return self.mean.value / self.mean.error
        return 0.0 if self.mean.value == 0 else float(np.copysign(np.inf, self.mean.value))


def _resamples(values: FloatArray, seed: int, count: int) -> Iterator[FloatArray]:
    """Bootstrap samples of ``values``, as arrays (some resamples, n)."""
    rng = np.random.default_rng(seed)
    at_once = max(1, _CHUNK // len(values))
    for start in range(0, count, at_once):
        yield values[rng.integers(0, len(values), (min(at_once, count - start), len(values)))]


def summarise(result: EmdResult, seed: int, resamples: int = RESAMPLES) -> Summary:
    """Return mean, median and 16-84 % quantiles of the defined pairs, with bootstrap errors.

    Parameters
    ----------
    seed : of the bootstrap; the same seed resamples the same events for every algorithm
    resamples : bootstrap samples, at least 2

    Raises
    ------
    DataError
        When no pair is defined.
    """
    values = result.of_defined
    if not len(values):
        raise DataError(f"none of the {len(result)} pairs has an EMD: every pair contains an image without charge")
    check_resamples(resamples)
    means, quantiles = [], []
    for sample in _resamples(values, seed, resamples):
        means.append(sample.mean(axis=1))
        quantiles.append(np.quantile(sample, QUANTILES, axis=1))
    errors = np.concatenate(quantiles, axis=1).std(axis=1, ddof=1)
    low, median, high = (
        Measured(float(value), float(error))
        for value, error in zip(np.quantile(values, QUANTILES), errors, strict=True)
    )
    mean = Measured(float(values.mean()), float(np.concatenate(means).std(ddof=1)))
    return Summary(mean, median, low, high, len(values), result.n_undefined)


def paired_difference(a: EmdResult, b: EmdResult, seed: int) -> PairedDifference:
    """Return how two algorithms differ on the events in which both have an EMD.

    Raises
    ------
    DataError
        When the numbers of events differ, or no event has both EMDs.
    """
    if len(a) != len(b):
        raise DataError(f"a paired difference needs the same events: {len(a)} and {len(b)} were given")
    both = a.defined & b.defined
    if not both.any():
        raise DataError(f"none of the {len(a)} events has an EMD in both algorithms")
    difference = a.values[both] - b.values[both]
    means = np.concatenate([sample.mean(axis=1) for sample in _resamples(difference, seed, RESAMPLES)])
    return PairedDifference(
        mean=Measured(float(difference.mean()), float(means.std(ddof=1))),
        a_better=float((difference < 0).mean()),
        b_better=float((difference > 0).mean()),
        n_pairs=len(difference),
    )


def check_resamples(resamples: int) -> None:
    """Raise DataError when there are too few resamples for an error."""
    if resamples < 2:
        raise DataError(f"a bootstrap error needs at least 2 resamples, not {resamples}")
