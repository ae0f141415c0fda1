"""From the nodes of a graph, first to last, to an encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from econ_ae.app.imported.encoder import Encoder, arrangement_of
from econ_ae.app.imported.exact.builder import Builder
from econ_ae.app.imported.exact.start import from_row, started
from econ_ae.app.imported.onnx import constants, layers, quantizers
from econ_ae.app.imported.onnx.constants import Constant
from econ_ae.app.imported.onnx.graph import Graph, Node
from econ_ae.app.imported.onnx.state import State
from econ_ae.app.imported.settings import Choice
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY

Handler = Callable[[State, Node, Sequence[Constant | None]], None]


def translate(graph: Graph, choice: Choice) -> Encoder:
    """Return the encoder of a graph: a chain of convolutions, dense layers and quantizers.

    Raises
    ------
    ModelError
        Which node has no integer form, and why.
    """
    builder = _started(graph, choice)
    known = {name: Constant(values) for name, values in graph.initial.items()}
    state = State(graph, builder, known)
    current = graph.entry
    passed: set[str] = set()
    for node in graph.nodes:
        moving = [name for name in node.inputs if name and name not in known]
        if not moving:
            values = constants.evaluate(graph, node, [known[name] if name else None for name in node.inputs])
            known[node.outputs[0]] = values
            continue
        if any(name != current for name in moving):
            names = ", ".join(dict.fromkeys(moving))
            raise ModelError(f"{node.where} has the inputs {names}; expected a chain of layers, without branches")
        if node.op == "Shape" and not node.domain:
            known[node.outputs[0]] = Constant(constants.run(graph, node, [np.zeros(builder.view.shape, np.float32)]))
            continue
        if current in passed:
            raise ModelError(f"{node.where} is a second branch behind {current!r}; expected a chain of layers")
        passed.add(current)
        _handle(state, node, [known.get(name) for name in node.inputs])
        current = node.outputs[0]
    if current != graph.output:
        raise ModelError(f"{graph.source}: its output {graph.output!r} does not depend on its input")
    state.nothing_held("the output")
    return builder.finish()


def _handle(state: State, node: Node, inputs: Sequence[Constant | None]) -> None:
    handlers: Mapping[str, Handler] = layers.HANDLERS if not node.domain else quantizers.CUSTOM
    handler = handlers.get(node.op) or (quantizers.STANDARD.get(node.op) if not node.domain else None)
    known_domain = not node.domain or node.domain in quantizers.DOMAINS
    if handler is None or not known_domain:
        reason = quantizers.REFUSED.get(node.op, "has no integer form")
        names = ", ".join((*layers.HANDLERS, *quantizers.STANDARD, *quantizers.CUSTOM))
        raise ModelError(f"{node.where} {reason}; expected one of {names}")
    handler(state, node, inputs)


def _started(graph: Graph, choice: Choice) -> Builder:
    """Return a builder whose view is the graph's input: which axis is which is told by the sizes."""
    shape = graph.shape
    tries = [shape[1:], shape] if len(shape) > 1 else [shape]
    for body in tries:
        if not body or any(size is None for size in body):
            continue
        sizes = tuple(int(size) for size in body if size is not None)
        found = _arranged(sizes, graph, choice)
        if found is not None:
            builder = found
            if len(body) < len(shape):
                builder.reshape(lambda view: view[None])
            return builder
    known = ", ".join(LOW_DENSITY.arrangements)
    text = "x".join("?" if size is None else str(size) for size in shape)
    raise ModelError(
        f"{graph.source}: its input {graph.entry!r} is {text}; expected a batch of images {known}, channels first or "
        "last, or of their values in one row"
    )


def _arranged(sizes: tuple[int, ...], graph: Graph, choice: Choice) -> Builder | None:
    """Return a builder for a tensor of an image without the batch; None when it is no image."""
    if len(sizes) == 1:
        return from_row(sizes[0], choice)
    for first in (True, False):
        moved = (*sizes[1:], sizes[0]) if first and len(sizes) == 3 else sizes
        if first and len(sizes) != 3:
            continue
        try:
            arrangement, pads = arrangement_of(moved, graph.source)
        except ModelError:
            continue
        builder = started(
            Encoder(arrangement, choice, arrangement.shape),
            np.arange(math.prod(arrangement.shape)).reshape(arrangement.shape),
            pads,
        )
        if len(sizes) == 2:
            builder.reshape(lambda view: view[..., 0])
        elif first:
            builder.reshape(_channels_first)
        return builder
    return None


def _channels_first(view: IntArray) -> IntArray:
    return view.transpose(2, 0, 1)
