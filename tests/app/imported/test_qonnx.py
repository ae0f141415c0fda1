"""QONNX of others: what the qonnx package computes, to the bit, or a refusal with the layer's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.imported.encoder import Encoder
from econ_ae.app.imported.run import Files, read_encoder
from econ_ae.app.imported.settings import Choice
from econ_ae.emulator import encode_images
from econ_ae.ir.model import EncoderModel
from tests.app.imported.others_graphs import computed, random_graph
from tests.app.imported.test_import import built, images_of

Command = Callable[..., tuple[int, str, str]]


def compared(
    path: Path, tmp_path: Path, layout: Callable[[Any], Any], events: int = 24
) -> tuple[Encoder, EncoderModel]:
    """Import a file, and compare the run's integer model with what the qonnx package computes."""
    choice = Choice()
    found = read_encoder(Files(path), "qonnx", choice)
    _, model, _ = built(found, None, choice, tmp_path / "training")
    images = images_of(model, events)
    ours = encode_images(model, images) * 2.0**-model.latent.fraction
    theirs = computed(path, layout(images / 128))
    assert np.array_equal(ours, theirs), found.stages
    return found, model


def channels_first(images: Any) -> Any:
    return images.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("seed", range(24))
def test_random_graphs(seed: int, tmp_path: Path) -> None:
    make, layout = random_graph(seed)
    path = make.save(tmp_path / "theirs.onnx")
    compared(path, tmp_path, channels_first if layout == "first" else np.asarray)
