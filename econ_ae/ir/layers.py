"""The operations with weights, and what follows them: layers, requantisation, packing of latents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray, Overflow, Rounding

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Exact:
    """Full-precision products and sums; the Requantise that follows rounds once."""


@dataclass(frozen=True)
class TrnEach:
    """Every product is floored to ``fraction`` fractional bits before it is added (ECON-T, spec 6.4 and 6.5)."""

    fraction: int


Accumulate = Exact | TrnEach


@dataclass(frozen=True, eq=False)
class Conv2D:
    """A 2D convolution: explicit zero padding, integer weights.

    Parameters
    ----------
    kernel : int64 (rows, cols, channels, filters), in units of 2**-weight.fraction
    bias : int64 (filters,), in units of 2**-bias_format.fraction
    stride : (rows, cols)
    padding : ((top, bottom), (left, right)) pixels of zeros
    """

    name: str
    kernel: IntArray
    bias: IntArray
    weight: FixedFormat
    bias_format: FixedFormat
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    accumulate: Accumulate = field(default_factory=Exact)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (rows, cols, filters) for an input of ``shape`` (rows, cols, channels)."""
        if self.kernel.ndim != 4:
            raise ModelError(f"{self.name}: a convolution's kernel has 4 axes, not {self.kernel.ndim}")
        if len(shape) != 3 or shape[2] != self.kernel.shape[2]:
            raise ModelError(
                f"{self.name}: kernel expects images of {self.kernel.shape[2]} channels, got shape {shape}"
            )
        if min(self.stride) < 1:
            raise ModelError(f"{self.name}: strides must be >= 1, not {self.stride}")
        size = [
            (shape[axis] + sum(self.padding[axis]) - self.kernel.shape[axis]) // self.stride[axis] + 1
            for axis in (0, 1)
        ]
        return size[0], size[1], self.kernel.shape[3]


@dataclass(frozen=True, eq=False)
class Dense:
    """A fully connected layer on the flattened input.

    Parameters
    ----------
    kernel : int64 (inputs, outputs), in units of 2**-weight.fraction
    bias : int64 (outputs,), in units of 2**-bias_format.fraction
    """

    name: str
    kernel: IntArray
    bias: IntArray
    weight: FixedFormat
    bias_format: FixedFormat
    accumulate: Accumulate = field(default_factory=Exact)

    def output_shape(self, shape: Shape) -> Shape:
        """Return (outputs,) for an input of any ``shape`` with as many elements as the kernel has rows."""
        if self.kernel.ndim != 2:
            raise ModelError(f"{self.name}: a dense kernel has 2 axes, not {self.kernel.ndim}")
        if math.prod(shape) != self.kernel.shape[0]:
            raise ModelError(
                f"{self.name}: kernel expects {self.kernel.shape[0]} inputs, got {math.prod(shape)} (shape {shape})"
            )
        return (self.kernel.shape[1],)


@dataclass(frozen=True)
class Requantise:
    """Bring accumulators into a format, after ``max(x, 0)`` when ``relu``."""

    name: str
    relu: bool
    out: FixedFormat
    rounding: Rounding = Rounding.RND_CONV
    overflow: Overflow = Overflow.SAT


@dataclass(frozen=True)
class Pack:
    """Which bits of each latent are sent, and on how many eLinks.

    Parameters
    ----------
    keep : one mask per latent, bit b set when bit b of the latent is sent (ECON-T keep mask, spec 6.7)
    elinks : 32-bit output links per bunch crossing
    """

    keep: tuple[int, ...]
    elinks: int
    name: str = "pack"

    @property
    def bits(self) -> int:
        """Latent bits sent per bunch crossing."""
        return sum(mask.bit_count() for mask in self.keep)


Layer = Conv2D | Dense


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) that TensorFlow's 'same' padding adds on one axis; the odd one comes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
