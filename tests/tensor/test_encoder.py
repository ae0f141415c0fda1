"""Encoders as float32 programs and ONNX graphs: the emulator's integers, on every event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Normalise, Op
from econ_ae.tensor.encoder import encoder_program
from econ_ae.tensor.onnx import OPSET, to_onnx
from econ_ae.tensor.run import run
from tests.random_cells import random_cell_model
from tests.random_models import odd_model
from tests.required import ONNX, require_module, require_onnx
from tests.tensor.encoders import chip, images

onnx = require_onnx()
runtime = require_module("onnxruntime", ONNX)


def integers(model: EncoderModel, values: Any) -> IntArray:
    assert values.dtype == np.float32
    scaled = values.astype(np.float64) * 2.0**model.latent.fraction
    assert np.array_equal(scaled, np.rint(scaled))
    return scaled.astype(np.int64)


def onnx_latents(model: EncoderModel, given: dict[str, Any], *, charges: bool = False) -> IntArray:
    graph = to_onnx(encoder_program(model), {}, charges_of=model if charges else None)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return integers(model, session.run(["latents"], given)[0])


@pytest.mark.parametrize("seed", range(24))
def test_random_encoders(seed: int) -> None:
    model = odd_model(seed)
    sent = images(model, 60, seed)
    expected = emulator.encode_images(model, sent)
    given = {"image": (sent * 2.0**-model.normalise.out.fraction).astype(np.float32)}
    assert np.array_equal(integers(model, run(encoder_program(model), given)["latents"]), expected)
    assert np.array_equal(onnx_latents(model, given), expected)


@pytest.mark.parametrize("arithmetic", ["exact", "chip"])
def test_encoders_of_the_chip_from_charges(arithmetic: str, econ_t_model: EncoderModel) -> None:
    model = chip() if arithmetic == "chip" else econ_t_model
    rng = np.random.default_rng(4)
    charges = rng.integers(0, 2, (400, 48)) * rng.integers(0, 1 << 22, (400, 48)) >> rng.integers(0, 22, (400, 1))
    charges[0] = 0
    charges[1:24] = 0
    charges[np.arange(1, 24), rng.integers(0, 48, 23)] = 1 << np.arange(23) % 22  # sums that are powers of two
    charges[24:46] = 0
    charges[24:46, 5] = (1 << np.arange(22)) - 1
    charges[46] = (1 << 22) - 1
    expected = emulator.encode(model, charges)
    got = onnx_latents(model, {"charges": charges.astype(np.int64)}, charges=True)
    assert np.array_equal(got, expected)
    assert len(np.unique(expected)) > 50


def test_graphs_have_standard_operators_alone() -> None:
    graph = onnx.load_from_string(to_onnx(encoder_program(chip()), {"a": "b"}, "what it is", charges_of=chip()))
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", OPSET)]
    assert {node.domain for node in graph.graph.node} == {""}
    assert {p.key: p.value for p in graph.metadata_props} == {"a": "b"}
    assert graph.graph.doc_string == "what it is"


def test_a_wrong_weight_is_seen() -> None:
    model, sent = chip(), images(chip(), 200)
    layer = next(op for op in model.layers if isinstance(op, Dense))
    kernel = layer.kernel.copy()
    kernel[3, 3] += 1
    other = model.with_weights({op.name: (kernel if op is layer else op.kernel, op.bias) for op in model.layers})
    given = {"image": (sent / 128).astype(np.float32)}
    assert (onnx_latents(other, given) != emulator.encode_images(model, sent)).any()


def test_encoders_of_cells_have_no_graph() -> None:
    with pytest.raises(ModelError, match="export it with --format emulator"):
        encoder_program(random_cell_model(1))


def test_numbers_that_float32_rounds_are_refused() -> None:
    model = chip()
    wide = FixedFormat.parse("s12.5")
    ops: list[Op] = [Normalise(FixedFormat.parse("u1.12")), *model.ops[1:]]
    for number, op in enumerate(ops):
        if isinstance(op, Conv2D | Dense):
            kernel = np.full_like(op.kernel, wide.max)
            ops[number] = replace(op, weight=wide, bias_format=wide, kernel=kernel)
    with pytest.raises(ModelError, match="float32"):
        encoder_program(EncoderModel("wide", model.input, tuple(ops)))
