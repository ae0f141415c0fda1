"""Presets of other weights for the chip that exists: its shape, its registers, its frames, trained on whole events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import RunConfig, changed, load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.econt import autoencoder
from econ_ae.econt.registers.export import chip_config, export
from econ_ae.econt.registers.read import parse_config
from econ_ae.emulator import encode
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import weights
from econ_ae.progress import Silent
from econ_ae.training import artifact, kept, recipe
from tests.training.small import batches

BITS = {2: 3, 3: 5, 4: 7, 5: 9}


def preset(elinks: int) -> RunConfig:
    return load_preset(f"econ-t-cms-{elinks}elinks")


@pytest.mark.parametrize("elinks", BITS)
def test_is_the_chip_with_other_weights(elinks: int) -> None:
    model = skeleton(preset(elinks), LOW_DENSITY)
    assert [mask.bit_count() for mask in model.pack.keep] == [BITS[elinks]] * 16
    rng = np.random.default_rng(elinks)
    template = autoencoder.template()
    filled = weights.unpack(model, rng.bytes(len(weights.pack(template))))
    registers = chip_config(filled)
    assert registers.weights == weights.pack(filled)
    assert (registers.elinks, autoencoder.keep_masks(registers.keep_mask)) == (elinks, model.pack.keep)
    assert parse_config(export(filled, "econt-yaml"), "preset").weights == registers.weights


def test_settings_differ_in_links_alone() -> None:
    one, *others = (preset(n).model_dump() for n in BITS)
    for n, other in zip((3, 4, 5), others, strict=True):
        assert other == one | {"name": f"econ_t_cms_{n}elinks", "hardware": one["hardware"] | {"elinks": n}}


def test_trains_and_runs_on_the_chip(tmp_path: Path) -> None:
    few = {"hidden": [8, 8]}
    config = changed(preset(2), "test", training={"epochs": 2, "steps": 2, "batch": 50}, decoder=few)
    history = artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    assert len(history) == 2
    assert recipe.validation_emd(config, LOW_DENSITY, tmp_path, batches()[1]) == pytest.approx(
        min(epoch.validation_loss for epoch in kept.read_history(tmp_path)), rel=1e-4
    )
    # What the network's registers make of charges on the chip is what the integer encoder makes of them.
    model = artifact.chip_model(config, LOW_DENSITY, artifact.load(config, LOW_DENSITY, tmp_path))
    chip = autoencoder.encoder_model(chip_config(model))
    charges = batches()[1].charges
    inputs = dict(zip(autoencoder.ARRANGEMENT.cells, model.input.arrangement.cells, strict=True))
    behind_mux = charges[:, [inputs[x] for x in range(48)]]
    assert np.array_equal(encode(model, charges), encode(chip, behind_mux))
