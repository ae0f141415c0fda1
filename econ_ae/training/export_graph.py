"""Frozen graphs as TensorFlow 1 reads them: one placeholder first, one output last, no variables; and running them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from econ_ae.errors import DataError

INPUT, OUTPUT = "econ_ae_input", "econ_ae_output"
"""Names of the first and of the last node, the same in every graph: who loads several asks for that."""

Array = NDArray[np.float32]


def frozen(shape: tuple[int, ...], compute: Callable[[Any], Any]) -> bytes:
    """Return the GraphDef, serialised, of a function of one tensor.

    Parameters
    ----------
    shape : of one input, without the batch
    compute : tensor (n, *shape) float32 to a tensor float32; may use constants only

    Notes
    -----
    Nodes are in the order in which they were made, so that the placeholder is node 0 and the output the last one, and
    every node stands behind its inputs. Attributes at their defaults are left out: older releases of TensorFlow do not
    know those that were added since.
    """
    with tf.Graph().as_default() as graph:
        source = tf.compat.v1.placeholder(tf.float32, (None, *shape), INPUT)
        tf.identity(compute(source), OUTPUT)
        definition = tf.compat.v1.train.export_meta_graph(graph=graph, strip_default_attrs=True).graph_def
    return _checked(definition).SerializeToString(deterministic=True)


def frozen_keras(
    shape: tuple[int, ...], before: Callable[[Any], Any], model: Any, after: Callable[[Any], Any]
) -> bytes:
    """Return the GraphDef of a Keras model between two functions, as ``frozen``; its weights become constants.

    Parameters
    ----------
    before, after : tensor to tensor; may use constants only
    """
    from tensorflow.python.framework.convert_to_constants import (  # noqa: PLC0415
        convert_variables_to_constants_v2,
    )

    signature = tf.TensorSpec((None, *shape), tf.float32, INPUT)
    traced = tf.function(lambda x: after(model(before(x), training=False))).get_concrete_function(signature)
    constant = convert_variables_to_constants_v2(traced)
    inner = constant.graph.as_graph_def()
    source, result = constant.inputs[0].name, constant.outputs[0].name

    def compute(x: Any) -> Any:
        (found,) = tf.graph_util.import_graph_def(inner, {source: x}, [result], name="decoder")
        return found

    return _without(frozen(shape, compute), f"decoder/{source.partition(':')[0]}")


def _without(content: bytes, name: str) -> bytes:
    """Return a graph without a placeholder that nothing reads any more."""
    graph = tf.compat.v1.GraphDef.FromString(content)
    kept = [node for node in graph.node if node.name != name]
    del graph.node[:]
    graph.node.extend(kept)
    return _checked(graph).SerializeToString(deterministic=True)


def _checked(graph: Any) -> Any:
    """Return a graph as it must be; AssertionError when the way it is made no longer gives that."""
    seen: set[str] = set()
    for node in graph.node:
        for name in node.input:
            assert name.lstrip("^").partition(":")[0] in seen, f"{node.name} stands before its input {name}"
        seen.add(node.name)
        node.device = ""
    operations = [node.op for node in graph.node]
    assert operations[0] == "Placeholder", operations[0]
    assert graph.node[0].name == INPUT
    assert graph.node[-1].name == OUTPUT
    assert not [op for op in operations if "Variable" in op or "Call" in op or op in {"If", "While"}], operations
    graph.ClearField("library")
    return graph


class FrozenGraph:
    """A frozen graph from a file, which runs: the input is node 0, the output the last one.

    Parameters
    ----------
    path : a serialised GraphDef

    Raises
    ------
    DataError
        When the file is none, or its first node is no placeholder.
    """

    def __init__(self, path: Path) -> None:
        try:
            definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        except DecodeError as problem:
            raise DataError(
                f"{path} is no serialised TensorFlow graph; expected what econ-ae export wrote"
            ) from problem
        nodes = definition.node
        if not nodes or nodes[0].op != "Placeholder":
            first = nodes[0].op if nodes else "nothing"
            raise DataError(f"{path}: node 0 is {first}; expected a Placeholder, the input")
        self.input, self.output = nodes[0].name, nodes[-1].name
        with tf.Graph().as_default() as graph:
            try:
                tf.graph_util.import_graph_def(definition, name="")
            except ValueError as problem:
                raise DataError(f"{path}: TensorFlow cannot load it: {str(problem).splitlines()[0]}") from problem
        self._session = tf.compat.v1.Session(graph=graph)

    def __call__(self, values: Array) -> Array:
        """Return the output of a batch of inputs, both float32, with the batch as their first axis."""
        found: Array = self._session.run(f"{self.output}:0", {f"{self.input}:0": values})
        return found
