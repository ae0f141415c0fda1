"""What a graph computes from its constants alone: quantized, transposed or scaled weights, and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from econ_ae.app.imported.exact.grid import format_of
from econ_ae.app.imported.onnx.graph import Graph, Node, Numbers
from econ_ae.app.imported.onnx.quant import ROUNDING, is_quant, limits
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.tensor.onnx import require_onnx

_MOST_NUMBERS = 1 << 22
_KEEP_FORMAT = ("Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Gather", "Dropout")
FOLDED = (
    *_KEEP_FORMAT,
    *("Constant", "Add", "Sub", "Mul", "Div", "Neg", "Pow", "Sqrt", "Reciprocal", "Abs", "Exp", "Log", "Min", "Max"),
    *("Cast", "CastLike", "Concat", "Shape", "Floor", "Ceil", "Round", "Clip", "QuantizeLinear", "DequantizeLinear"),
    *("ReduceProd", "ReduceSum", "Where", "Equal", "Split", "Range"),
)
"""Operators that are computed on constants; what they give is no larger than what they get, but for broadcasting."""


@dataclass(frozen=True)
class Constant:
    """An array.

    Parameters
    ----------
    format : that its quantizer gives it, where one number says it
    """

    values: Numbers
    format: FixedFormat | None = None


def evaluate(graph: Graph, node: Node, inputs: Sequence[Constant | None]) -> Constant:
    """Return what a node makes of constants; ModelError when it is not known, or fails."""
    if is_quant(node):
        return _quantized(node, inputs)
    if node.domain or node.op not in FOLDED:
        raise ModelError(f"{node.where} computes weights, and is not known for that")
    sizes = [one.values.shape for one in inputs if one is not None]
    if node.op in {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Where", "Equal"}:
        try:
            sizes = [np.broadcast_shapes(*sizes)]
        except ValueError:
            raise ModelError(f"{node.where} meets arrays of {', '.join(map(str, sizes))}") from None
    if any(math.prod(size) > _MOST_NUMBERS for size in sizes) or node.op == "Range":
        raise ModelError(f"{node.where} computes more numbers than an encoder has")
    values = run(graph, node, [None if one is None else one.values for one in inputs])
    first = inputs[0].format if inputs and inputs[0] is not None and node.op in _KEEP_FORMAT else None
    return Constant(values, first)


def run(graph: Graph, node: Node, inputs: Sequence[Numbers | None]) -> Numbers:
    """Return what onnx's own definition of a standard operator gives."""
    onnx = require_onnx()
    from onnx.reference import ReferenceEvaluator  # optional, as onnx is

    names = [name if value is not None else "" for name, value in zip(node.inputs, inputs, strict=True)]
    given: dict[str, Any] = {name: value for name, value in zip(names, inputs, strict=True) if name}
    proto = onnx.helper.make_node(node.op, names, ["y"], name=node.name)
    proto.attribute.extend(node.proto.attribute)
    entries = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in given.items()
    ]
    outputs = [onnx.helper.make_empty_tensor_value_info("y")]
    body = onnx.helper.make_graph([proto], "one", entries, outputs)
    opsets = [onnx.helper.make_opsetid("", graph.opsets.get("", 17))]
    try:
        model = onnx.helper.make_model(body, opset_imports=opsets, ir_version=8)
        found = ReferenceEvaluator(model).run(None, given)[0]
    except Exception as problem:
        what = " ".join(str(problem).split())[:120]
        raise ModelError(f"{node.where} cannot be computed: {what}") from problem
    return np.asarray(found)


def _quantized(node: Node, inputs: Sequence[Constant | None]) -> Constant:
    """Return quantized constants, in float32 as the tools compute them."""
    values, scale, zero, bits = (np.asarray(one.values, np.float32) for one in inputs[:4] if one is not None)
    low, high = limits(node, bits)
    mode = str(node.attributes.get("rounding_mode", "ROUND")).upper()
    if mode not in ROUNDING:
        raise ModelError(f"{node.where} rounds {mode!r}; expected one of {', '.join(ROUNDING)}")
    if np.any(scale <= 0):
        raise ModelError(f"{node.where} has a scale of {float(scale.min()):g}; expected one above 0")
    whole = np.clip(values / scale + zero, low, high)
    whole = ROUNDING[mode][1](whole)
    found = (whole - zero) * scale
    fmt = None
    if scale.size == bits.size == zero.size == 1 and np.frexp(scale.item())[0] == 0.5 and not zero.any():
        fraction = 1 - int(np.frexp(scale.item())[1])
        start = int(low.item())
        if start in {-int(high.item()), 0}:  # narrow ranges are of the whole format; weights are signed
            start = -int(high.item()) - 1
        fmt = format_of(start, int(high.item()), fraction)
    return Constant(found.astype(np.float64), fmt)
