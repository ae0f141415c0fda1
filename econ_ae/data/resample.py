"""Training rows of signal and of pileup in a chosen share, by a column of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import ResampleConfig
from econ_ae.data.batch import Batch
from econ_ae.data.splits import Split
from econ_ae.errors import DataError, did_you_mean

SUM = "sum"
"""The column that every source has: the module sum in CALQ."""


def values_of(batch: Batch, config: ResampleConfig) -> NDArray[np.float64]:
    """Return the column that tells signal from pileup, float64 (n,).

    Raises
    ------
    DataError
        When the batch has no such column, or a value is no number.
    """
    source, name = batch.provenance.source, config.column
    if name == SUM:
        return batch.total.astype(np.float64)
    if name not in batch.metadata:
        there = (*batch.metadata, SUM)
        raise DataError(
            f"data.resample.column {name!r} is no column of {source}; expected one of {', '.join(there)}"
            f"{did_you_mean(name, there)}"
        )
    values = np.asarray(batch.metadata[name], np.float64)
    if (bad := np.isnan(values)).any():
        raise DataError(f"data.resample.column {name!r} of {source} is nan in row {int(np.argmax(bad)) + 1}")
    return values


def resampled(rows: Split, values: NDArray[np.float64], config: ResampleConfig, seed: int) -> Split:
    """Return the split with other training rows: as many as possible that give the share, or some of them repeated.

    Parameters
    ----------
    values : of all rows of the source, see ``values_of``
    seed : of the run; ``config.seed`` goes before it

    Raises
    ------
    DataError
        When the training rows are all signal, or all pileup.
    """
    own = values[rows.train]
    chosen = own > config.above if config.above is not None else np.isin(own, np.array(config.values or ()))
    what = (
        f"{config.column} > {config.above:g}" if config.above is not None else f"{config.column} one of {_list(config)}"
    )
    signal, pileup = rows.train[chosen], rows.train[~chosen]
    if not signal.size or not pileup.size:
        which = "no" if not signal.size else "every"
        raise DataError(
            f"{which} one of {len(own)} training rows has {what} (they have {own.min():g} to {own.max():g}); expected "
            "rows of both kinds: give data.resample another threshold or other values"
        )
    rng = np.random.default_rng([config.seed if config.seed is not None else seed, 7])
    ratio = config.share / (1 - config.share)
    lacks_signal = signal.size < ratio * pileup.size
    if lacks_signal == config.repeat:
        signal = _drawn(signal, round(ratio * pileup.size), rng)
    else:
        pileup = _drawn(pileup, round(signal.size / ratio), rng)
    train = np.sort(np.concatenate([signal, pileup]))
    how = "some repeated" if config.repeat else "the others left out"
    rule = f"{rows.rule}; then {len(signal)} training rows with {what} and {len(pileup)} others, of {len(own)}, {how}"
    return replace(rows, train=train, rule=rule)


def _drawn(rows: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return ``count`` rows, at least one, each as often as any other or once more."""
    whole, more = divmod(max(count, 1), len(rows))
    return np.concatenate([np.tile(rows, whole), rng.permutation(rows)[:more]])


def _list(config: ResampleConfig) -> str:
    return ", ".join(f"{value:g}" for value in config.values or ())
