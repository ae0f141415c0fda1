"""An encoder of layers as a program that computes its integers in float32, exactly.

Every number is an integer below 2**24, or such an integer times a power of two, so that float32 holds it and any order
of adding gives the same bits.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, Overflow, Rounding
from econ_ae.ir.float32 import require_exact
from econ_ae.ir.model import Conv2D, EncoderModel, Requantise, Stage
from econ_ae.ir.validate import check
from econ_ae.tensor.builder import Builder
from econ_ae.tensor.program import Convolve, Program, Value


def encoder_program(model: EncoderModel) -> Program:
    """Return the encoder behind its normaliser.

    Input ``image`` (rows, cols, channels): the normaliser's values, multiples of 2**-fraction. Output ``latents``
    (latents,): multiples of 2**-fraction of the latent format. Pixels without a trigger cell count as 0.

    Raises
    ------
    ModelError
        When the model sends cells, or a number might not fit into float32.
    """
    if model.sends_cells:
        raise ModelError(
            f"{model.name}: sends cells as pulses, by sorting and counting integers; that is no network and has no "
            "float graph: export it with --format emulator"
        )
    require_exact(check(model))
    out = Builder(f"{model.name}_encoder")
    image = out.input("image", model.input.arrangement.shape)
    has_cell = np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape) >= 0
    x = out.mul(image, has_cell * 2.0**model.normalise.out.fraction)
    for stage in model.stages:
        x = _requantised(out, stage, _sums(out, stage, x))
    latents = out.mul(out.reshape(x, (model.latents,)), 2.0**-model.latent.fraction)
    return out.program([("latents", latents)])


def _sums(out: Builder, stage: Stage, x: Value) -> Value:
    layer = stage.layer
    bias = (layer.bias << stage.bias_shift).astype(np.float32)
    if stage.product_shift:
        return _floored_sums(out, stage, x, bias)
    kernel = layer.kernel.astype(np.float32)
    if isinstance(layer, Conv2D):
        return out.convolve(x, Convolve(kernel, bias, layer.stride, layer.padding))
    return out.add(out.matmul(out.reshape(x, (kernel.shape[0],)), kernel), bias)


def _floored_sums(out: Builder, stage: Stage, x: Value, bias: NDArray[np.float32]) -> Value:
    layer = stage.layer
    flat = out.reshape(x, (math.prod(x.shape),))
    taps = layer.kernel.reshape(-1, layer.kernel.shape[-1]).astype(np.float32)
    if isinstance(layer, Conv2D):
        zero = out.mul(out.slice(flat, 0, 1), 0.0)
        windows = out.pick(out.concat([flat, zero]), _windows(layer, stage.in_shape))
    else:
        windows = out.reshape(flat, (1, *flat.shape))
    columns = out.reshape(windows, (*windows.shape, 1))
    products = out.function("floor", out.mul(columns, taps * 2.0**-stage.product_shift))
    sums = out.add(out.reduce("sum", products, 1), bias)
    return out.reshape(sums, stage.out_shape)


def _windows(layer: Conv2D, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return which value of the flat image every tap of every window reads, (windows, taps); the last one is 0."""
    rows, cols, channels = shape
    numbers = np.arange(math.prod(shape)).reshape(shape)
    padded = np.pad(numbers, (*layer.padding, (0, 0)), constant_values=math.prod(shape))
    height, width = layer.kernel.shape[:2]
    down, right = layer.stride
    (top, bottom), (left, far) = layer.padding
    return np.array(
        [
            padded[r : r + height, c : c + width].reshape(height * width * channels)
            for r in range(0, rows + top + bottom - height + 1, down)
            for c in range(0, cols + left + far - width + 1, right)
        ]
    )


def _requantised(out: Builder, stage: Stage, x: Value) -> Value:
    op: Requantise = stage.requantise
    if op.relu:
        x = out.function("relu", x)
    dropped = stage.accumulator_fraction - op.out.fraction
    if dropped:
        x = out.mul(x, 2.0**-dropped)
    if dropped > 0:
        x = out.function("round_even" if op.rounding is Rounding.RND_CONV else "floor", x)
    return _wrapped(out, op.out, x) if op.overflow is Overflow.WRAP else out.clip(x, op.out.min, op.out.max)


def _wrapped(out: Builder, fmt: FixedFormat, x: Value) -> Value:
    turns = out.function("floor", out.mul(out.sub(x, float(fmt.min)), 2.0**-fmt.width))
    return out.sub(x, out.mul(turns, 2.0**fmt.width))
