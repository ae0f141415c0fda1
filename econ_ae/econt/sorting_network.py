"""Batcher's merge-exchange sorting network (Knuth, TAOCP 5.2.2, algorithm M), run over a batch of events."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Layer = tuple[NDArray[np.intp], NDArray[np.intp]]


@functools.cache
def merge_exchange(size: int) -> tuple[Layer, ...]:
    """Return the network for ``size`` elements: layers of (upper, lower) positions that exchange independently."""
    layers: list[Layer] = []
    top = 1 << max((size - 1).bit_length() - 1, 0)
    p = top if size > 1 else 0
    while p:
        q, r, d = top, 0, p
        while True:
            upper = np.array([i for i in range(size - d) if i & p == r], dtype=np.intp)
            layers.append((upper, upper + d))
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return tuple(layers)


def sort_descending(values: NDArray[np.int32], index_bits: int) -> NDArray[np.int32]:
    """Sort the rows of every column with the network.

    Parameters
    ----------
    values : int32 (size, n), not negative, below 2**(31 - index_bits); not changed
    index_bits : bits that hold a row number

    Returns
    -------
    int32 (size, n): ``value << index_bits | original row``, largest value first. Two elements change places only when
    the upper is strictly smaller, so equal values end where the network happens to leave them: the chip's rule of ties.
    """
    size = len(values)
    tagged = values << index_bits | np.arange(size, dtype=np.int32)[:, None]
    below = np.int32((1 << index_bits) - 1)
    for upper, lower in merge_exchange(size):
        a, b = tagged[upper], tagged[lower]
        swap = (a | below) < b
        tagged[upper] = np.where(swap, b, a)
        tagged[lower] = np.where(swap, a, b)
    return tagged
