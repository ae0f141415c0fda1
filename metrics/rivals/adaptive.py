"""Best choice with adaptive precision: the largest cells, each with n bits, n chosen per event.

The receiver's tables give 2**n levels of the charge fraction for every (n, number of cells sent). Where a frame does
not hold all cells with charge, what the levels leave of the whole is spread evenly over the unsent cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.frame import Words
from econ_ae.econt.frame_reader import mid_bin
from econ_ae.econt.words import ORBIT
from metrics.rivals.frames import Content, pack, unpack
from metrics.rivals.layout import Layout
from metrics.rivals.pools import FloatArray, Pools
from metrics.rivals.ranks import CELLS, BoolArray, IntArray

_REST = (0.02, 0.7)
"""Least and most of the whole that is given to the unsent cells of a frame that is cut."""


@dataclass(frozen=True, eq=False)
class AdaptivePrecision:
    """The code with its tables: what encoder and receiver share.

    Parameters
    ----------
    layout : of the frames
    levels : by bits per cell (entry 0 is empty), float64 (most cells + 1, 2**bits), rising in each row
    """

    layout: Layout
    levels: tuple[FloatArray, ...]

    @classmethod
    def trained(cls, layout: Layout, pools: Pools) -> AdaptivePrecision:
        """Return the code with tables made of training events."""
        tables = [np.zeros((1, 1))]
        for n in range(1, len(layout.most)):
            most, cut = layout.most[n], layout.cut[n]
            rows = [pools.levels(n, cells, cut if cells <= cut else CELLS) for cells in range(1, most + 1)]
            tables.append(np.array([np.zeros(1 << n), *rows]))
        for table in tables:
            table.setflags(write=False)
        return cls(layout, tuple(tables))

    @property
    def bits(self) -> int:
        """Bits of the longest payload, without header and sum."""
        return self.layout.bits

    def encode(self, charges: NDArray[np.integer]) -> Words:
        """Return link words, uint32 (n, 13).

        The mode is the one with the least sum of absolute differences between the fractions and what a receiver makes
        of them; of equal charges the cell with the lower number is sent.

        Parameters
        ----------
        charges : integers (n, 48), CALQ counts, of bunch crossings from 0 on
        """
        image = np.asarray(charges, np.float64)
        total = image.sum(axis=1, keepdims=True)
        fractions = np.divide(image, total, out=np.zeros_like(image), where=total > 0)
        order = np.argsort(-fractions, axis=1, kind="stable")
        falling = np.take_along_axis(fractions, order, axis=1)
        occupancy = np.count_nonzero(image, axis=1)
        least = np.full(len(image), np.inf)
        mode, sent = np.full(len(image), self.layout.modes[0]), np.zeros(image.shape, np.bool_)
        codes, whole = np.zeros(image.shape, np.int64), np.zeros(len(image), np.bool_)
        for n in self.layout.modes:
            everything = occupancy <= self.layout.most[n]
            count = np.where(everything, occupancy, self.layout.cut[n])
            here = np.arange(CELLS) < count[:, None]
            found = self._codes(n, count, falling)
            error = np.abs(self._fractions(n, here, found, everything) - falling).sum(axis=1)
            better = error < least
            least = np.where(better, error, least)
            mode[better], sent[better], codes[better] = n, here[better], found[better]
            whole[better] = everything[better]
        by_cell = np.argsort(order, axis=1)
        content = Content(
            mode,
            np.take_along_axis(sent, by_cell, axis=1),
            np.take_along_axis(codes, by_cell, axis=1),
            whole,
            sum_code(np.asarray(charges)),
        )
        return pack(self.layout, content, np.arange(len(image)) % ORBIT)

    def decode(self, frames: NDArray[np.integer]) -> FloatArray:
        """Return what a receiver makes of frames, float64 (n, 48), CALQ counts, from their bits and the tables alone.

        Raises
        ------
        DataError
            When a frame is none of this layout.
        """
        content = unpack(self.layout, frames)
        out = np.zeros(content.sent.shape)
        for n in self.layout.modes:
            rows = content.mode == n
            out[rows] = self._fractions(n, content.sent[rows], content.codes[rows], content.whole[rows])
        return out * mid_bin(content.sums, SUM_EXPONENT, SUM_MANTISSA)[:, None]

    def _codes(self, n: int, count: IntArray, falling: FloatArray) -> IntArray:
        """Return the number of the nearest level of each of the first ``count`` fractions of a row, else 0."""
        codes = np.zeros(falling.shape, np.int64)
        for k in np.unique(count).tolist():
            rows, levels = np.flatnonzero(count == k), self.levels[n][k]
            codes[rows, :k] = np.searchsorted((levels[1:] + levels[:-1]) / 2, falling[rows, :k], side="right")
        return codes

    def _fractions(self, n: int, sent: BoolArray, codes: IntArray, everything: BoolArray) -> FloatArray:
        """Return the fractions that codes stand for, (n, 48), cells in any order; 0 when nothing was sent."""
        count = sent.sum(axis=1)
        value = np.where(sent, self.levels[n][count[:, None], codes], 0.0)
        whole = value.sum(axis=1)
        rest = np.where(everything, 0.0, np.clip(1 - whole, *_REST))
        rest = np.where(~everything & (count == 0), 1.0, rest)
        scale = np.divide(1 - rest, whole, out=np.zeros_like(whole), where=whole > 0)
        unsent = rest / np.maximum(CELLS - count, 1)
        return np.where(sent, value * scale[:, None], unsent[:, None])
