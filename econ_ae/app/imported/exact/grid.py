"""On which grid numbers lie: the formats that hold float values without loss."""

from __future__ import annotations

import numpy as np

from econ_ae.app.imported.stored import Array
from econ_ae.fixedpoint import FixedFormat, IntArray, bits_for

_MANTISSA = 53


def fraction_of(values: Array) -> int:
    """Return the fewest fractional bits (may be negative) with which all values are integers; 0 for zeros alone."""
    some = np.asarray(values, np.float64)[np.asarray(values) != 0]
    if not some.size:
        return 0
    mantissa, exponent = np.frexp(some)
    whole = (mantissa * 2.0**_MANTISSA).astype(np.int64)
    zeros = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return int((_MANTISSA - exponent - zeros).max())


def bits_of(values: Array, fraction: int) -> int:
    """Return the bits of a signed format with ``fraction`` fractional bits that holds values which lie on its grid."""
    low, high = (float(f(np.append(values, 0.0))) * 2.0**fraction for f in (np.min, np.max))
    return max(int(high).bit_length(), (-int(low) - 1).bit_length() if low < 0 else 0, 1) + 1


def holds(fmt: FixedFormat, values: Array) -> bool:
    """Tell whether a format holds every value without loss."""
    scaled = np.asarray(values, np.float64) * 2.0**fmt.fraction
    return bool(np.all(scaled == np.rint(scaled)) and np.all(scaled >= fmt.min) and np.all(scaled <= fmt.max))


def format_of(low: int, high: int, fraction: int) -> FixedFormat | None:
    """Return the format whose integers are exactly ``low..high``, or None."""
    width = (high - low + 1).bit_length() - 1
    if low <= high and 1 << width == high - low + 1:
        if low == 0 and width >= 1:
            return FixedFormat(False, width, fraction)
        if low == -(high + 1) and width >= 2:
            return FixedFormat(True, width, fraction)
    return None


def narrowest(low: int, high: int, fraction: int) -> FixedFormat:
    """Return the narrowest format, unsigned where it can be, that holds all integers of ``low..high``."""
    signed, width = bits_for(low, max(high, low))
    return FixedFormat(signed, max(width, 2 if signed else 1), fraction)


def reach(kernel: IntArray, bias: IntArray, fmt: FixedFormat, *, padded: bool) -> tuple[list[int], list[int]]:
    """Return the smallest and the largest sum of every output.

    Parameters
    ----------
    kernel : (..., outputs), integers
    bias : (outputs,), in the unit of a product
    fmt : of the inputs
    padded : some of the inputs may be zeros that are no values of ``fmt``
    """
    flat = kernel.reshape(-1, kernel.shape[-1])
    ends = np.stack([flat * fmt.min, flat * fmt.max])
    low, high = ends.min(axis=0), ends.max(axis=0)
    if padded:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    lows, highs = low.sum(axis=0) + bias, high.sum(axis=0) + bias
    return [int(value) for value in lows], [int(value) for value in highs]
