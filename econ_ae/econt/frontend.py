"""Front end of the trigger path: mux, float to fix, calibration, as one table look-up per trigger cell."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.config import CELLS, EcontConfig
from econ_ae.econt.words import check_words, field_shift
from econ_ae.errors import DataError
from econ_ae.floatcodes import decode_4e3m

Charges = NDArray[np.int32]

CHARGE_BITS = 22
"""Width of a calibrated charge CALQ (spec 3)."""

_CODES = 128
_CALIBRATION_FRACTION = 11


@functools.lru_cache(maxsize=16)
def _tables(calibration: tuple[int, ...], density: int) -> NDArray[np.int32]:
    """CALQ of every code and cell, int32 (48, 128): (F * cal) >> 11 (spec 2 and 3)."""
    fixed = decode_4e3m(np.arange(_CODES), density)
    tables = (fixed * np.array(calibration, dtype=np.int64)[:, None]) >> _CALIBRATION_FRACTION
    return tables.astype(np.int32)


def calibrated_charges(config: EcontConfig, words: NDArray[np.integer]) -> Charges:
    """Return the calibrated charges CALQ behind the mux, int32 (n, 48) below 2**22, of input words (n, 12).

    The array is the transpose of a contiguous (48, n) one, which is what the algorithms work on.
    """
    array = check_words(words)
    columns = np.ascontiguousarray(array.T)
    tables = _tables(config.calibration, config.density)
    out = np.empty((CELLS, len(array)), np.int32)
    for cell, source in enumerate(config.mux):
        codes = columns[source // 4] >> np.uint32(field_shift(source, config.numbering)) & np.uint32(_CODES - 1)
        np.take(tables[cell], codes, out=out[cell], mode="clip")
    return out.T


def by_cell(charges: NDArray[np.integer]) -> Charges:
    """Return charges (n, 48) as a contiguous int32 (48, n) array; DataError for other shapes or above 22 bits."""
    array = np.asarray(charges)
    if array.ndim != 2 or array.shape[1] != CELLS or not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"charges must be integers of shape (n, {CELLS}), not {array.dtype} {array.shape}")
    if array.size and (array.min() < 0 or array.max() >= 1 << CHARGE_BITS):
        raise DataError(f"charges must be 0..{(1 << CHARGE_BITS) - 1}, got {array.min()}..{array.max()}")
    return np.ascontiguousarray(array.T, dtype=np.int32)
