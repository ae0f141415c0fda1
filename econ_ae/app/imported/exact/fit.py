"""The format, rounding and overflow of a layer's outputs that compute exactly what a quantizer says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from econ_ae.app.imported.exact.cut import MIRRORED, Cut, rounded
from econ_ae.app.imported.exact.grid import format_of, narrowest, reach
from econ_ae.app.imported.exact.linear import Linear, Weights, weights
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding

_WIDE = 16
"""Bits from which a format that is wider than its values is narrowed to them."""
_MOST_SUM = 1 << 24
"""What float32 holds, in which these models are computed, and trained."""


@dataclass(frozen=True)
class Again:
    """A second layer, one to one, that overflows as the quantizer does.

    Parameters
    ----------
    factor : of every output
    back : powers of two by which what it keeps is larger than what the first layer keeps
    """

    factor: tuple[float, ...]
    back: tuple[int, ...]
    out: FixedFormat
    overflow: Overflow
    why: str


@dataclass(frozen=True)
class Fitted:
    """A layer that is complete.

    Parameters
    ----------
    scale : powers of two: the value of an output is what is kept times 2^scale
    """

    weights: Weights
    relu: bool
    out: FixedFormat
    scale: tuple[int, ...]
    rounding: Rounding = Rounding.RND_CONV
    overflow: Overflow = Overflow.SAT
    again: Again | None = None


@dataclass(frozen=True)
class Ranges:
    """A quantizer by output: integers ``low..high`` of so many fractional bits; ``dead`` ones are always 0."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    fraction: tuple[int, ...]
    dead: tuple[bool, ...]


def exact(
    one: Linear,
    inputs: FixedFormat,
    *,
    relu: bool,
    out: FixedFormat | None = None,
    overflow: Overflow = Overflow.SAT,
) -> Fitted:
    """Return a layer whose sums are kept whole, or, with ``out`` of the same unit, saturate or wrap in that format."""
    found = weights(one, inputs)
    lows, highs = _sums(one, found, inputs)
    low, high = (max(min(lows), 0), max(*highs, 0)) if relu else (min(lows), max(highs))
    fmt = out or narrowest(low, high, inputs.fraction + found.weight.fraction)
    return Fitted(found, relu or not fmt.signed, fmt, (0,) * len(lows), overflow=overflow)


def fitted(one: Linear, inputs: FixedFormat, q: Cut, ranges: Ranges, *, relu: bool) -> Fitted:
    """Return a layer with a quantizer behind it.

    Parameters
    ----------
    one : changed: outputs of coarser steps are kept smaller by a power of two, dead ones are 0
    inputs : format of its inputs
    relu : whether a ReLU stands between

    Raises
    ------
    ModelError
        When no format, rounding and overflow give the same; says why.
    """
    where = f"layer {one.name!r}, quantizer {q.name!r}" if q.name != one.name else f"layer {one.name!r}"
    fraction = max((f for f, dead in zip(ranges.fraction, ranges.dead, strict=True) if not dead), default=0)
    scale = tuple(0 if dead else fraction - f for f, dead in zip(ranges.fraction, ranges.dead, strict=True))
    one.scaled(np.where(ranges.dead, 0.0, 2.0 ** -np.array(scale, np.float64)))
    relu = relu or (not q.wrap and min(ranges.low) >= 0)
    case = _Case(where, one, inputs, q, relu, fraction, ranges, scale)
    return case.solved()


