"""A layer that waits for what follows it: sums, with all factors and offsets in its weights."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from econ_ae.app.imported.encoder import NO_PADS, Pads
from econ_ae.app.imported.exact.grid import bits_of, fraction_of, holds
from econ_ae.app.imported.settings import FLOOR, Choice
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray

_MOST_BITS = 24
"""Of a weight: what float32, in which all these tools compute, holds."""


@dataclass
class Linear:
    """A convolution (with a stride) or a dense layer.

    Parameters
    ----------
    kernel : float64, (rows, cols, channels, filters) or (inputs, units)
    bias : float64, (filters,) or (units,)
    declared, declared_bias : formats that the file gives, where it does
    folded : what was multiplied or added after it, for messages
    fixed : whether its weights are what they must be, whatever format was asked for
    """

    name: str
    kernel: Array
    bias: Array
    stride: tuple[int, int] | None = None
    padding: Pads = NO_PADS
    declared: FixedFormat | None = None
    declared_bias: FixedFormat | None = None
    folded: list[str] = field(default_factory=list)
    fixed: bool = False

    @property
    def where(self) -> str:
        """The layer, for messages."""
        return f"layer {self.name!r}" + (f", with {', '.join(self.folded)} in its weights," if self.folded else "")

    def scaled(self, factor: Array) -> None:
        """Multiply every output."""
        self.kernel, self.bias = self.kernel * factor, self.bias * factor


@dataclass(frozen=True)
class Weights:
    """Integers of a layer and their formats."""

    kernel: IntArray
    bias: IntArray
    weight: FixedFormat
    bias_format: FixedFormat

    def aligned_bias(self, fraction: int) -> IntArray:
        """Return the biases in the unit of the sums of products with inputs of so many fractional bits."""
        return self.bias << (self.weight.fraction + fraction - self.bias_format.fraction)


def ready(one: Linear, inputs: FixedFormat, choice: Choice) -> None:
    """Round the weights of a layer of the file to the format that was chosen, if one was; biases to that of the sums.

    Parameters
    ----------
    inputs : format of its inputs
    choice : its ``weight`` is the format, its ``weights`` how
    """
    if choice.weight is None or one.fixed:
        return
    fmt = FixedFormat.parse(choice.weight)
    one.kernel, one.declared, one.fixed = _rounded(one.kernel, fmt, choice), fmt, True
    unit = 2.0 ** -(fmt.fraction + inputs.fraction)
    one.bias = np.rint(one.bias / unit) * unit


def weights(one: Linear, inputs: FixedFormat, offset: int = 0) -> Weights:
    """Return the integers of a layer, all of its weights in one format.

    The format is the declared one if that holds them all, else the narrowest that does. It has more fractional bits
    where a bias is finer than a product, since the sums have the products' unit.

    Parameters
    ----------
    inputs : format of its inputs
    offset : added to every bias, in the unit of the sums

    Raises
    ------
    ModelError
        When no format of a sensible width holds them; names the layer.
    """
    kernel, bias = one.kernel, one.bias
    declared = one.declared if one.declared is not None and holds(one.declared, kernel) else None
    weight = declared or _signed(kernel, fraction_of(kernel), one, "weights")
    finer = fraction_of(bias) - inputs.fraction - weight.fraction
    if finer > 0:
        weight = _signed(kernel, weight.fraction + finer, one, "weights, in the unit that its biases need,")
    bias = bias + offset * 2.0 ** -(weight.fraction + inputs.fraction)
    own = one.declared_bias if one.declared_bias is not None and holds(one.declared_bias, bias) else None
    if own is None or own.fraction > inputs.fraction + weight.fraction:
        own = weight if holds(weight, bias) else _signed(bias, fraction_of(bias), one, "biases")
    return Weights(_integers(kernel, weight), _integers(bias, own), weight, own)


def _rounded(values: Array, fmt: FixedFormat, choice: Choice) -> Array:
    scaled = values * 2.0**fmt.fraction
    whole = np.floor(scaled) if choice.weights == FLOOR else np.rint(scaled)
    return np.clip(whole, fmt.min, fmt.max) * 2.0**-fmt.fraction


def _signed(values: Array, fraction: int, one: Linear, what: str) -> FixedFormat:
    least = bits_of(values, fraction) if np.any(values) else 2
    if least > _MOST_BITS or abs(fraction) > 60:
        raise ModelError(
            f"{one.where}: its {what} need {least} bits in a common format; expected weights that were quantized with "
            "scales that are powers of two, or give --weight-format, such as s0.5, to round them"
        )
    return FixedFormat(True, least, fraction)


def _integers(values: Array, fmt: FixedFormat) -> IntArray:
    return np.rint(values * 2.0**fmt.fraction).astype(np.int64)
