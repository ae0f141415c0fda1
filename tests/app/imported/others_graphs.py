"""QONNX graphs as other tools write them, and what the qonnx package computes with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.required import require_module, require_onnx

onnx = require_onnx()
wrapper = require_module("qonnx.core.modelwrapper", "a development package")
executor = require_module("qonnx.core.onnx_exec", "a development package")
infer_shapes = require_module("qonnx.transformation.infer_shapes", "a development package")

GENERAL, BREVITAS = "qonnx.custom_op.general", "onnx.brevitas"
MODES = ("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


class Maker:
    """Puts nodes behind each other; ``x`` is the name of the tensor that moves."""

    def __init__(self, shape: tuple[int, ...], rng: np.random.Generator, domain: str = GENERAL) -> None:
        self.shape, self.rng, self.domain = shape, rng, domain
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.x, self.count = "image", 0

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}_{self.count}"

    def constant(self, values: Any, stem: str = "c") -> str:
        """Return the name of a constant: an initializer, or the output of a node, as it comes."""
        array, name = np.asarray(values), self.name(stem)
        tensor = onnx.numpy_helper.from_array(array, name)
        if self.rng.random() < 0.5:
            self.initializers.append(tensor)
        else:
            self.nodes.append(onnx.helper.make_node("Constant", [], [name], value=tensor))
        return name

    def node(self, op: str, *more: str, stem: str = "", domain: str = "", **attributes: Any) -> None:
        name = self.name(stem or op.lower())
        self.nodes.append(onnx.helper.make_node(op, [self.x, *more], [name], name=name, domain=domain, **attributes))
        self.x = name

    def quantized(
        self, values: Any, bits: int, scale: Any, *, signed: int = 1, narrow: int = 1, mode: str = "ROUND"
    ) -> str:
        """Return the name of quantized weights."""
        given = self.constant(np.asarray(values, np.float32), "w")
        parts = [self.constant(np.asarray(one, np.float32)) for one in (scale, 0, bits)]
        name = self.name("quantized")
        self.nodes.append(
            onnx.helper.make_node(
                "Quant", [given, *parts], [name], name=name, domain=self.domain,
                signed=signed, narrow=narrow, rounding_mode=mode,
            )
        )  # fmt: skip
        return name

    def quant(
        self, bits: float, fraction: Any, *, signed: int = 0, narrow: int = 0, mode: str = "ROUND", zero: float = 0
    ) -> None:
        parts = [
            self.constant(np.asarray(one, np.float32)) for one in (2.0 ** -np.asarray(fraction, float), zero, bits)
        ]
        settings = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
        self.node("Quant", *parts, stem="act", domain=self.domain, **settings)

    def model(self, opset: int = 17) -> Any:
        entry = onnx.helper.make_tensor_value_info("image", 1, self.shape)
        out = onnx.helper.make_tensor_value_info(self.x, 1, None)
        graph = onnx.helper.make_graph(self.nodes, "theirs", [entry], [out], self.initializers)
        domains = {"": opset, self.domain: 1}
        return onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid(*one) for one in domains.items()], ir_version=8
        )

    def save(self, path: Path, **settings: Any) -> Path:
        path.write_bytes(self.model(**settings).SerializeToString())
        return path


def computed(path: Path, values: Any) -> Any:
    """Return what the qonnx package's executor gives for a batch of inputs, one after another."""
    graph = wrapper.ModelWrapper(str(path))
    graph = graph.transform(infer_shapes.InferShapes())
    out = graph.graph.output[0].name
    return np.concatenate(
        [executor.execute_onnx(graph, {"image": one[None].astype(np.float32)})[out].reshape(1, -1) for one in values]
    )


def random_graph(seed: int) -> tuple[Maker, str]:
    """Return a chain of up to two convolutions and two dense layers in a random mixture of forms."""
    rng = np.random.default_rng(seed)
    rows, cols, channels = ((8, 8, 1), (4, 4, 3))[seed % 2]
    last = bool(rng.random() < 0.3)
    shape = (1, rows, cols, channels) if last else (1, channels, rows, cols)
    make = Maker(shape, rng, (GENERAL, BREVITAS)[int(rng.integers(2))])
    if last:
        make.node("Transpose", perm=[0, 3, 1, 2])
    if rng.random() < 0.4:
        make.quant(int(rng.integers(4, 9)), int(rng.integers(3, 8)), mode=str(rng.choice(MODES)))
    size = [channels, rows, cols]
    for _ in range(int(rng.integers(0, 3))):
        _random_conv(make, rng, size)
    _flat(make, rng, size)
    inputs = int(np.prod(size))
    for i in range(int(rng.integers(1, 3))):
        units = int(rng.integers(3, 9))
        _random_dense(make, rng, inputs, units)
        inputs = units
        _random_quant(make, rng, units, axis=1, last=i)
    if rng.random() < 0.3:
        make.node("Mul", make.constant(np.float32(4)))
    return make, "last" if last else "first"


