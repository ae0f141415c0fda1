"""A program as an ONNX model of standard operators alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from econ_ae.errors import ToolMissingError
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.program import (
    Concat,
    Constant,
    Convolve,
    Elementwise,
    Function,
    MatMul,
    Pick,
    Program,
    Reduce,
    Reshape,
    Slice,
    Step,
)

OPSET = 17
"""Of the standard operators; every runtime since 2022 knows it."""
IR_VERSION = 8
"""Of the file; the oldest that goes with the opset."""
BATCH = "n"

_ELEMENTWISE = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max"}
_COMPARISONS = {"equal": "Equal", "at_least": "GreaterOrEqual"}
_FUNCTIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "tanh": "Tanh",
    "exp": "Exp",
    "log": "Log",
    "abs": "Abs",
    "floor": "Floor",
    "round_even": "Round",
}


def require_onnx() -> Any:
    """Return the onnx package; ToolMissingError when it is not installed."""
    try:
        import onnx  # noqa: PLC0415  optional
    except ImportError as problem:
        raise ToolMissingError("the onnx package is not installed; pip install 'econ-ae[onnx]'") from problem
    return onnx


@dataclass
class Graph:
    """Nodes and constants of an ONNX graph while it is written; ``batch`` is the first axis of inputs and outputs."""

    onnx: Any = field(default_factory=require_onnx)
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    batch: str | int = BATCH

    def constant(self, values: Any, name: str | None = None) -> str:
        """Add numbers in their own type; return their name."""
        name = name or f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def cast(self, x: str, kind: type, output: str | None = None) -> str:
        """Add a change of the type."""
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self.node("Cast", [x], output, to=to)

    def model(
        self,
        name: str,
        inputs: list[Any],
        outputs: list[Any],
        facts: Mapping[str, str],
        doc: str,
        *,
        domains: Mapping[str, int] = MappingProxyType({}),
    ) -> Any:
        """Return the checked model; ``domains`` are those of operators besides the standard ones, with versions."""
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants, doc_string=doc)
        opsets = [helper.make_opsetid(domain, version) for domain, version in {"": OPSET, **domains}.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="econ-ae")
        helper.set_model_props(model, dict(facts))
        self.onnx.checker.check_model(model, full_check=not domains)
        return model

    def tensor(self, name: str, shape: tuple[int, ...], kind: type = np.float32) -> Any:
        """Return the description of an input or output with the batch in front."""
        to = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        return self.onnx.helper.make_tensor_value_info(name, to, [self.batch, *shape])


def to_onnx(
    program: Program, facts: Mapping[str, str], doc: str = "", *, charges_of: EncoderModel | None = None
) -> bytes:
    """Return an ONNX model, serialised, of float32 inputs and outputs with the batch ``n`` in front.

    Parameters
    ----------
    facts : the model's metadata
    doc : what the graph is, for people
    charges_of : an encoder, whose normaliser goes in front of its program: the input is then ``charges``,
        int64 (n, cells)

    Raises
    ------
    ToolMissingError
        When the onnx package is not installed.
    """
    graph = Graph()
    inputs = [graph.tensor(value.name, value.shape) for value in program.inputs]
    if charges_of is not None:
        inputs = [graph.tensor("charges", (charges_of.input.cells,), np.int64)]
        _normaliser(graph, charges_of)
    for step in program.steps:
        _HANDLERS[type(step.op)](graph, step)
    for name, value in program.outputs:
        graph.node("Identity", [value.name], name)
    outputs = [graph.tensor(name, value.shape) for name, value in program.outputs]
    return bytes(graph.model(program.name, inputs, outputs, facts, doc).SerializeToString())


def _normaliser(graph: Graph, model: EncoderModel) -> None:
    """Add ``x = (charge << fraction) >> floor(log2(sum))`` in 64-bit integers, and the pixels that the cells are at."""
    out, arrangement = model.normalise.out, model.input.arrangement
    total = graph.node("ReduceSum", ["charges", graph.constant(np.array([1]))], keepdims=1)
    bits = (model.input.cells * model.input.charge.max).bit_length()
    powers = graph.constant(2 ** np.arange(1, bits, dtype=np.int64))
    reached = graph.cast(graph.node("GreaterOrEqual", [total, powers]), np.int64)
    exponent = graph.node("ReduceSum", [reached, graph.constant(np.array([1]))], keepdims=1)
    raised = graph.node("Mul", ["charges", graph.constant(np.int64(1 << out.fraction))])
    shifted = graph.node(
        "BitShift", [graph.cast(raised, np.uint64), graph.cast(exponent, np.uint64)], direction="RIGHT"
    )
    clipped = graph.node("Min", [graph.cast(shifted, np.int64), graph.constant(np.int64(out.max))])
    cells = graph.node("Mul", [graph.cast(clipped, np.float32), graph.constant(np.float32(2.0**-out.fraction))])
    pixels = np.array(arrangement.cells)
    picked = graph.node("Gather", [cells, graph.constant(np.maximum(pixels, 0))], axis=1)
    masked = graph.node("Mul", [picked, graph.constant((pixels >= 0).astype(np.float32))])
    graph.node("Reshape", [masked, graph.constant(np.array([-1, *arrangement.shape]))], "image")


def _names(step: Step) -> list[str]:
    return [value.name for value in step.inputs]


def _constant(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Constant)
    graph.constant(step.op.values, step.output.name)


def _elementwise(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Elementwise)
    if step.op.kind in _COMPARISONS:
        graph.cast(graph.node(_COMPARISONS[step.op.kind], _names(step)), np.float32, step.output.name)
    else:
        graph.node(_ELEMENTWISE[step.op.kind], _names(step), step.output.name)


def _function(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Function)
    if step.op.kind == "softmax":
        graph.node("Softmax", _names(step), step.output.name, axis=-1)
    else:
        graph.node(_FUNCTIONS[step.op.kind], _names(step), step.output.name)


def _matmul(graph: Graph, step: Step) -> None:
    graph.node("MatMul", _names(step), step.output.name)


def _reduce(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Reduce)
    axis = step.op.axis + 1
    if step.op.kind == "sum":
        graph.node("ReduceSum", [*_names(step), graph.constant(np.array([axis]))], step.output.name, keepdims=1)
    else:
        graph.node("ReduceMean", _names(step), step.output.name, axes=[axis], keepdims=1)


def _slice(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Slice)
    limits = [graph.constant(np.array([n])) for n in (step.op.start, step.op.stop, len(step.output.shape))]
    graph.node("Slice", [*_names(step), *limits], step.output.name)


def _concat(graph: Graph, step: Step) -> None:
    graph.node("Concat", _names(step), step.output.name, axis=len(step.output.shape))


def _reshape(graph: Graph, step: Step) -> None:
    shape = graph.constant(np.array([-1, *step.output.shape]))
    graph.node("Reshape", [*_names(step), shape], step.output.name)


def _pick(graph: Graph, step: Step) -> None:
    assert isinstance(step.op, Pick)
    graph.node("Gather", [*_names(step), graph.constant(step.op.indices)], step.output.name, axis=1)


def _convolve(graph: Graph, step: Step) -> None:
    """ONNX has the channels in front of rows and columns."""
    op = step.op
    assert isinstance(op, Convolve)
    (top, bottom), (left, right) = op.padding
    order = (2, 3, 0, 1) if op.transposed else (3, 2, 0, 1)
    first = graph.node("Transpose", _names(step), perm=[0, 3, 1, 2])
    kernel = graph.constant(np.ascontiguousarray(op.kernel.transpose(order)))
    done = graph.node(
        "ConvTranspose" if op.transposed else "Conv",
        [first, kernel, graph.constant(op.bias)],
        strides=list(op.stride),
        pads=[top, left, bottom, right],
    )
    graph.node("Transpose", [done], step.output.name, perm=[0, 2, 3, 1])


_HANDLERS: dict[type, Callable[[Graph, Step], None]] = {
    Constant: _constant,
    Elementwise: _elementwise,
    Function: _function,
    MatMul: _matmul,
    Reduce: _reduce,
    Slice: _slice,
    Concat: _concat,
    Reshape: _reshape,
    Pick: _pick,
    Convolve: _convolve,
}
