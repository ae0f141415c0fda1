"""QKeras quantizers that compute exactly what a fixed-point format says."""

from __future__ import annotations

from typing import Any

from qkeras import quantized_bits, quantized_relu

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat


def weight_quantizer(fmt: FixedFormat) -> Any:
    """Return the quantizer of a signed weight format: round half to even, saturate, scale 1.

    ``alpha=1`` is needed: QKeras layers turn a missing alpha into a data-dependent power of two, which no fixed
    register format can follow.
    """
    if not fmt.signed:
        raise ModelError(f"weights need a signed format such as s0.5, not {fmt}")
    return quantized_bits(fmt.width, fmt.width - fmt.fraction - 1, symmetric=0, keep_negative=True, alpha=1)


def activation_quantizer(fmt: FixedFormat) -> Any:
    """Return ReLU and quantizer of an unsigned activation format, or the plain quantizer of a signed one."""
    if fmt.signed:
        return weight_quantizer(fmt)
    return quantized_relu(fmt.width, fmt.width - fmt.fraction)
