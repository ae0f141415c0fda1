"""Quantizers of activations, in the words of all the tools that write them, as the one that the block computes."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray, Rounding, shift_round


class Mode(enum.StrEnum):
    """To which of its neighbours on the grid a value goes."""

    HALF_EVEN = "to nearest, ties to even"
    HALF_UP = "to nearest, ties up"
    HALF_DOWN = "to nearest, ties down"
    HALF_AWAY = "to nearest, ties away from zero"
    HALF_ZERO = "to nearest, ties to zero"
    FLOOR = "down"
    CEIL = "up"
    ZERO = "to zero"
    AWAY = "away from zero"


_POSITIVE = {
    Mode.HALF_AWAY: Mode.HALF_UP,
    Mode.HALF_ZERO: Mode.HALF_DOWN,
    Mode.ZERO: Mode.FLOOR,
    Mode.AWAY: Mode.CEIL,
}
"""What modes that know a sign are for values that are never negative."""
MIRRORED = {
    Mode.FLOOR: Mode.CEIL,
    Mode.CEIL: Mode.FLOOR,
    Mode.HALF_UP: Mode.HALF_DOWN,
    Mode.HALF_DOWN: Mode.HALF_UP,
}
"""What modes are for minus the values, where that is another one."""


@dataclass(frozen=True)
class Cut:
    """A quantizer.

    Parameters
    ----------
    name : of the layer that has it
    low, high : smallest and largest integer, int64, of every element, or of all of them
    fraction : fractional bits, the same
    wrap : whether values outside wrap around; else they become the smallest or the largest
    """

    name: str
    low: IntArray
    high: IntArray
    fraction: IntArray
    mode: Mode = Mode.HALF_EVEN
    wrap: bool = False


def cut_to(name: str, fmt: FixedFormat, mode: Mode = Mode.HALF_EVEN) -> Cut:
    """Return the quantizer to a format that saturates."""
    return Cut(name, np.array(fmt.min), np.array(fmt.max), np.array(fmt.fraction), mode)


@dataclass(frozen=True)
class Rounded:
    """A mode of rounding as the block does it.

    Parameters
    ----------
    rounding : of the requantisation
    offset : added to every sum before it, in its own unit
    shift : bits that are dropped
    """

    rounding: Rounding
    offset: int
    shift: int

    def __call__(self, value: int, *, relu: bool) -> int:
        """Return what becomes of a sum."""
        value = (max(value, 0) if relu else value) + self.offset
        if self.shift <= 0:
            return value << -self.shift
        if self.rounding is Rounding.TRN:
            return value >> self.shift
        return int(shift_round(np.array([value]), self.shift, self.rounding)[0])


def rounded(where: str, mode: Mode, shift: int, *, positive: bool) -> Rounded:
    """Return how a mode is computed: floors of sums to which a number is added, but for ties to even.

    With n an integer and d the bits dropped, ceil(n / 2^d) = floor((n + 2^d - 1) / 2^d), and to nearest with ties up is
    floor((n + 2^(d-1)) / 2^d). The same holds with max(n, 0) before it, since a negative n gives 0 in both.

    Parameters
    ----------
    where : the layer, for messages
    shift : bits that are dropped
    positive : whether no sum is negative, or a ReLU stands before

    Raises
    ------
    ModelError
        When the mode depends on the sign of values that have both.
    """
    if shift <= 0:
        return Rounded(Rounding.RND_CONV, 0, shift)
    if mode in _POSITIVE:
        if not positive:
            raise ModelError(
                f"{where} rounds {mode}, positive and negative values in opposite directions, which has no "
                "integer form; expected ties to even, up or down, floor or ceiling, or a ReLU before it"
            )
        mode = _POSITIVE[mode]
    half = 1 << (shift - 1)
    offset = {Mode.CEIL: (1 << shift) - 1, Mode.HALF_UP: half, Mode.HALF_DOWN: half - 1}.get(mode, 0)
    return Rounded(Rounding.RND_CONV if mode is Mode.HALF_EVEN else Rounding.TRN, offset, shift)