@dataclass
class _Case:
    where: str
    one: Linear
    inputs: FixedFormat
    q: Cut
    relu: bool
    fraction: int
    ranges: Ranges
    scale: tuple[int, ...]
    mirrored: bool = field(default=False)

    def solved(self) -> Fitted:
        low = [max(value, 0) if self.relu and not self.q.wrap else value for value in self.ranges.low]
        high = list(self.ranges.high)
        self._compute()
        outside = [not (a <= b and c <= d) for a, b, c, d in zip(low, self.least, self.most, high, strict=True)]
        outside = [out and not dead for out, dead in zip(outside, self.ranges.dead, strict=True)]
        ends = {(a, b) for a, b, out in zip(low, high, outside, strict=True) if out}
        if not ends:
            return self._written(self._wide(low, high), Overflow.SAT)
        if len(ends) == 1:
            a, b = ends.pop()
            fits = all(out or (a <= c and d <= b) for out, c, d in zip(outside, self.least, self.most, strict=True))
            fmt = format_of(a, b, self.fraction)
            if fits and fmt is not None and not (self.q.wrap and fmt.signed == self.relu):
                return self._written(fmt, Overflow.WRAP if self.q.wrap else Overflow.SAT)
            if fits and not self.q.wrap and a == -b:
                return self._symmetric(b)
        if self.q.wrap:
            return self._wrapped_apart(low, high, outside)
        raise ModelError(
            f"{self.where} saturates at {_list(low, high, outside)} steps, which is no one format's range; expected "
            "one width for all outputs that saturate, and no narrow range of unsigned ones"
        )

    def _compute(self) -> None:
        """Find which integers come out where nothing overflows."""
        found = weights(self.one, self.inputs)
        lows, highs = _sums(self.one, found, self.inputs)
        shift = self.inputs.fraction + found.weight.fraction - self.fraction
        mode = MIRRORED.get(self.q.mode, self.q.mode) if self.mirrored else self.q.mode
        rule = rounded(self.where, mode, shift, positive=self.relu or min(lows) >= 0)
        if rule.offset:
            found = weights(self.one, self.inputs, rule.offset)
        self.found, self.rule = found, rule
        self.least = [rule(value, relu=self.relu) for value in lows]
        self.most = [rule(value, relu=self.relu) for value in highs]

    def _wide(self, low: Sequence[int], high: Sequence[int]) -> FixedFormat:
        """Return the quantizer's format where all share one, else the narrowest that holds what can come out."""
        least, most = min(self.least), max(self.most)
        shared = set(zip(low, high, strict=True))
        fmt = format_of(*shared.pop(), self.fraction) if len(shared) == 1 else None
        if fmt is None or not fmt.holds(least, most) or fmt.width > _WIDE:
            return narrowest(least, most, self.fraction)
        if fmt.signed and least >= 0 and self.relu:
            return FixedFormat(False, fmt.width - 1, fmt.fraction)
        return fmt

    def _symmetric(self, largest: int) -> Fitted:
        """Saturate at plus and minus the same: minus the sums saturate above, and once more with the sign back."""
        fmt = format_of(-largest - 1, largest, self.fraction)
        if fmt is None:
            raise ModelError(f"{self.where} saturates at -{largest}..{largest} steps, which is the range of no format")
        self.one.scaled(np.array(-1.0))
        self.mirrored = True
        self._compute()
        units = len(self.least)
        why = "a range as large below 0 as above"
        return self._written(fmt, Overflow.SAT, Again((-1.0,) * units, (0,) * units, fmt, Overflow.SAT, why))

    def _wrapped_apart(self, low: Sequence[int], high: Sequence[int], outside: Sequence[bool]) -> Fitted:
        """Wrap at widths that differ: the sums are kept whole, then multiplied until all wrap at the same bit."""
        formats = [format_of(a, b, 0) for a, b in zip(low, high, strict=True)]
        some = [fmt for fmt, out in zip(formats, outside, strict=True) if out]
        signed = any(fmt is not None and fmt.signed for fmt in some)
        if any(fmt is None or fmt.signed != signed for fmt in some) or not (signed or self.relu):
            raise ModelError(
                f"{self.where} wraps at {_list(low, high, outside)} steps, and its sums reach {min(self.least)}.."
                f"{max(self.most)}; expected formats of one sign, unsigned ones behind a ReLU, or that hold the sums"
            )
        kept = [narrowest(a, b, 0) for a, b, out in zip(self.least, self.most, outside, strict=True) if not out]
        need = [fmt.width + (signed and not fmt.signed) for fmt in kept]
        width = max(*(fmt.width for fmt in some if fmt is not None), *need, 0)
        shift = tuple(
            width - fmt.width if out and fmt is not None else 0 for fmt, out in zip(formats, outside, strict=True)
        )
        out = FixedFormat(signed, width, self.fraction)
        wide = narrowest(min(self.least), max(self.most), self.fraction)
        factors = tuple(2.0**value for value in shift)
        return self._written(wide, Overflow.SAT, Again(factors, shift, out, Overflow.WRAP, "widths of their own"))

    def _written(self, fmt: FixedFormat, overflow: Overflow, again: Again | None = None) -> Fitted:
        return Fitted(self.found, self.relu or not fmt.signed, fmt, self.scale, self.rule.rounding, overflow, again)


def _sums(one: Linear, found: Weights, inputs: FixedFormat) -> tuple[list[int], list[int]]:
    """Return the ends of the sums, checked."""
    bias = found.aligned_bias(inputs.fraction)
    lows, highs = reach(found.kernel, bias, inputs, padded=any(map(any, one.padding)))
    largest = max(-min(lows), *highs)
    if largest < _MOST_SUM:  # nor with any other weights of the formats, since they can be changed
        terms = found.kernel.size // found.kernel.shape[-1]
        ends = [w * x for w in (found.weight.min, found.weight.max) for x in (inputs.min, inputs.max)]
        up = found.weight.fraction + inputs.fraction - found.bias_format.fraction
        biases = [value << up for value in (found.bias_format.min, found.bias_format.max)]
        largest = max(terms * max(ends) + biases[1], -terms * min(ends) - biases[0])
    if largest >= _MOST_SUM:
        raise ModelError(
            f"{one.where}: its sums reach {largest:.2e} steps; float32, in which such models are computed and trained, "
            "holds integers below 2^24; expected fewer bits"
        )
    return lows, highs


def _list(low: Sequence[int], high: Sequence[int], outside: Sequence[bool]) -> str:
    ranges = sorted({(a, b) for a, b, out in zip(low, high, outside, strict=True) if out})
    return ", ".join(f"{a}..{b}" for a, b in ranges[:3]) + (", ..." if len(ranges) > 3 else "")
