"""Runs a program with numpy: in float32 as it is exported, or in float64 to see what the rounding costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from econ_ae.errors import DataError
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

Floats = NDArray[np.floating]

_ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "equal": np.equal,
    "at_least": np.greater_equal,
}


def run(program: Program, inputs: Mapping[str, Floats], dtype: type = np.float32) -> dict[str, Floats]:
    """Return the outputs by name, (n, ...), of inputs by name, (n, ...).

    Raises
    ------
    DataError
        When an input is missing or has another shape.
    """
    values: dict[str, Floats] = {}
    for wanted in program.inputs:
        given = inputs.get(wanted.name)
        if given is None or given.shape[1:] != wanted.shape:
            found = "nothing" if given is None else given.shape
            raise DataError(f"{program.name}: input {wanted.name} has shape (n, *{wanted.shape}); got {found}")
        values[wanted.name] = given.astype(dtype)
    for step in program.steps:
        result = _apply(step.op, [values[value.name] for value in step.inputs])
        values[step.output.name] = np.asarray(result, dtype)
    return {name: values[value.name] for name, value in program.outputs}


def _apply(op: Op, x: list[Floats]) -> Any:  # noqa: PLR0911  one line per operation
    match op:
        case Constant(array):
            return array
        case Elementwise(kind):
            return _ELEMENTWISE[kind](*x)
        case Function(kind):
            return _FUNCTIONS[kind](x[0])
        case MatMul():
            return x[0] @ x[1]
        case Reduce(kind, axis):
            return (np.sum if kind == "sum" else np.mean)(x[0], axis=axis + 1, keepdims=True)
        case Slice(start, stop):
            return x[0][..., start:stop]
        case Concat():
            return np.concatenate(x, axis=-1)
        case Reshape(shape):
            return x[0].reshape(-1, *shape)
        case Pick(indices):
            return x[0][:, indices]
        case Convolve():
            return _convolve(op, x[0])


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softmax": _softmax,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "floor": np.floor,
    "round_even": np.rint,
}


def _convolve(op: Convolve, x: Floats) -> Any:
    kernel = op.kernel.astype(x.dtype)
    rows, cols = kernel.shape[:2]
    if not op.transposed:
        padded = np.pad(x, ((0, 0), *op.padding, (0, 0)))
        windows = sliding_window_view(padded, (rows, cols), axis=(1, 2))[:, :: op.stride[0], :: op.stride[1]]
        return np.einsum("nrsaij,ijao->nrso", windows, kernel) + op.bias
    full = np.zeros(
        (
            len(x),
            (x.shape[1] - 1) * op.stride[0] + rows,
            (x.shape[2] - 1) * op.stride[1] + cols,
            kernel.shape[3],
        ),
        x.dtype,
    )
    for i in range(rows):
        for j in range(cols):
            last = full.shape[1] - rows + i + 1, full.shape[2] - cols + j + 1
            full[:, i : last[0] : op.stride[0], j : last[1] : op.stride[1]] += x @ kernel[i, j]
    (top, bottom), (left, right) = op.padding
    return full[:, top : full.shape[1] - bottom, left : full.shape[2] - right] + op.bias
