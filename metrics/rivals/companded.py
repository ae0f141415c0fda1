"""The companded cell code: every cell the same log-spaced code, no map, no network.

A frame of L eLinks has the 5-bit header, the 5E4M code of the module sum (9), and a digit for each of the 48 cells with
as many levels as fit: 2, 3, 5 and 8 at 2, 3, 4 and 5 eLinks. Several digits share a field, as one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import SUM_BITS, SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.frame import ETX, FrameWriter, Words, header5
from econ_ae.econt.frame_reader import FrameReader, mid_bin
from econ_ae.econt.words import ORBIT
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import WaferGeometry
from metrics.emd import emd
from metrics.rivals.layout import HEADER_BITS
from metrics.rivals.pools import FloatArray, Pools
from metrics.rivals.ranks import CELLS, IntArray

LEAST_ELINKS = 2
"""eLinks of the shortest frame with two levels for each of 48 cells."""

_WORD = 32
_TRIED = 1_000  # training events on which thresholds are compared
_LOWEST = np.geomspace(0.005, 0.1, 8)
_RATIOS = (1.4, 1.5, 1.6, 1.75, 2.0, 2.5, 3.0, 4.0)


def fields(elinks: int) -> tuple[int, int]:
    """Return (levels, digits in a field) of a frame: as many levels as fit, in fields of at most 32 bits.

    Raises
    ------
    ConfigError
        When not even 2 levels fit.
    """
    payload = _WORD * elinks - HEADER_BITS - SUM_BITS
    for levels in range(1 << payload // CELLS + 1, 1, -1):
        for size in (d for d in range(1, CELLS + 1) if CELLS % d == 0):
            width = _width(levels, size)
            if width <= _WORD and width * (CELLS // size) <= payload:
                return levels, size
    raise ConfigError(f"no code of 48 cells fits {elinks} eLinks; expected 2..{ETX}")


def _width(levels: int, size: int) -> int:
    return (levels**size - 1).bit_length()


@dataclass(frozen=True, eq=False)
class CompandedCells:
    """The code with its tables: what encoder and receiver share.

    Parameters
    ----------
    elinks : 2..13
    thresholds : float64 (levels - 1,), rising charge fractions; a code counts the thresholds at or below
    values : float64 (levels,), the fraction that a code stands for
    """

    elinks: int
    thresholds: FloatArray
    values: FloatArray

    @classmethod
    def trained(cls, elinks: int, pools: Pools, geometry: WaferGeometry) -> CompandedCells:
        """Return the code whose geometric thresholds have the least mean EMD on training events.

        A code stands for the mean of the training fractions in it, the lowest for 0.
        """
        levels, _ = fields(elinks)
        tried = pools.fractions[:: -(-len(pools.fractions) // _TRIED)]
        least, best = np.inf, None
        for lowest, ratio in product(_LOWEST, _RATIOS if levels > 2 else (1.0,)):
            thresholds = lowest * ratio ** np.arange(levels - 1)
            code = cls(elinks, thresholds, _means(pools.fractions, thresholds))
            error = emd(tried, code._image(code._codes(tried)), geometry).values.mean()
            if error < least:
                least, best = error, code
        assert best is not None
        return best

    @property
    def bits(self) -> int:
        """Bits of the payload, without header and sum."""
        levels, size = fields(self.elinks)
        return _width(levels, size) * (CELLS // size)

    def encode(self, charges: NDArray[np.integer]) -> Words:
        """Return link words, uint32 (n, 13), of charges (n, 48), of bunch crossings from 0 on."""
        image = np.asarray(charges, np.float64)
        total = image.sum(axis=1, keepdims=True)
        codes = self._codes(np.divide(image, total, out=np.zeros_like(image), where=total > 0))
        levels, size = fields(self.elinks)
        writer = FrameWriter(len(image))
        writer.put(header5(np.arange(len(image)) % ORBIT), HEADER_BITS)
        writer.put(sum_code(np.asarray(charges)), SUM_BITS)
        weights = levels ** np.arange(size, dtype=np.int64)
        for digits in np.split(codes, CELLS // size, axis=1):
            writer.put(digits @ weights, _width(levels, size))
        return writer.words

    def decode(self, frames: NDArray[np.integer]) -> FloatArray:
        """Return what a receiver makes of frames, float64 (n, 48), CALQ counts, from their bits and the tables alone.

        Raises
        ------
        DataError
            When a field holds more than its digits can.
        """
        levels, size = fields(self.elinks)
        reader = FrameReader(frames, HEADER_BITS)
        sums = reader.take(SUM_BITS)
        numbers = np.stack([reader.take(_width(levels, size)) for _ in range(CELLS // size)], axis=1)
        if (numbers >= levels**size).any():
            raise DataError(f"a field of {size} digits holds {numbers.max()}; expected at most {levels**size - 1}")
        weights = levels ** np.arange(size, dtype=np.int64)
        codes = (numbers[:, :, None] // weights % levels).reshape(len(numbers), CELLS)
        return self._image(codes) * mid_bin(sums, SUM_EXPONENT, SUM_MANTISSA)[:, None]

    def _codes(self, fractions: FloatArray) -> IntArray:
        return np.searchsorted(self.thresholds, fractions, side="right")

    def _image(self, codes: IntArray) -> FloatArray:
        """Return fractions, (n, 48); an image of codes that stand for nothing is flat."""
        value = self.values[codes]
        whole = value.sum(axis=1, keepdims=True)
        return np.divide(value, whole, out=np.full(value.shape, 1 / CELLS), where=whole > 0)


def _means(fractions: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the mean of the fractions in each bin, or the bin's lower end where there is none; 0 for the lowest."""
    codes = np.searchsorted(thresholds, fractions, side="right").reshape(-1)
    size = len(thresholds) + 1
    counts = np.bincount(codes, minlength=size)
    sums = np.bincount(codes, fractions.reshape(-1), size)
    values = np.where(counts > 0, sums / np.maximum(counts, 1), np.concatenate([[0.0], thresholds]))
    values[0] = 0.0
    return values
