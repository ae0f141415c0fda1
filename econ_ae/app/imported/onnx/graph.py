"""The nodes between the input and the output of an ONNX file, and its constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError, ModelError
from econ_ae.tensor.onnx import require_onnx

_EXPECTED = "expected an .onnx file with its weights inside"
_MOST_BYTES = 1 << 28
_MOST_NODES = 5000
_STANDARD = ("", "ai.onnx")

Numbers = NDArray[Any]


@dataclass(frozen=True)
class Node:
    """A node.

    Parameters
    ----------
    domain : empty for standard operators
    proto : as the file has it
    """

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any

    @property
    def where(self) -> str:
        """The node, for messages."""
        return f"layer {self.name!r} ({self.op})"


@dataclass(frozen=True)
class Graph:
    """What lies between one input and one output.

    Parameters
    ----------
    shape : of the input; None where the file leaves a size open
    nodes : first to last, those that the output depends on alone
    opsets : by domain
    """

    source: str
    entry: str
    shape: tuple[int | None, ...]
    output: str
    nodes: tuple[Node, ...]
    initial: Mapping[str, Numbers]
    opsets: Mapping[str, int]


def read(path: Path) -> Graph:
    """Return the graph of a file.

    Raises
    ------
    DataError
        When it is missing, damaged, no ONNX, or has its weights elsewhere.
    ModelError
        When it has several inputs or outputs.
    ToolMissingError
        When the onnx package is not installed.
    """
    onnx = require_onnx()
    if not path.is_file():
        raise DataError(f"{path} is {'a directory' if path.is_dir() else 'missing'}; {_EXPECTED}")
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path} is larger than an encoder can be; {_EXPECTED}")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        initial = {_text(one.name): _numbers(onnx, one, path) for one in model.graph.initializer}
        nodes = [_node(onnx, one, i, path) for i, one in enumerate(model.graph.node)]
    except DataError:
        raise
    except Exception as problem:
        what = " ".join(str(problem).split())[:100]
        raise DataError(f"{path} is damaged or no ONNX ({what}); {_EXPECTED}") from problem
    if not nodes or len(nodes) > _MOST_NODES:
        raise DataError(f"{path} has {len(nodes)} nodes; {_EXPECTED}")
    return _between(model, tuple(nodes), initial, path)


def _between(model: Any, nodes: tuple[Node, ...], initial: Mapping[str, Numbers], path: Path) -> Graph:
    outputs = [_text(one.name) for one in model.graph.output]
    if len(outputs) != 1:
        raise ModelError(f"{path.name}: has the outputs {', '.join(outputs) or 'none'}; expected one")
    needed = _needed(nodes, outputs[0], path)
    used = {name for node in needed for name in node.inputs} | {outputs[0]}
    entries = [one for one in model.graph.input if _text(one.name) not in initial and _text(one.name) in used]
    if len(entries) != 1:
        names = ", ".join(_text(one.name) for one in entries) or "none"
        raise ModelError(f"{path.name}: its output depends on the inputs {names}; expected one")
    kind = entries[0].type.tensor_type
    if kind.elem_type not in {1, 10, 11}:  # float, float16, double
        raise ModelError(f"{path.name}: its input {entries[0].name!r} holds no floats; expected the image's values")
    shape = tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in kind.shape.dim)
    opsets = {_text(one.domain).removeprefix("ai.onnx"): one.version for one in model.opset_import}
    return Graph(path.name, _text(entries[0].name), shape, outputs[0], needed, initial, opsets)


def _needed(nodes: tuple[Node, ...], output: str, path: Path) -> tuple[Node, ...]:
    """Return the nodes that the output depends on, each after what it depends on."""
    makers = {name: node for node in nodes for name in node.outputs if name}
    done: dict[int, Node] = {}
    open_: set[int] = set()
    stack: list[tuple[Node, bool]] = [(makers[output], False)] if output in makers else []
    while stack:
        node, finished = stack.pop()
        if finished:
            open_.discard(id(node))
            done[id(node)] = node
            continue
        if id(node) in done:
            continue
        if id(node) in open_:
            raise ModelError(f"{path.name}: {node.where} feeds itself")
        open_.add(id(node))
        stack.append((node, True))
        stack += [(makers[name], False) for name in node.inputs if name in makers and id(makers[name]) not in done]
    return tuple(done.values())


def _node(onnx: Any, proto: Any, index: int, path: Path) -> Node:
    attributes = {}
    for one in proto.attribute:
        if one.type in {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}:
            raise DataError(f"{path}: node {proto.name or index} ({proto.op_type}) has a graph inside; {_EXPECTED}")
        value = onnx.helper.get_attribute_value(one)
        if one.type == onnx.AttributeProto.TENSOR:
            value = _numbers(onnx, value, path)
        attributes[one.name] = _text(value) if isinstance(value, bytes) else value
    inputs, outputs = (tuple(map(_text, names)) for names in (proto.input, proto.output))
    op, domain = _text(proto.op_type), _text(proto.domain)
    name = _text(proto.name) or (outputs[0] if outputs else f"{op}_{index}")
    if not outputs or not op:
        raise DataError(f"{path}: node {name!r} gives nothing; {_EXPECTED}")
    return Node(op, "" if domain in _STANDARD else domain, name, inputs, outputs, attributes, proto)


def _text(value: Any) -> str:
    """Return a name; protobuf gives the bytes of what is no UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _numbers(onnx: Any, tensor: Any, path: Path) -> Numbers:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise DataError(f"{path}: the numbers of {tensor.name} are in another file; {_EXPECTED}")
    if math.prod(tensor.dims) * 8 > _MOST_BYTES or any(size < 0 for size in tensor.dims):
        raise DataError(f"{path}: {tensor.name} is larger than an encoder can be; {_EXPECTED}")
    values: Numbers = onnx.numpy_helper.to_array(tensor)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"{path}: {tensor.name} has values that are no numbers (NaN, inf)")
    return values
