"""Standard operators: layers with weights, factors and offsets, and what changes no value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from econ_ae.app.imported.encoder import Pads
from econ_ae.app.imported.exact.linear import Linear
from econ_ae.app.imported.onnx import constants
from econ_ae.app.imported.onnx.constants import Constant
from econ_ae.app.imported.onnx.graph import Node, Numbers
from econ_ae.app.imported.onnx.state import State
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat

Inputs = Sequence[Constant | None]
_FLOATS = (1, 10, 11, 16)


def _skip(state: State, node: Node, inputs: Inputs) -> None:
    del state, node, inputs


def _dropout(state: State, node: Node, inputs: Inputs) -> None:
    del state
    if len(inputs) > 2 and inputs[2] is not None and np.any(inputs[2].values):
        raise ModelError(f"{node.where} is in training mode; expected a model for inference")


def _cast(state: State, node: Node, inputs: Inputs) -> None:
    del state, inputs
    if node.attributes.get("to", 1) not in _FLOATS:
        raise ModelError(f"{node.where} makes integers of numbers; expected a quantizer")


def _view(state: State, node: Node, inputs: Inputs) -> None:
    """Change the order of values: the operator itself does it with their indices."""
    view = state.builder.view
    given: list[Numbers | None] = [None if one is None else one.values for one in inputs]
    given[0] = view
    if node.op == "Reshape" and given[1] is not None:
        given[1] = _one_image(state, given[1])
    if node.op == "Gather" and inputs[0] is not None:
        raise ModelError(f"{node.where} looks up by values, which has no integer form")
    made = constants.run(state.graph, node, given)
    state.builder.reshape(lambda _: made.astype(np.int64))


def _one_image(state: State, shape: Numbers) -> Numbers:
    """Return a target shape for one image where the file has a batch of several."""
    batch = state.graph.shape[0]
    if batch is not None and batch > 1 and shape.size and shape[0] == batch:
        return np.concatenate([[1], shape[1:]]).astype(np.int64)
    return shape


def _pad(state: State, node: Node, inputs: Inputs) -> None:
    """Put zeros around: by attributes before opset 11, by constants since, for some axes since opset 18."""
    given = [None if one is None else one.values for one in (*inputs, None, None, None)]
    sizes = given[1] if given[1] is not None else node.attributes.get("pads", ())
    value = given[2] if given[2] is not None else node.attributes.get("value", 0.0)
    mode = node.attributes.get("mode", "constant")
    view = state.builder.view
    axes = [int(axis) % view.ndim for axis in (given[3] if given[3] is not None else range(view.ndim))]
    if mode != "constant" or np.any(value) or len(sizes) != 2 * len(axes) or min(sizes, default=0) < 0:
        raise ModelError(f"{node.where} pads with something else than zeros, or cuts off; expected zeros around")
    around = [(0, 0)] * view.ndim
    for i, axis in enumerate(axes):
        around[axis] = (int(sizes[i]), int(sizes[i + len(axes)]))
    state.builder.reshape(lambda view: np.pad(view, around, constant_values=-1))


def _conv(state: State, node: Node, inputs: Inputs) -> None:
    state.nothing_held(node.where)
    view = state.builder.view
    if view.ndim != 4 or view.shape[0] != 1:
        raise ModelError(f"{node.where} is no convolution of one image in two dimensions, but of a tensor {view.shape}")
    kernel, bias, (declared, declared_bias) = _arrays(node, inputs)
    if kernel.ndim != 4:
        raise ModelError(f"{node.where} has a kernel of {kernel.ndim} axes; expected 4")
    kernel = _ungrouped(np.asarray(kernel, np.float64), int(node.attributes.get("group", 1)), node)
    kernel = _undilated(kernel.transpose(2, 3, 1, 0), _two(node, "dilations"))
    stride = _two(node, "strides")
    filters = int(kernel.shape[-1])
    bias = np.zeros(filters) if bias is None else bias.reshape(-1)
    if bias.size != filters:
        raise ModelError(f"{node.where} has {bias.size} biases for {filters} filters")
    auto = node.attributes.get("auto_pad", "NOTSET")
    top, left, bottom, right = node.attributes.get("pads") or (0, 0, 0, 0)
    pads: Pads = ((top, bottom), (left, right)) if auto == "NOTSET" else ((0, 0), (0, 0))
    if auto == "SAME_LOWER":
        pads = _same_lower(view.shape[2:], kernel.shape[:2], stride)
    one = Linear(node.name, kernel, bias, stride, pads, declared, declared_bias)
    state.builder.reshape(lambda view: view[0])
    state.builder.conv(one, channels_first=True, same=auto == "SAME_UPPER")
    state.builder.reshape(lambda view: view[None])


def _same_lower(size: Sequence[int], taps: Sequence[int], stride: Sequence[int]) -> Pads:
    """Return the zeros of padding whose odd one comes before."""
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, taps, stride, strict=True)]
    rows, cols = ((total - total // 2, total // 2) for total in totals)
    return rows, cols


def _two(node: Node, name: str) -> tuple[int, int]:
    rows, cols = node.attributes.get(name) or (1, 1)
    if min(rows, cols) < 1:
        raise ModelError(f"{node.where} has {name} {rows}, {cols}; expected at least 1")
    return int(rows), int(cols)


def _ungrouped(kernel: Array, groups: int, node: Node) -> Array:
    """Return the kernel, filters first, of an ungrouped convolution that does the same."""
    filters, own = kernel.shape[:2]
    if groups < 1 or filters % groups:
        raise ModelError(f"{node.where} has {groups} groups of {filters} filters; expected groups of equal size")
    if groups == 1:
        return kernel
    out = np.zeros((filters, own * groups, *kernel.shape[2:]))
    for i in range(filters):
        start = i // (filters // groups) * own
        out[i, start : start + own] = kernel[i]
    return out


def _undilated(kernel: Array, dilations: tuple[int, int]) -> Array:
    """Return a kernel, rows and columns first, with zeros between its taps."""
    down, right = dilations
    if dilations == (1, 1):
        return kernel
    rows, cols = kernel.shape[:2]
    out = np.zeros(((rows - 1) * down + 1, (cols - 1) * right + 1, *kernel.shape[2:]))
    out[::down, ::right] = kernel
    return out


def _arrays(node: Node, inputs: Inputs) -> tuple[Array, Array | None, tuple[FixedFormat | None, FixedFormat | None]]:
    if inputs[0] is not None or len(inputs) < 2 or inputs[1] is None:
        raise ModelError(f"{node.where} has no constant weights; expected those of a trained model")
    bias = inputs[2] if len(inputs) > 2 else None
    kernel = np.asarray(inputs[1].values, np.float64)
    if bias is None:
        return kernel, None, (inputs[1].format, None)
    return kernel, np.asarray(bias.values, np.float64), (inputs[1].format, bias.format)


def _gemm(state: State, node: Node, inputs: Inputs) -> None:
    state.nothing_held(node.where)
    kernel, bias, (declared, declared_bias) = _arrays(node, inputs)
    if node.attributes.get("transA", 0) or kernel.ndim != 2:
        raise ModelError(f"{node.where} transposes its input, or has no matrix; expected a dense layer")
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    kernel = (kernel.T if node.attributes.get("transB", 0) else kernel) * alpha
    units = int(kernel.shape[-1])
    offset = np.zeros(units) if bias is None else np.broadcast_to(bias * beta, (1, units))[0]
    view = state.builder.view
    if view.ndim != 2 or view.shape[0] != 1:
        raise ModelError(f"{node.where} meets a tensor of {view.shape}; expected one row of values")
    state.builder.dense(Linear(node.name, kernel, offset, None, declared=declared, declared_bias=declared_bias))
    state.builder.reshape(lambda view: view[None])


def _matmul(state: State, node: Node, inputs: Inputs) -> None:
    state.nothing_held(node.where)
    view = state.builder.view
    left, right = inputs
    both = left if left is not None else right
    if both is None or both.values.ndim < 2:
        raise ModelError(f"{node.where} has no matrix of weights; expected those of a trained model")
    if not _flat(both):
        raise ModelError(f"{node.where} has weights of {both.values.shape}; expected a matrix")
    rows, cols = both.values.shape[-2:]
    matrix = np.asarray(both.values, np.float64).reshape(rows, cols)
    if left is not None:  # weights times a column
        if view.size != cols or view.shape[-1] not in {1, view.size}:
            raise ModelError(f"{node.where} meets a tensor of {view.shape}; expected one column of values")
        shape = (*view.shape[:-2], rows, 1) if view.ndim > 1 else (rows,)
        matrix, cols = matrix.T, rows
    elif view.size == view.shape[-1]:
        shape = (*view.shape[:-1], cols)
    else:
        _pointwise(state, node, matrix, both.format)
        return
    state.builder.dense(Linear(node.name, matrix, np.zeros(cols), declared=both.format))
    state.builder.reshape(lambda view: view.reshape(shape))


def _flat(one: Constant) -> bool:
    return all(size == 1 for size in one.values.shape[:-2])


def _pointwise(state: State, node: Node, matrix: Array, fmt: FixedFormat | None) -> None:
    """Take a matrix that every pixel's channels are multiplied by as a convolution of one pixel."""
    view = state.builder.view
    if view.ndim != 4 or view.shape[0] != 1:
        raise ModelError(f"{node.where} meets a tensor of {view.shape}; expected one row of values, or an image")
    one = Linear(node.name, matrix[None, None], np.zeros(matrix.shape[1]), (1, 1), declared=fmt)
    state.builder.reshape(lambda view: view[0])
    state.builder.conv(one, channels_first=False)
    state.builder.reshape(lambda view: view[None])


