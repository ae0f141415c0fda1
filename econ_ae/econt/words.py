"""Input words: 12 ePortRX words per bunch crossing, a header and four 7-bit trigger-cell codes each (spec 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.config import CELLS, Numbering
from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray

EPORTS = 12
"""Input words per bunch crossing."""

ORBIT = 3564
"""Bunch crossings in one LHC orbit."""

_ORBIT_HEADER = 9
_CODE_MASK = 127


def check_words(words: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Return ``words`` as uint32 (n, 12); DataError when the shape or a value is wrong."""
    array = np.asarray(words)
    if array.ndim != 2 or array.shape[1] != EPORTS or not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"input words must be integers of shape (n, {EPORTS}), not {array.dtype} {array.shape}")
    if array.dtype != np.uint32 and array.size and (array.min() < 0 or array.max() >= 1 << 32):
        raise DataError(f"input words must have 32 bits, got {array.min()}..{array.max()}")
    return array.astype(np.uint32, copy=False)


def field_shift(cell: int, numbering: Numbering) -> int:
    """Return the bit position of input ``cell``'s code in its word: 28 bits, 7 per cell."""
    place = cell % 4
    return 7 * place if numbering is Numbering.PROTOTYPE else 21 - 7 * place


def unpack_codes(words: NDArray[np.integer], numbering: Numbering) -> IntArray:
    """Return the codes of input cells 0..47 before the mux, int64 (n, 48), of words (n, 12)."""
    array = check_words(words)
    columns = [array[:, cell // 4] >> field_shift(cell, numbering) & _CODE_MASK for cell in range(CELLS)]
    return np.stack(columns, axis=1).astype(np.int64)


def pack_codes(codes: NDArray[np.integer], numbering: Numbering) -> NDArray[np.uint32]:
    """Return input words, uint32 (n, 12), of 7-bit codes (n, 48); inverts ``unpack_codes``.

    The rows are consecutive bunch crossings from 0 on: header 9 for crossing 0, else 0xA.
    """
    values = np.asarray(codes)
    if (
        values.ndim != 2
        or values.shape[1] != CELLS
        or (values.size and (values.min() < 0 or values.max() > _CODE_MASK))
    ):
        raise DataError(f"codes must have shape (n, {CELLS}) and 7 bits, not {values.shape}")
    bx = np.arange(len(values)) % ORBIT
    out = np.repeat(np.where(bx == 0, 0x9, 0xA)[:, None] << 28, EPORTS, axis=1)
    for cell in range(CELLS):
        out[:, cell // 4] |= values[:, cell].astype(np.int64) << field_shift(cell, numbering)
    return out.astype(np.uint32)


def crossings(words: NDArray[np.integer]) -> IntArray:
    """Return the bunch crossing 0..3563 of every row, int64 (n,).

    The count restarts at 0 in each row whose first word has header 9, wraps after 3563, and starts at 0 in the first
    row whatever its header (the published outputs do).
    """
    array = check_words(words)
    row = np.arange(len(array))
    starts = np.where(array[:, 0] >> 28 == _ORBIT_HEADER, row, 0)
    return (row - np.maximum.accumulate(starts)) % ORBIT if len(row) else row
