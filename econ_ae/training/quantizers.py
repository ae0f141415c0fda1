"""QKeras quantizers that compute exactly what a fixed-point format says."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras
from qkeras import quantized_bits, quantized_relu

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding


class FixedPoint:
    """A quantizer that QKeras has not: rounds down, wraps around, or has no bit at 1; its gradient is that of clipping.

    Unsigned formats go through a ReLU first.
    """

    def __init__(self, fmt: str, rounding: str, overflow: str) -> None:
        self.fmt, self.rounding, self.overflow = FixedFormat.parse(fmt), Rounding(rounding), Overflow(overflow)

    def __call__(self, x: Any) -> Any:
        """Return the values in the format; exact while float32 holds the integers (2**24)."""
        fmt, scale = self.fmt, 2.0**self.fmt.fraction
        x = x if fmt.signed else tf.nn.relu(x)
        clipped = tf.clip_by_value(x, fmt.min / scale, fmt.max / scale)
        whole = tf.floor(x * scale) if self.rounding is Rounding.TRN else tf.round(x * scale)
        if self.overflow is Overflow.WRAP:
            size = 2.0**fmt.width
            whole -= tf.floor((whole - fmt.min) / size) * size
        else:
            whole = tf.clip_by_value(whole, float(fmt.min), float(fmt.max))
        return tf.stop_gradient(whole / scale) + (clipped - tf.stop_gradient(clipped))  # in this order exact

    @property
    def bits(self) -> int:
        """Bits of a value, as QKeras asks for them."""
        return self.fmt.width

    def max(self) -> float:
        """Return the largest value, as QKeras asks for it."""
        return self.fmt.max * 2.0**-self.fmt.fraction

    def min(self) -> float:
        """Return the smallest value."""
        return self.fmt.min * 2.0**-self.fmt.fraction

    def get_config(self) -> dict[str, str]:
        """Return the constructor's arguments."""
        return {"fmt": str(self.fmt), "rounding": str(self.rounding), "overflow": str(self.overflow)}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> FixedPoint:
        """Return the quantizer of these arguments."""
        return cls(**config)


keras.utils.get_custom_objects()["FixedPoint"] = FixedPoint


def weight_quantizer(fmt: FixedFormat) -> Any:
    """Return the quantizer of a signed weight format: round half to even, saturate, scale 1.

    ``alpha=1`` is needed: QKeras layers turn a missing alpha into a data-dependent power of two, which no fixed
    register format can follow.
    """
    if not fmt.signed:
        raise ModelError(f"weights need a signed format such as s0.5, not {fmt}")
    if fmt.width - fmt.fraction - 1 < 0:  # QKeras fails on negative numbers of integer bits
        return FixedPoint(str(fmt), Rounding.RND_CONV, Overflow.SAT)
    return quantized_bits(fmt.width, fmt.width - fmt.fraction - 1, symmetric=0, keep_negative=True, alpha=1)


def activation_quantizer(
    fmt: FixedFormat, rounding: Rounding = Rounding.RND_CONV, overflow: Overflow = Overflow.SAT
) -> Any:
    """Return ReLU and quantizer of an unsigned activation format, or the plain quantizer of a signed one."""
    if (rounding, overflow) != (Rounding.RND_CONV, Overflow.SAT) or fmt.width - fmt.fraction - fmt.signed < 0:
        return FixedPoint(str(fmt), str(rounding), str(overflow))
    if fmt.signed:
        return weight_quantizer(fmt)
    return quantized_relu(fmt.width, fmt.width - fmt.fraction)
