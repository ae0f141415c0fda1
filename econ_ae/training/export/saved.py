"""Programs as TensorFlow SavedModels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from econ_ae.tensor.program import (
    Concat,
    Constant,
    Convolve,
    Elementwise,
    Function,
    MatMul,
    Op,
    Pick,
    Program,
    Reduce,
    Reshape,
    Slice,
)

SIGNATURE = "serving_default"

_ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "add": tf.add,
    "sub": tf.subtract,
    "mul": tf.multiply,
    "div": tf.divide,
    "min": tf.minimum,
    "max": tf.maximum,
    "equal": lambda a, b: tf.cast(tf.equal(a, b), tf.float32),
    "at_least": lambda a, b: tf.cast(tf.greater_equal(a, b), tf.float32),
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": tf.nn.relu,
    "sigmoid": tf.sigmoid,
    "softmax": tf.nn.softmax,
    "softplus": tf.nn.softplus,
    "tanh": tf.tanh,
    "exp": tf.exp,
    "log": tf.math.log,
    "abs": tf.abs,
    "floor": tf.floor,
    "round_even": tf.round,
}


def save(program: Program, folder: Path) -> None:
    """Write a program as a SavedModel with one signature, ``serving_default``, of its inputs and outputs by name."""
    signature = [tf.TensorSpec((None, *value.shape), tf.float32, value.name) for value in program.inputs]
    names = [value.name for value in program.inputs]

    def serve(*inputs: Any) -> dict[str, Any]:
        return compute(program, dict(zip(names, inputs, strict=True)))

    module = tf.Module(name=program.name)
    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: module.serve})


class SavedModel:
    """A SavedModel that is ready to run: ``run`` as ``tensor.onnx_runtime.OnnxModel`` has it."""

    def __init__(self, folder: Path) -> None:
        self._loaded = tf.saved_model.load(str(folder))
        self._serve = self._loaded.signatures[SIGNATURE]

    def run(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name of inputs by name, each (n, ...)."""
        wanted = self._serve.structured_input_signature[1]
        found = self._serve(**{name: tf.constant(given[name], tf.float32) for name in wanted})
        return {name: value.numpy() for name, value in found.items()}


def compute(program: Program, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs by name, tensors (n, ...), of input tensors by name."""
    values = dict(inputs)
    for step in program.steps:
        values[step.output.name] = _apply(step.op, [values[value.name] for value in step.inputs])
    return {name: tf.identity(values[value.name]) for name, value in program.outputs}


def _apply(op: Op, x: list[Any]) -> Any:  # noqa: PLR0911  one line per operation
    match op:
        case Constant(array):
            return tf.constant(array, tf.float32)
        case Elementwise(kind):
            return _ELEMENTWISE[kind](*x)
        case Function(kind):
            return _FUNCTIONS[kind](x[0])
        case MatMul():
            return _product(*x)
        case Reduce(kind, axis):
            return (tf.reduce_sum if kind == "sum" else tf.reduce_mean)(x[0], axis=axis + 1, keepdims=True)
        case Slice(start, stop):
            return x[0][..., start:stop]
        case Concat():
            return tf.concat(x, axis=-1)
        case Reshape(shape):
            return tf.reshape(x[0], (-1, *shape))
        case Pick(indices):
            return tf.gather(x[0], indices, axis=1)
        case Convolve():
            return _convolve(op, x[0])


def _product(a: Any, b: Any) -> Any:
    return tf.tensordot(a, b, 1) if len(b.shape) == 2 else tf.matmul(a, b)


def _convolve(op: Convolve, x: Any) -> Any:
    pads = [(0, 0), *op.padding, (0, 0)]
    if not op.transposed:
        return tf.nn.conv2d(tf.pad(x, pads), op.kernel, op.stride, "VALID") + op.bias
    kernel = op.kernel.transpose(0, 1, 3, 2)
    sizes = zip(x.shape[1:3], op.kernel.shape[:2], op.stride, strict=True)
    rows, cols = ((n - 1) * s + k for n, k, s in sizes)
    shape = tf.stack([tf.shape(x)[0], rows, cols, kernel.shape[2]])
    full = tf.nn.conv2d_transpose(x, kernel, shape, op.stride, "VALID")
    (top, bottom), (left, right) = op.padding
    return full[:, top : rows - bottom, left : cols - right] + op.bias
