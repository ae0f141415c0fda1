"""Interval arithmetic: how many bits each accumulator needs, proved from the formats or from the weights."""

from __future__ import annotations

import numpy as np

from econ_ae.fixedpoint import FixedFormat, IntArray, bits_for
from econ_ae.ir.model import Conv2D, Stage


def _products(stage: Stage, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Smallest and largest floored product for weights in ``low..high`` (elementwise)."""
    fmt, shift = stage.in_format, stage.product_shift
    corners = np.stack([weight * x for weight in (low, high) for x in (fmt.min, fmt.max)])
    return corners.min(axis=0) >> shift, corners.max(axis=0) >> shift


def accumulator_range(stage: Stage, *, actual_weights: bool = False) -> tuple[int, int]:
    """Return the smallest and largest accumulator (integers at ``stage.accumulator_fraction``).

    Holds for every input of the input format and, unless ``actual_weights``, for every value that the weight
    registers can hold. Partial sums taken in any order stay inside the format that holds this range, because two's
    complement addition wraps and the final sum fits.
    """
    layer = stage.layer
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    if actual_weights:
        low, high = _products(stage, kernel, kernel)
        bias = layer.bias << stage.bias_shift
        # A padded pixel contributes 0, so every partial window must fit too.
        if isinstance(layer, Conv2D):
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        return int((low.sum(axis=0) + bias).min()), int((high.sum(axis=0) + bias).max())
    terms = kernel.shape[0]
    bounds = _products(stage, np.int64(layer.weight.min) + np.zeros(1, np.int64), np.array([layer.weight.max]))
    low_bias, high_bias = (value << stage.bias_shift for value in (layer.bias_format.min, layer.bias_format.max))
    return terms * min(int(bounds[0][0]), 0) + low_bias, terms * max(int(bounds[1][0]), 0) + high_bias


def accumulator_format(stage: Stage, *, actual_weights: bool = False) -> FixedFormat:
    """Return the narrowest signed format that holds every accumulator of the stage."""
    low, high = accumulator_range(stage, actual_weights=actual_weights)
    signed, width = bits_for(min(low, -1), high)
    return FixedFormat(signed, width, stage.accumulator_fraction)
