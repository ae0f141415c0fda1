"""Runs the operations that send cells as pulses, on integer numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.emulator.integers import floor_log2
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.cells import Apportion, Choose, Merge

_RECIPROCAL_BITS, _MANTISSA_BITS = 18, 8
_SCALE_SHIFT = 6
_BACK = _RECIPROCAL_BITS - _MANTISSA_BITS - _SCALE_SHIFT  # what is left to shift beside the exponent


@dataclass(frozen=True)
class Pulses:
    """What is sent of n events.

    Parameters
    ----------
    mode : number of the mode, int64 (n,)
    exact : whether the pulses are the charges themselves, bool (n,)
    pulses : int64 (n, cells); 0 for what is not sent, and for everything in events without charge
    """

    mode: IntArray
    exact: NDArray[np.bool_]
    pulses: IntArray


def order(x: IntArray) -> IntArray:
    """Return the rank of every cell, int64 (n, cells): 0 for the largest, of equal ones the lower number first.

    Sorts the values with the cells' numbers behind them, which is several times faster than sorting indices.
    """
    cells = np.arange(x.shape[1])
    bits = x.shape[1].bit_length()
    by_rank = np.sort(~x << bits | cells, axis=1) & ((1 << bits) - 1)
    rank = np.empty(x.shape, np.int64)
    rank[np.arange(len(x))[:, None], by_rank] = cells
    return rank


def best_neighbour(rank: IntArray, neighbours: tuple[tuple[int, ...], ...]) -> IntArray:
    """Return the smallest rank among the neighbours of every cell, int64 (n, cells); ``cells`` where there is none."""
    cells = rank.shape[1]
    padded = np.concatenate([rank, np.full((len(rank), 1), cells, rank.dtype)], axis=1)
    most = max(map(len, neighbours), default=0) or 1
    table = np.array([[*near, *[cells] * (most - len(near))] for near in neighbours])
    return padded[:, table].min(axis=2)


def above(x: IntArray, rank: IntArray) -> IntArray:
    """Return the sums of x over the cells whose rank is at least k, int64 (n, cells + 1), for k = 0..cells."""
    falling = np.zeros((len(x), x.shape[1] + 1), np.int64)
    falling[np.arange(len(x))[:, None], rank] = x
    return np.cumsum(falling[:, ::-1], axis=1)[:, ::-1]


def choose(op: Choose, x: IntArray, rank: IntArray, charges: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the number of the mode and whether it is without loss, (n,) each; see ``ir.cells.Choose``.

    Parameters
    ----------
    x : normalised charges (n, cells)
    rank : their ranks
    charges : as they came, for events that are sent without loss
    """
    cells = np.array([mode.cells for mode in op.modes])
    limits = np.array([mode.exact_sum for mode in op.modes])
    dropped = above(x, rank)[:, cells]
    hit = (x > 0).sum(axis=1)
    group = (hit[:, None] >= np.array(op.limits, np.int64)).sum(axis=1)
    estimate = (dropped << op.bias_fraction) + np.array(op.bias)[group] * x.sum(axis=1, keepdims=True)
    best = np.argmin(np.where(cells <= hit[:, None], estimate, np.iinfo(np.int64).max), axis=1)
    hits, total = (charges > 0).sum(axis=1, keepdims=True), charges.sum(axis=1, keepdims=True)
    fits = (cells == hits) & (total <= limits)
    exact: NDArray[np.bool_] = np.logical_or(fits.any(axis=1), total[:, 0] == 0)
    mode = np.where(exact, np.argmax(fits, axis=1), best)
    return mode, exact


def merge(op: Merge, x: IntArray, rank: IntArray, sent: IntArray) -> IntArray:
    """Return the charge of every cell that is sent with what its neighbours give it, int64 (n, cells); others 0.

    Parameters
    ----------
    sent : how many cells of every event are sent (n,)
    """
    events = np.arange(len(x))[:, None]
    nearest = best_neighbour(rank, op.neighbours)
    gives = (rank >= sent[:, None]) & (nearest < sent[:, None])
    slot = (x.shape[1] * events + nearest)[gives]
    received = np.bincount(slot, x[gives], minlength=x.size).astype(np.int64).reshape(x.shape)  # float64 holds the sums
    return np.where(rank < sent[:, None], x + received[events, rank], 0)


def apportion(op: Apportion, charge: IntArray, rank: IntArray, sent: IntArray, total: IntArray) -> IntArray:
    """Return the pulses of every cell, int64 (n, cells), see ``ir.cells.Apportion``.

    Parameters
    ----------
    charge : of the cells that are sent, 0 elsewhere
    rank : of the cells; those below ``sent`` are sent
    total : pulses of every event (n,)
    """
    is_sent: NDArray[np.bool_] = rank < sent[:, None]
    sums = charge.sum(axis=1)
    exponent = floor_log2(sums)
    reciprocal = (1 << _RECIPROCAL_BITS) // np.maximum((sums << _MANTISSA_BITS) >> exponent, 1)
    scale = (((total << op.fraction) - op.offset * sent) * reciprocal) >> _SCALE_SHIFT
    t = op.offset + ((charge * scale[:, None]) >> (exponent + _BACK)[:, None])
    whole = t >> op.fraction
    pulses = np.where(is_sent, np.maximum(whole, 1), 0)
    left = np.where(is_sent & (whole > 0), t & ((1 << op.fraction) - 1), 0)
    missing = np.clip(total - pulses.sum(axis=1), 0, sent)
    pulses += is_sent & (order(np.where(is_sent, left, -1)) < missing[:, None])
    largest = rank == 0
    pulses += largest * (total - pulses.sum(axis=1))[:, None]
    too_few = np.logical_or.reduce(np.where(largest, pulses, 1) < 1, axis=1)
    plain = np.where(largest, (total - sent + 1)[:, None], is_sent.astype(np.int64))
    return np.where(too_few[:, None], plain, pulses)
