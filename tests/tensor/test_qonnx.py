"""QONNX models, executed by the qonnx package, against the emulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.errors import ModelError
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.qonnx import DOMAIN, qonnx_problem, to_qonnx
from tests.random_cells import random_cell_model
from tests.random_models import odd_model
from tests.required import require_module, require_onnx
from tests.tensor.encoders import chip, images

QONNX = "pip install qonnx, a development package"
onnx = require_onnx()
wrapper = require_module("qonnx.core.modelwrapper", QONNX)
executor = require_module("qonnx.core.onnx_exec", QONNX)
shapes = require_module("qonnx.transformation.infer_shapes", QONNX)

SEEDS = [seed for seed in range(60) if qonnx_problem(odd_model(seed)) is None]


def execute(model: EncoderModel, sent: Any) -> Any:
    graph = wrapper.ModelWrapper(onnx.load_from_string(to_qonnx(model, {}))).transform(shapes.InferShapes())
    values = (sent * 2.0**-model.normalise.out.fraction).astype(np.float32)
    parts = [executor.execute_onnx(graph, {"image": values[i : i + 1]})["latents"] for i in range(len(values))]
    return np.concatenate(parts).astype(np.float64) * 2.0**model.latent.fraction


@pytest.mark.parametrize("seed", SEEDS)
def test_random_encoders(seed: int) -> None:
    model, sent = odd_model(seed), images(odd_model(seed), 12, seed)
    assert np.array_equal(execute(model, sent), emulator.encode_images(model, sent))


def test_the_chips_shape_with_exact_sums(econ_t_model: EncoderModel) -> None:
    sent = images(econ_t_model, 30)
    expected = emulator.encode_images(econ_t_model, sent)
    assert np.array_equal(execute(econ_t_model, sent), expected)
    assert len(np.unique(expected)) > 50
    graph = onnx.load_from_string(to_qonnx(econ_t_model, {"a": "b"}))
    assert {node.op_type for node in graph.graph.node if node.domain == DOMAIN} == {"Quant"}


def test_what_has_no_representation_is_refused() -> None:
    with pytest.raises(ModelError, match="no QONNX: conv floors every product before it is added"):
        to_qonnx(chip(), {})
    with pytest.raises(ModelError, match="no QONNX: it sends cells as pulses"):
        to_qonnx(random_cell_model(2), {})
    wraps = next(m for m in map(odd_model, range(200)) if "wraps" in (qonnx_problem(m) or ""))
    with pytest.raises(ModelError, match="wraps; Quant saturates"):
        to_qonnx(wraps, {})
