"""Fixed-point formats and exact integer requantisation."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ModelError

IntArray = NDArray[np.int64]

_MAX_WIDTH = 62  # values and one carry must fit int64
_NOTATION = re.compile(r"([us])(-?\d+)\.(-?\d+)")


class Rounding(enum.StrEnum):
    """How bits below the least significant one are dropped."""

    TRN = "trn"  # floor, AC_TRN
    RND_CONV = "rnd_conv"  # to nearest, ties to even, AC_RND_CONV and what tf.round does


class Overflow(enum.StrEnum):
    """What happens to a value outside the range."""

    SAT = "sat"
    WRAP = "wrap"


@dataclass(frozen=True)
class FixedFormat:
    """A two's complement (or unsigned) fixed-point format: value = integer / 2**fraction.

    Parameters
    ----------
    signed : whether one of the bits is a sign bit
    width : all bits, sign included
    fraction : fractional bits (may be negative or larger than the width)

    Raises
    ------
    ModelError
        When the width is not in 1..62 (2..62 for signed formats).
    """

    signed: bool
    width: int
    fraction: int

    def __post_init__(self) -> None:
        least = 2 if self.signed else 1
        if not least <= self.width <= _MAX_WIDTH:
            kind = "signed" if self.signed else "unsigned"
            raise ModelError(f"width of a {kind} format must be {least}..{_MAX_WIDTH}, not {self.width}")

    @classmethod
    def parse(cls, text: str) -> FixedFormat:
        """Read ``u1.7`` (unsigned, 1 integer bit, 7 fractional) or ``s0.5`` (sign bit besides)."""
        match = _NOTATION.fullmatch(text)
        if match is None:
            raise ModelError(
                f"fixed-point format {text!r} not understood; expected 'uI.F' or 'sI.F', for example 'u1.7' or 's0.5'"
            )
        signed = match[1] == "s"
        integer, fraction = int(match[2]), int(match[3])
        return cls(signed, integer + fraction + signed, fraction)

    def __str__(self) -> str:
        integer = self.width - self.fraction - self.signed
        return f"{'s' if self.signed else 'u'}{integer}.{self.fraction}"

    @property
    def min(self) -> int:
        """Smallest representable integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest representable integer."""
        return (1 << (self.width - self.signed)) - 1

    def holds(self, low: int, high: int) -> bool:
        """Tell whether every integer of ``low..high`` is representable."""
        return self.min <= low and high <= self.max


def shift_round(values: IntArray, shift: int, rounding: Rounding) -> IntArray:
    """Divide int64 ``values`` (any shape) by ``2**shift`` with the given rounding; exact for shift <= 0."""
    if shift <= 0:
        return values << -shift
    floor = values >> shift
    if rounding is Rounding.TRN:
        return floor
    remainder = values & ((1 << shift) - 1)
    half = 1 << (shift - 1)
    up = (remainder > half) | ((remainder == half) & ((floor & 1) == 1))
    return floor + up


def requantise(values: IntArray, fraction: int, to: FixedFormat, rounding: Rounding, overflow: Overflow) -> IntArray:
    """Bring integers with ``fraction`` fractional bits into the format ``to``.

    Parameters
    ----------
    values : int64, any shape
    fraction : fractional bits of ``values``

    Returns
    -------
    int64 array of the same shape, every element within ``to.min..to.max``.
    """
    out = shift_round(values, fraction - to.fraction, rounding)
    if overflow is Overflow.SAT:
        return np.clip(out, to.min, to.max)
    wrapped = out & ((1 << to.width) - 1)
    if to.signed:
        wrapped = wrapped - ((wrapped >> (to.width - 1)) << to.width)
    return wrapped


def bits_for(low: int, high: int) -> tuple[bool, int]:
    """Return (signed, width) of the narrowest format that holds all integers of ``low..high``."""
    if low > high:
        raise ModelError(f"an interval needs low <= high, not {low} > {high}")
    if low >= 0:
        return False, max(1, high.bit_length())
    return True, max(high.bit_length(), (-low - 1).bit_length()) + 1
