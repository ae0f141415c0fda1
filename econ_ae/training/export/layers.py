"""Keras layers of decoders to steps of a program, by a registry keyed on the layer type."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from econ_ae.errors import ModelError
from econ_ae.ir.model import same_padding
from econ_ae.tensor.builder import Builder
from econ_ae.tensor.program import Convolve, Value
from econ_ae.training.cells.network import Inputs, Output
from econ_ae.training.chain_decoder import NOTHING, PixelsToCells, Scale
from econ_ae.training.decoders import CellsOut
from econ_ae.training.dropout import CountedDropout
from econ_ae.training.export import own
from econ_ae.training.export.activations import activated, leaky
from econ_ae.training.film import Columns, Modulation
from econ_ae.training.hexagonal import Around
from econ_ae.training.unrolled import Unrolled

Handler = Callable[[Builder, Any, Sequence[Value]], Value]


def network(out: Builder, model: Any, inputs: Sequence[Value]) -> Value:
    """Add a Keras model of one output; return that.

    Parameters
    ----------
    inputs : of the model, in its order

    Raises
    ------
    ModelError
        When a layer has no form as a program.
    """
    known: dict[int, Value] = {id(t): value for t, value in zip(_list(model.inputs), inputs, strict=True)}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        handler = _HANDLERS.get(type(layer))
        if handler is None:
            raise ModelError(
                f"layer {layer.name!r} of type {type(layer).__name__} cannot be exported; expected one of "
                + ", ".join(kind.__name__ for kind in _HANDLERS)
            )
        known[id(layer.output)] = handler(out, layer, [known[id(t)] for t in _list(layer.input)])
    return known[id(model.outputs[0])]


def _list(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _dense(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return activated(out, layer.activation, out.add(out.matmul(x[0], layer.kernel.numpy()), layer.bias.numpy()))


def _activation(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return activated(out, layer.activation, x[0])


def _same(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Return what came in: layers that change nothing outside training."""
    del out, layer
    return x[0]


def _function(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    """Add one of our own functions, by the layer's name."""
    if layer.name == "cells_first":  # they stand there only to be one product of matrices in training
        return x[0]
    if layer.name == "charges":
        return out.add(out.function("relu", x[0]), NOTHING)
    raise ModelError(f"layer {layer.name!r} is a function of its own and cannot be exported")


def _flatten(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    del layer
    return out.reshape(x[0], (math.prod(x[0].shape),))


def _scale(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return out.add(out.mul(x[0], layer.factor.numpy()), layer.offset.numpy())


def _leaky(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return leaky(out, x[0], float(layer.alpha))


def _upsampled(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    if layer.interpolation != "nearest":
        raise ModelError(f"layer {layer.name!r}: only upsampling that repeats pixels can be exported")
    rows, cols = (np.repeat(np.arange(n), size) for n, size in zip(x[0].shape[:2], layer.size, strict=True))
    return _pixels_at(out, x[0], rows, cols)


def _cropped(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    axes = zip(x[0].shape[:2], layer.cropping, strict=True)
    rows, cols = (np.arange(first, n - last) for n, (first, last) in axes)
    return _pixels_at(out, x[0], rows, cols)


def _pixels_at(out: Builder, x: Value, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> Value:
    numbers = np.arange(math.prod(x.shape)).reshape(x.shape)
    return out.pick(out.reshape(x, (numbers.size,)), numbers[np.ix_(rows, cols)])


def _sum(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    del layer
    total = x[0]
    for other in x[1:]:
        total = out.add(total, other)
    return total


def _reshape(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return out.reshape(x[0], tuple(layer.target_shape))


def _convolution(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    kernel = layer.kernel.numpy()
    pads = _padding(x[0].shape[:2], kernel.shape[:2], layer)
    value = out.convolve(x[0], Convolve(kernel, layer.bias.numpy(), tuple(layer.strides), pads))
    return activated(out, layer.activation, value)


def _transposed(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    kernel = np.ascontiguousarray(layer.kernel.numpy().transpose(0, 1, 3, 2))
    if any(k < s for k, s in zip(kernel.shape[:2], layer.strides, strict=True)):
        raise ModelError(f"layer {layer.name!r}: a kernel smaller than its stride cannot be exported")
    size = [n * s for n, s in zip(x[0].shape[:2], layer.strides, strict=True)]
    pads = _padding(tuple(size), kernel.shape[:2], layer)
    op = Convolve(kernel, layer.bias.numpy(), tuple(layer.strides), pads, transposed=True)
    return activated(out, layer.activation, out.convolve(x[0], op))


def _padding(size: tuple[int, ...], kernel: tuple[int, ...], layer: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    if layer.padding not in {"same", "valid"} or tuple(layer.dilation_rate) != (1, 1) or layer.groups != 1:
        raise ModelError(f"layer {layer.name!r}: only plain convolutions without dilation can be exported")
    if layer.padding == "valid":
        return (0, 0), (0, 0)
    rows, cols = (same_padding(n, k, s) for n, k, s in zip(size, kernel, layer.strides, strict=True))
    return rows, cols


def _pixels(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return out.pick(out.reshape(x[0], (int(np.prod(x[0].shape)),)), layer.pixels)


def _columns(out: Builder, layer: Any, x: Sequence[Value]) -> Value:
    return out.slice(x[0], layer.start, layer.stop)


_HANDLERS: dict[type, Handler] = {
    keras.layers.Dense: _dense,
    keras.layers.Activation: _activation,
    keras.layers.Add: _sum,
    keras.layers.Reshape: _reshape,
    keras.layers.Conv2D: _convolution,
    keras.layers.Conv2DTranspose: _transposed,
    keras.layers.Lambda: _function,
    keras.layers.Flatten: _flatten,
    keras.layers.LeakyReLU: _leaky,
    keras.layers.UpSampling2D: _upsampled,
    keras.layers.Cropping2D: _cropped,
    Scale: _scale,
    CountedDropout: _same,
    PixelsToCells: _pixels,
    Columns: _columns,
    Modulation: own.modulation,
    Around: own.around,
    CellsOut: own.cells_out,
    Unrolled: own.unrolled,
    Inputs: own.cell_inputs,
    Output: own.cell_output,
}
