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
_MAX_FRACTION = 64
_NOTATION = re.compile(r"([us])(-?\d+)\.(-?\d+)")


class Rounding(enum.StrEnum):
    """How bits below the least significant one are dropped."""

    TRN = "trn"  # floor, AC_TRN
    RND_CONV = "rnd_conv"  # to nearest, ties to even, AC_RND_CONV and what tf.round does


class Overflow(enum.StrEnum):
    """What happens to a value outside the range.

    Training and import only make what saturates. A description may ask for wrapping: what the chip does with a latent
    above its format is not known (spec 6.5), and an encoder that wraps is computed and generated as exactly.
    """

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
        When the width is not in 1..62 (2..62 for signed formats), or the fraction not in -64..64.
    """

    signed: bool
    width: int
    fraction: int

    def __post_init__(self) -> None:
        least = 2 if self.signed else 1
        if not least <= self.width <= _MAX_WIDTH:
            kind = "a signed" if self.signed else "an unsigned"
            raise ModelError(f"width of {kind} format must be {least}..{_MAX_WIDTH}, not {self.width}")
        if not -_MAX_FRACTION <= self.fraction <= _MAX_FRACTION:
            raise ModelError(f"fraction of a format must be -{_MAX_FRACTION}..{_MAX_FRACTION}, not {self.fraction}")

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
    """Divide int64 ``values`` (any shape, of at most 62 bits) by ``2**shift`` with the given rounding.

    For shift <= 0 a multiplication, exact when the result fits int64.
    """
    if shift <= 0:
        return values << -shift
    shift = min(shift, 63)  # every larger shift gives the same
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
    shift = fraction - to.fraction
    if overflow is Overflow.SAT:
        if shift < 0:  # clip first: the shifted value may not fit int64
            high, low = values > to.max >> -shift, values < -(-to.min >> -shift)
            return np.where(high, to.max, np.where(low, to.min, np.where(high | low, 0, values) << -shift))
        return np.clip(shift_round(values, shift, rounding), to.min, to.max)
    out = shift_round(values, shift, rounding)
    wrapped = out & ((1 << to.width) - 1)
    if to.signed:
        wrapped = wrapped - ((wrapped >> (to.width - 1)) << to.width)
    return wrapped


def floor_to(values: NDArray[np.floating], to: FixedFormat) -> IntArray:
    """Return clip(floor(2**fraction v)), int64 of the same shape: how the ECON-T's weights were quantized (spec 7)."""
    scaled = np.floor(np.asarray(values, dtype=np.float64) * 2.0**to.fraction)
    return np.clip(scaled, to.min, to.max).astype(np.int64)


def bits_for(low: int, high: int) -> tuple[bool, int]:
    """Return (signed, width) of the narrowest format that holds all integers of ``low..high``."""
    if low > high:
        raise ModelError(f"an interval needs low <= high, not {low} > {high}")
    if low >= 0:
        return False, max(1, high.bit_length())
    return True, max(max(high, 0).bit_length(), (-low - 1).bit_length(), 1) + 1
