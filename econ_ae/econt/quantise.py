"""The quantisation behind the published weight registers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.autoencoder import template
from econ_ae.fixedpoint import FixedFormat, IntArray, floor_to
from econ_ae.ir.model import EncoderModel

_WEIGHT = FixedFormat.parse("s0.5")


def quantize_chip(values: NDArray[np.floating]) -> IntArray:
    """Return clip(floor(32 v), -32, 31), int64 of the same shape: float weights to 6-bit registers (spec 7)."""
    return floor_to(values, _WEIGHT)


def chip_model(
    conv_kernel: NDArray[np.floating],
    conv_bias: NDArray[np.floating],
    dense_kernel: NDArray[np.floating],
    dense_bias: NDArray[np.floating],
) -> EncoderModel:
    """Return the chip's encoder with float weights in Keras order: (3, 3, 1, 8), (8,), (128, 16), (16,)."""
    model = template()
    conv, dense = model.layers
    return model.with_weights(
        {
            conv.name: (quantize_chip(conv_kernel), quantize_chip(conv_bias)),
            dense.name: (quantize_chip(dense_kernel), quantize_chip(dense_bias)),
        }
    )
