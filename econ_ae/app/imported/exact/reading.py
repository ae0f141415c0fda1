"""Where the reading of a network is: its last layer, what is known of its values, and the view of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.imported.encoder import INPUT, Encoder
from econ_ae.app.imported.exact.cut import Cut
from econ_ae.app.imported.exact.fit import Ranges
from econ_ae.app.imported.exact.grid import fraction_of
from econ_ae.app.imported.exact.linear import Linear, ready
from econ_ae.app.imported.exact.views import per_unit, spread
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.model import Conv2D


class Reading:
    """What ``exact.builder`` changes; see there."""

    def __init__(self, found: Encoder, view: IntArray) -> None:
        self.found, self.view = found, view
        self._fmt, self._shape = INPUT, tuple(found.shape)
        self._scale = np.zeros(self._shape[-1], np.int64)
        self._dead = np.zeros(math.prod(self._shape), bool)
        self._waiting: Linear | None = None
        self._before = self._shape
        self._relu = False

    @property
    def waits(self) -> bool:
        """Whether the last layer has no quantizer yet."""
        return self._waiting is not None

    def on_grid(self, fraction: IntArray) -> bool:
        """Tell whether all values are multiples of 2^-fraction."""
        if self._waiting is not None:
            ready(self._waiting, self._fmt, self.found.choice)
            one = self._waiting
            own = max(fraction_of(one.kernel) + self._fmt.fraction, fraction_of(one.bias))
        else:
            own = self._fmt.fraction - int(self._scale.min())
        return bool(np.all(np.asarray(fraction) >= own))

    def above(self, value: float) -> bool:
        """Tell whether a quantizer before keeps all values at or above a number."""
        return self._waiting is None and bool(np.all(self._fmt.min * self._steps >= value))

    def below(self, value: float) -> bool:
        """Tell whether a quantizer before keeps all values at or below a number."""
        return self._waiting is None and bool(np.all(self._fmt.max * self._steps <= value))

    @property
    def _units(self) -> int:
        return self._shape[-1]

    def _filled(self, offset: Array) -> IntArray:
        """Return the view without pixels that are always 0, which a factor leaves so: those without a trigger cell."""
        if self._waiting is not None or self.found.stages:
            return self.view
        empty = np.array(self.found.arrangement.cells)[self.view] < 0
        return self.view if np.any(offset[empty]) else np.where(empty, -1, self.view)

    @property
    def _steps(self) -> Array:
        return np.asarray(2.0 ** (self._scale - self._fmt.fraction).astype(np.float64))

    def _ranges(self, q: Cut, dead: NDArray[np.bool_]) -> Ranges | None:
        """Return a quantizer by channel; None where it differs from pixel to pixel in what has bits."""
        alive = np.where((self.view >= 0) & ~dead[self.view], self.view, -1)
        found = [per_unit(spread(value, self.view), alive, self._units) for value in (q.low, q.high, q.fraction)]
        if any(value is None for value in found):
            return None
        low, high, fraction = (tuple(int(v) for v in np.asarray(value)) for value in found)
        gone = np.asarray(dead.reshape(-1, self._units).all(axis=0))
        return Ranges(low, high, fraction, tuple(bool(value) for value in gone))

    def _keeps(self, q: Cut) -> bool:
        """Tell whether a quantizer changes no value that can be there."""
        units = np.where(self.view >= 0, self.view % self._units, 0)
        low, high, fraction = (spread(value, self.view) for value in (q.low, q.high, q.fraction))
        up = fraction - self._fmt.fraction + self._scale[units]
        there = (self.view >= 0) & ~self._dead[self.view]
        least, most = (value * 2.0 ** up.astype(np.float64) for value in (self._fmt.min, self._fmt.max))
        return bool(np.all(((up >= 0) & (low <= least) & (most <= high))[there]))


def after(one: Linear, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape behind a convolution; ModelError when nothing is left."""
    fmt = FixedFormat(True, 2, 0)
    assert one.stride is not None
    op = Conv2D(one.name, one.kernel.astype(np.int64), np.zeros(0, np.int64), fmt, fmt, one.stride, one.padding)
    out = op.output_shape(shape)
    if min(out) < 1:
        raise ModelError(f"layer {one.name!r}: a kernel of {one.kernel.shape[:2]} is larger than its input {shape}")
    return out
