"""Frozen graphs of encoders of every kind: the integers of the emulator, one by one and many at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.emulator import encode_images
from econ_ae.errors import DataError, ModelError
from econ_ae.ir.float32 import require_exact
from econ_ae.ir.model import EncoderModel
from econ_ae.training.export_encoder import encoder_graph
from econ_ae.training.export_graph import FrozenGraph, frozen
from tests.random_models import odd_model


def graph_of(model: EncoderModel, path: Path, kept: list[int]) -> FrozenGraph:
    shape = model.input.arrangement.shape
    path.write_bytes(encoder_graph(model, shape, list(range(int(np.prod(shape)))), kept, model.latents + 2))
    return FrozenGraph(path)


@pytest.mark.parametrize("seed", range(24))
def test_random_encoders_are_exact(seed: int, tmp_path: Path) -> None:
    """Both roundings, overflows and accumulations, signed and unsigned, finer and coarser than their inputs."""
    model = odd_model(seed)
    rng = np.random.default_rng(seed)
    kept = rng.integers(0, model.latent.width + 1, model.latents).tolist()
    try:
        require_exact(model)
    except ModelError:
        with pytest.raises(ModelError, match="float32"):
            graph_of(model, tmp_path / "encoder.pb", kept)
        return
    graph = graph_of(model, tmp_path / "encoder.pb", kept)
    images = rng.integers(0, model.normalise.out.max + 1, (200, *model.input.arrangement.shape))
    images[0], images[1] = 0, model.normalise.out.max
    width = model.latent.width
    masks = np.array([-1 << (width - bits) if bits else 0 for bits in kept])
    expected = (encode_images(model, images) & masks) * 2.0 ** (1 + model.latent.signed - width)
    values = (images * 2.0**-model.normalise.out.fraction).astype(np.float32)
    found = graph(values)
    assert np.array_equal(found[:, : model.latents], expected)
    assert not found[:, model.latents :].any()
    for i in range(3):
        assert np.array_equal(graph(values[i : i + 1])[0], found[i])
    # What lies between two steps of the input is floored to the lower one; what is above its range is clipped.
    between = values + np.float32(2.0 ** -(model.normalise.out.fraction + 2))
    assert np.array_equal(graph(between), found)


def test_every_random_kind_is_among_them() -> None:
    found = [odd_model(seed) for seed in range(24)]
    kinds = {(op.requantise.rounding, op.requantise.overflow) for model in found for op in model.stages}
    assert len(kinds) == 4
    assert {bool(op.product_shift) for model in found for op in model.stages} == {False, True}
    assert {model.latent.signed for model in found} == {False, True}


def test_graphs_are_the_same_bytes_every_time(econ_t_model: EncoderModel) -> None:
    first, second = (encoder_graph(econ_t_model, (8, 8, 1), range(64), [9] * 16, 16) for _ in range(2))
    assert first == second


def test_no_graph_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.pb"
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(DataError, match=r"x\.pb is no serialised TensorFlow graph"):
        FrozenGraph(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"node 0 is nothing; expected a Placeholder"):
        FrozenGraph(path)
    path.write_bytes(frozen((3,), lambda x: x + 1.0)[:-30])
    with pytest.raises(DataError):
        FrozenGraph(path)