def _random_conv(make: Maker, rng: np.random.Generator, size: list[int]) -> None:
    channels, rows, cols = size
    filters, taps = int(rng.integers(2, 5)), [int(rng.integers(1, min(n, 3) + 1)) for n in (rows, cols)]
    stride = [int(value) for value in rng.integers(1, 3, 2)]
    pads = [int(value) for value in rng.integers(0, 2, 4)]
    if min(rows, cols) < 3:
        return
    kernel = rng.normal(0, 0.4, (filters, channels, *taps))
    scale = 2.0 ** -rng.integers(3, 6, (filters, 1, 1, 1)) if rng.random() < 0.4 else 2.0**-4
    weights = [make.quantized(kernel, int(rng.integers(3, 7)), scale, narrow=int(rng.integers(2)))]
    with_bias = rng.random() < 0.6
    bias = rng.normal(0, 0.3, filters)
    if with_bias and rng.random() < 0.5:
        weights.append(make.quantized(bias, 8, 2.0**-6))
        with_bias = False
    make.node("Conv", *weights, strides=stride, pads=pads)
    if with_bias:
        make.node("Add", make.quantized(bias.reshape(1, -1, 1, 1), 8, 2.0**-5))
    size[:] = [filters, *((n + pads[i] + pads[i + 2] - taps[i]) // stride[i] + 1 for i, n in enumerate((rows, cols)))]
    _random_quant(make, rng, filters, axis=3)


def _random_quant(make: Maker, rng: np.random.Generator, units: int, axis: int, last: int = 0) -> None:
    relu = bool(rng.random() < 0.7)
    if relu:
        make.node("Relu")
    signed = int(not relu or rng.random() < 0.2)
    modes = MODES if relu or not signed else ("ROUND", "FLOOR", "CEIL")
    fraction: Any = int(rng.integers(2, 6))
    if rng.random() < 0.25:
        shape = (1, units, 1, 1) if axis == 3 else (1, units)
        fraction = rng.integers(2, 5, shape)
        make.quant(10, fraction, signed=signed, mode=str(rng.choice(modes)))
        return
    make.quant(int(rng.integers(3, 8)), fraction, signed=signed, narrow=signed, mode=str(rng.choice(modes)))


def _flat(make: Maker, rng: np.random.Generator, size: list[int]) -> None:
    form = int(rng.integers(4))
    if form == 0:
        make.node("Flatten")
    elif form == 1:
        make.node("Reshape", make.constant(np.array([1, -1], np.int64)))
    elif form == 2:  # channels last before it is flat
        make.node("Transpose", perm=[0, 2, 3, 1])
        make.node("Reshape", make.constant(np.array([0, int(np.prod(size))], np.int64)))
    else:
        make.node("Identity")
        make.node("Squeeze", make.constant(np.array([0], np.int64)))
        make.node("Reshape", make.constant(np.array([-1], np.int64)))
        make.node("Unsqueeze", make.constant(np.array([0], np.int64)))


def _random_dense(make: Maker, rng: np.random.Generator, inputs: int, units: int) -> None:
    kernel, bias = rng.normal(0, 0.4, (inputs, units)), rng.normal(0, 0.4, units)
    form = int(rng.integers(3))
    if form == 0:
        weights = make.quantized(kernel.T, 5, 2.0**-4)
        make.node("Gemm", weights, make.quantized(bias, 8, 2.0**-6, narrow=0), transB=1, beta=0.5)
    elif form == 1:
        weights = make.quantized(kernel.T, 4, 2.0 ** -rng.integers(2, 5, (units, 1)))
        moved, make.x = make.x, weights
        make.node("Transpose", perm=[1, 0])
        weights, make.x = make.x, moved
        make.node("MatMul", weights)
        make.node("Add", make.quantized(bias, 7, 2.0**-4))
    else:
        make.node("MatMul", make.quantized(kernel, 4, 2.0**-3))
        make.node("Mul", make.constant(np.full((1, units), 0.75, np.float32)))
        make.node("Sub", make.constant(np.full(units, 0.25, np.float32)))
    if rng.random() < 0.3:
        make.node("Dropout")
