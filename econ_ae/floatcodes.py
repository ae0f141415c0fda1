"""The ECON-T's unsigned floating-point codes, written nEmM: n exponent and m mantissa bits (spec 2 and 4)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray

HIGH_DENSITY: Final = 3
"""Bits that a high-density front end drops from a charge before it encodes it (spec 2)."""

LOW_DENSITY: Final = 1
"""The same for a low-density front end."""

_LARGEST = (1 << 53) - 1  # bit lengths come from float64


def bit_length(values: NDArray[np.integer]) -> IntArray:
    """Return the bit length of every value: int64, same shape; 0 has length 0.

    Raises
    ------
    DataError
        When a value is not an integer of 0..2**53-1.
    """
    array = _integers(values, _LARGEST, "values")
    return np.frexp(array.astype(np.float64))[1].astype(np.int64)


def encode(values: NDArray[np.integer], exponent: int, mantissa: int) -> IntArray:
    """Return float codes {exponent, mantissa} of integers; truncating and saturating (spec 4).

    Parameters
    ----------
    values : integers of 0..2**53-1, any shape; ``values >> d`` for a code with d dropped bits
    exponent, mantissa : bits of either, for example 4 and 3 for the 7-bit 4E3M

    Returns
    -------
    int64, same shape: codes of ``exponent + mantissa`` bits

    Raises
    ------
    DataError
        When a value is not an integer of 0..2**53-1.
    """
    e = bit_length(values) - mantissa
    v = values.astype(np.int64)
    # Exponent 0 holds the value itself; from 1 on the leading one is hidden.
    codes = np.where(e <= 0, v, (np.maximum(e, 0) << mantissa) | ((v >> np.maximum(e - 1, 0)) & ((1 << mantissa) - 1)))
    return np.where(e >= 1 << exponent, (1 << (exponent + mantissa)) - 1, codes)


def decode(codes: NDArray[np.integer], exponent: int, mantissa: int) -> tuple[IntArray, IntArray]:
    """Return (significand, shift) of float codes; the code stands for significand * 2**shift and above.

    Parameters
    ----------
    codes : integers of ``exponent + mantissa`` bits, any shape
    exponent, mantissa : bits of either

    Raises
    ------
    DataError
        When a code does not have ``exponent + mantissa`` bits.
    """
    array = _integers(codes, (1 << (exponent + mantissa)) - 1, f"{exponent}E{mantissa}M codes")
    e, m = array >> mantissa, array & ((1 << mantissa) - 1)
    return np.where(e == 0, m, m | (1 << mantissa)), np.maximum(e - 1, 0)


def decode_4e3m(codes: NDArray[np.integer], density: int) -> IntArray:
    """Return the charge in the middle of the bin of each trigger-cell code (ECON-T, spec 2).

    ``(2 m + 1) << (s + density - 1)``; code 0 gives 1 (low density) or 4 (high density), not 0.

    Parameters
    ----------
    codes : integers of 7 bits, any shape
    density : ``LOW_DENSITY`` (1) or ``HIGH_DENSITY`` (3), the bits that the front end dropped

    Returns
    -------
    int64, same shape, charges of at most 21 bits

    Raises
    ------
    DataError
        When a code does not have 7 bits.
    """
    significand, shift = decode(codes, 4, 3)
    return (2 * significand + 1) << (shift + density - 1)


def encode_4e3m(charges: NDArray[np.integer], density: int) -> IntArray:
    """Return the trigger-cell code that a front end of this density makes of each charge; inverts ``decode_4e3m``."""
    return encode(np.asarray(charges) >> density, 4, 3)


def _integers(values: NDArray[np.integer], largest: int, what: str) -> IntArray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"{what} must be integers, not {array.dtype}")
    if array.size and (array.min() < 0 or array.max() > largest):
        raise DataError(f"{what} must be 0..{largest}, got {array.min()}..{array.max()}")
    return array.astype(np.int64)
