"""Sets of trigger cells as numbers: the combinatorial number system.

The set c_1 < c_2 < ... < c_k of k cells has the rank C(c_1, 1) + C(c_2, 2) + ... + C(c_k, k), which runs through
0..C(48, k) - 1 without a gap.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CELLS = 48


def _table() -> IntArray:
    table = np.array([[comb(n, k) for k in range(CELLS + 2)] for n in range(CELLS + 1)], np.int64)
    table.setflags(write=False)
    return table


CHOOSE = _table()
"""int64 (49, 50): binomial coefficients n over k; the largest, 48 over 24, has 45 bits."""


def rank_bits(count: int) -> int:
    """Return the bits that the rank of a set of ``count`` cells needs."""
    return (comb(CELLS, count) - 1).bit_length()


def rank_of(sent: BoolArray) -> IntArray:
    """Return the rank of every set among the sets of its size, int64 (n,).

    Parameters
    ----------
    sent : bool (n, 48), the cells of the set
    """
    position = np.cumsum(sent, axis=1)
    return np.where(sent, CHOOSE[np.arange(CELLS)[None, :], position], 0).sum(axis=1)


def set_of(rank: IntArray, count: IntArray) -> BoolArray:
    """Return the sets of ``count`` cells with these ranks, bool (n, 48); inverts ``rank_of``.

    Parameters
    ----------
    rank : int64 (n,), each below 48 over ``count``
    count : int64 (n,), 0..48
    """
    left, need = rank.copy(), count.copy()
    sent = np.zeros((len(rank), CELLS), np.bool_)
    for cell in reversed(range(CELLS)):
        weight = CHOOSE[cell, need]
        sent[:, cell] = taken = (need > 0) & (left >= weight)
        left -= np.where(taken, weight, 0)
        need -= taken
    return sent
