"""An encoder as QONNX: float32 ONNX with ``Quant`` nodes that say which bits weights and activations have.

The dialect of Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks"
(arXiv:2206.07527); domain and attributes as the qonnx package defines them. ``Quant`` rounds to nearest, ties to even
(``ROUND``) or down (``FLOOR``), and saturates. Products that are floored one by one, and results that wrap, have no
representation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray, Overflow, Rounding
from econ_ae.ir.float32 import require_exact
from econ_ae.ir.model import Conv2D, EncoderModel, Stage, TrnEach
from econ_ae.ir.validate import check
from econ_ae.tensor.onnx import Graph

DOMAIN, DOMAIN_VERSION = "qonnx.custom_op.general", 1
_ROUNDING = {Rounding.RND_CONV: "ROUND", Rounding.TRN: "FLOOR"}


def qonnx_problem(model: EncoderModel) -> str | None:
    """Return why an encoder has no representation in QONNX, or None."""
    if model.sends_cells:
        return "it sends cells as pulses, which is no network"
    for stage in model.stages:
        if isinstance(stage.layer.accumulate, TrnEach) and stage.product_shift:
            return f"{stage.layer.name} floors every product before it is added; QONNX quantises tensors, not products"
        if stage.requantise.overflow is Overflow.WRAP:
            return f"{stage.requantise.name} wraps; Quant saturates"
    return None


def to_qonnx(model: EncoderModel, facts: Mapping[str, str], doc: str = "") -> bytes:
    """Return the QONNX model, serialised: ``image``, (1, rows, cols, channels), to ``latents``, (1, latents), float32.

    Values as in ``tensor.encoder.encoder_program``, to the bit. The batch is 1, as the tools that read QONNX expect.

    Raises
    ------
    ModelError
        When the encoder has no representation, or float32 cannot hold its integers.
    ToolMissingError
        When the onnx package is not installed.
    """
    if (problem := qonnx_problem(model)) is not None:
        raise ModelError(f"{model.name}: no QONNX: {problem}")
    require_exact(check(model))
    graph = Graph(batch=1)
    shape = model.input.arrangement.shape
    x = _quant(graph, "image", model.normalise.out, Rounding.RND_CONV)
    has_cell = (np.array(model.input.arrangement.cells).reshape(shape) >= 0).astype(np.float32)
    if not has_cell.all():
        x = graph.node("Mul", [x, graph.constant(has_cell)])
    flat = False
    for stage in model.stages:
        if isinstance(stage.layer, Conv2D):
            x = _convolution(graph, stage, x)
        else:
            if not flat:
                x, flat = graph.node("Reshape", [x, graph.constant(np.array([1, stage.layer.kernel.shape[0]]))]), True
            x = _dense(graph, stage, x)
        if stage.requantise.relu:
            x = graph.node("Relu", [x])
        x = _quant(graph, x, stage.requantise.out, stage.requantise.rounding)
    if not flat:
        x = graph.node("Reshape", [x, graph.constant(np.array([1, model.latents]))])
    graph.node("Identity", [x], "latents")
    inputs, outputs = [graph.tensor("image", shape)], [graph.tensor("latents", (model.latents,))]
    return bytes(
        graph.model(
            f"{model.name}_encoder", inputs, outputs, facts, doc, domains={DOMAIN: DOMAIN_VERSION}
        ).SerializeToString()
    )


def _quant(graph: Graph, x: str, fmt: FixedFormat, rounding: Rounding) -> str:
    parameters = [graph.constant(np.float32(value)) for value in (2.0**-fmt.fraction, 0.0, fmt.width)]
    return graph.node(
        "Quant",
        [x, *parameters],
        domain=DOMAIN,
        signed=int(fmt.signed),
        narrow=0,
        rounding_mode=_ROUNDING[rounding],
    )


def _weights(graph: Graph, values: IntArray, fmt: FixedFormat) -> str:
    named = graph.constant((values * 2.0**-fmt.fraction).astype(np.float32))
    return _quant(graph, named, fmt, Rounding.RND_CONV)


def _convolution(graph: Graph, stage: Stage, x: str) -> str:
    layer: Any = stage.layer
    (top, bottom), (left, right) = layer.padding
    kernel = _weights(graph, np.ascontiguousarray(layer.kernel.transpose(3, 2, 0, 1)), layer.weight)
    bias = _weights(graph, layer.bias, layer.bias_format)
    first = graph.node("Transpose", [x], perm=[0, 3, 1, 2])
    pads = [top, left, bottom, right]
    done = graph.node("Conv", [first, kernel, bias], strides=list(layer.stride), pads=pads)
    return graph.node("Transpose", [done], perm=[0, 2, 3, 1])


def _dense(graph: Graph, stage: Stage, x: str) -> str:
    layer = stage.layer
    product = graph.node("MatMul", [x, _weights(graph, layer.kernel, layer.weight)])
    return graph.node("Add", [product, _weights(graph, layer.bias, layer.bias_format)])
