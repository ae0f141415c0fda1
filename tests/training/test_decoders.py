"""Decoders of every kind: trained, resumed, loaded, and used on what a frame carries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.config.skeleton import check_decoder, skeleton
from econ_ae.econt.decode import Latents
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training import artifact
from econ_ae.training.decoders import PixelsToCells, build_decoder
from tests.training.small import settings, trains_and_resumes


@pytest.mark.parametrize(
    "decoder",
    [
        {"residual": True},
        {"kind": "conv", "filters": [8, 4, 4], "output": "softmax", "use_sum": True},
        {"kind": "unrolled", "hidden": [12, 8], "use_scale": True},
        {"kind": "graph", "units": 3, "depth": 2, "output": "softmax", "use_sum": True, "use_scale": True},
    ],
    ids=lambda d: "-".join(map(str, d)),
)
def test_decoders_train_resume_and_decode(decoder: dict[str, Any], tmp_path: Path) -> None:
    config = settings(decoder=decoder, training={"epochs": 3})
    networks, model = trains_and_resumes(config, tmp_path)
    rng = np.random.default_rng(3)
    received = Latents(rng.integers(0, 512, (100, 16)), rng.uniform(1, 5000, 100))
    decoded = artifact.decode(config, networks, model, received)
    assert decoded.shape == (100, 48)
    assert np.allclose(decoded.sum(axis=1), 1, atol=1e-12)
    assert decoded.std(axis=0).min() > 0, "every cell depends on the latents"
    if config.decoder.output == "softmax":
        raw = networks.decoder(np.zeros((1, 16 + len(config.decoder.sum_columns)), np.float32))
        assert np.isclose(float(np.sum(raw)), 1, atol=1e-6)


def test_residual_layers_add_their_input() -> None:
    plain, residual = (
        build_decoder(settings(decoder={"residual": r}).decoder, 16, LOW_DENSITY.arrangement("8x8x1"), LOW_DENSITY, 5)
        for r in (False, True)
    )
    assert [a.tolist() for a in plain.get_weights()] == [a.tolist() for a in residual.get_weights()]
    x = np.random.default_rng(1).random((4, 16), np.float32)
    first, second, last = (plain.get_layer(name) for name in ("decoder0", "decoder1", "decoder_out"))
    assert np.allclose(residual(x), last(first(x) + second(first(x))), atol=1e-6)
    assert not np.allclose(residual(x), plain(x), atol=1e-6)


@pytest.mark.parametrize("name", ["8x8x1", "4x4x3"])
def test_pixels_become_the_cells_of_the_arrangement(name: str) -> None:
    arrangement = LOW_DENSITY.arrangement(name)
    image = np.array(arrangement.cells, np.float32).reshape(1, *arrangement.shape)
    layer = PixelsToCells([arrangement.cells.index(c) for c in range(48)])
    assert np.array_equal(np.asarray(layer(image))[0], np.arange(48))


def test_decoders_that_cannot_be_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"doubles an image 4 times, which cannot end at 8x8 \(8x8x1\)"):
        skeleton(settings(decoder={"kind": "conv", "filters": [8] * 5}), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"decoder\.residual adds layers of equal width"):
        skeleton(settings(decoder={"hidden": [16, 8], "residual": True}), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"without steps"):
        skeleton(settings(decoder={"kind": "unrolled", "hidden": []}), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"do not apply to decoder\.kind = 'unrolled'"):
        skeleton(settings(decoder={"kind": "unrolled", "dropout": 0.1}), LOW_DENSITY)
    with pytest.raises(ConfigError, match=r"first layer is dense, not decoder\.kind = 'unrolled'"):
        skeleton(settings(decoder={"kind": "unrolled"}, training={"prune": {"latents": 12}}), LOW_DENSITY)
    arrangement = LOW_DENSITY.arrangement("8x8x1")
    holed = replace(arrangement, cells=tuple(-1 if c == 7 else c for c in arrangement.cells))
    with pytest.raises(ConfigError, match=r"no pixel for trigger cells \[7\]"):
        check_decoder(settings(decoder={"kind": "conv"}).decoder, holed, 48)