def _arithmetic(state: State, node: Node, inputs: Inputs) -> None:
    state.nothing_held(node.where)
    first = inputs[0] is None
    constant = inputs[1] if first else inputs[0]
    assert constant is not None  # one of both moves
    value = np.asarray(constant.values, np.float64)
    one, none = np.ones(()), np.zeros(())
    if node.op == "Div" and (not first or np.any(value == 0)):
        raise ModelError(f"{node.where} divides by what depends on the image, or by 0, which has no integer form")
    factor, offset = {
        "Add": (one, value),
        "Sub": (one, -value) if first else (-one, value),
        "Mul": (value, none),
        "Div": (one / value if first and np.all(value != 0) else one, none),
    }[node.op]
    if state.builder.view.ndim < value.ndim:
        more = value.ndim - state.builder.view.ndim
        state.builder.reshape(lambda view: view.reshape((1,) * more + view.shape))
    bias = constant.format if node.op == "Add" else None
    state.builder.affine(node.name, factor, offset, declared=bias)


def _negative(state: State, node: Node, inputs: Inputs) -> None:
    del inputs
    state.nothing_held(node.where)
    state.builder.affine(node.name, -np.ones(()), np.zeros(()))


def _normalisation(state: State, node: Node, inputs: Inputs) -> None:
    """Fold what batch normalisation is after training into the weights, in float32 as a runtime does."""
    state.nothing_held(node.where)
    if node.attributes.get("training_mode", 0) or any(one is None for one in inputs[1:5]) or len(inputs) < 5:
        raise ModelError(f"{node.where} is in training mode; expected a model for inference")
    gamma, beta, mean, variance = (np.asarray(one.values, np.float32) for one in inputs[1:5] if one is not None)
    factor = gamma / np.sqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5)))
    offset = beta - mean * factor
    shape = (1, -1, *(1,) * (state.builder.view.ndim - 2))
    by_channel = [np.asarray(one, np.float64).reshape(shape) for one in (factor, offset)]
    state.builder.affine(node.name, by_channel[0], by_channel[1])


def _relu(state: State, node: Node, inputs: Inputs) -> None:
    del node, inputs
    state.builder.relu()


HANDLERS: Mapping[str, Callable[[State, Node, Inputs], None]] = {
    "Conv": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _arithmetic,
    "Sub": _arithmetic,
    "Mul": _arithmetic,
    "Div": _arithmetic,
    "Neg": _negative,
    "BatchNormalization": _normalisation,
    "Relu": _relu,
    "Identity": _skip,
    "Dropout": _dropout,
    "Cast": _cast,
    "Pad": _pad,
    **dict.fromkeys(("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Gather"), _view),
}
"""By operator."""
