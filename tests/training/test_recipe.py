"""Several seeds, a teacher, float networks: trained one after another, resumed to the same bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from econ_ae.training import artifact, recipe
from econ_ae.training.chain import Chain
from econ_ae.training.losses import mean_emd, telescope
from tests.training.small import batches, settings, train, trains_and_resumes


def test_the_seed_of_smallest_validation_emd_wins(tmp_path: Path) -> None:
    config = settings(
        training={"epochs": 3, "seeds": 2, "arithmetic": "exact"}, hardware={"accumulate": "trn_each", "elinks": 2}
    )
    _, model = trains_and_resumes(config, tmp_path)
    assert model.pack.elinks == 2
    listed = json.loads((tmp_path / "cut" / recipe.SEEDS).read_text())
    assert listed == json.loads((tmp_path / "straight" / recipe.SEEDS).read_text())
    assert [line["seed"] for line in listed] == [1, 2]
    (chosen,) = (line for line in listed if line["chosen"])
    assert chosen["validation_emd"] == min(line["validation_emd"] for line in listed)
    # Each seed is the training that this seed gives alone, and the run's weights are those of the chosen one.
    alone = config.model_copy(update={"seed": chosen["seed"]})
    alone = alone.model_copy(update={"training": config.training.model_copy(update={"seeds": 1})})
    assert train(tmp_path / "alone", alone) == codec.sha256(model)
    networks = artifact.load(alone, LOW_DENSITY, tmp_path / "alone")
    frozen = artifact.chip_model(alone, LOW_DENSITY, networks)
    rows = batches()[1]
    rows = rows[rows.total > 0]
    decoded = artifact.decode(alone, networks, frozen, artifact.transmit(frozen, rows.charges))
    assert mean_emd(rows.charges, decoded, LOW_DENSITY) == chosen["validation_emd"]


def test_teacher_average_dropout_and_decay_resume(tmp_path: Path) -> None:
    config = settings(
        training={"epochs": 3, "distill": {"widen": 2, "epochs": 1}, "average": 0.9, "prune": {"latents": 12}},
        hardware={"keep": [9] * 4 + [4] * 8},  # of the outputs that are left; the teacher has 16
        decoder={"dropout": 0.2, "weight_decay": 0.01},
    )
    # The teacher has one epoch, so the interruption comes in the second epoch of the student.
    taught, _ = trains_and_resumes(config, tmp_path)
    plain = config.model_copy(update={"training": config.training.model_copy(update={"distill": None})})
    train(tmp_path / "plain", plain)
    alone = artifact.load(plain, LOW_DENSITY, tmp_path / "plain")
    pairs = zip(taught.encoder.get_weights(), alone.encoder.get_weights(), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


def test_the_student_learns_from_truth_and_teacher() -> None:
    config = settings(decoder={"use_sum": True})
    student, master = (artifact.build(config.model_copy(update={"seed": s}), LOW_DENSITY) for s in (1, 2))
    loss = telescope(LOW_DENSITY)
    teacher = Chain(master.encoder, master.decoder, lambda x: x, (0,), loss)
    chain = Chain(student.encoder, student.decoder, lambda x: x, (0,), loss, teacher, 0.3)
    rng = np.random.default_rng(1)
    images = (rng.integers(0, 256, (20, 8, 8, 1)) / 128).astype(np.float32)
    sums, true = rng.random((20, 2)).astype(np.float32), rng.dirichlet(np.ones(48), 20).astype(np.float32)
    told = np.asarray(teacher.predict(images, sums, training=False))
    said = np.asarray(chain.predict(images, sums, training=False))
    expected = 0.7 * float(loss(true, said)) + 0.3 * float(loss(told / told.sum(axis=1, keepdims=True), said))
    assert np.isclose(float(chain.loss_of(images, sums, true, training=True)), expected, rtol=1e-5)
    assert np.isclose(float(chain.loss_of(images, sums, true, training=False)), float(loss(true, said)), rtol=1e-6)


@pytest.mark.parametrize("accumulate", ["exact", "trn_each"])
def test_what_was_trained_is_what_the_frames_give(accumulate: str, tmp_path: Path) -> None:
    config = settings(
        training={"epochs": 1},
        decoder={"use_sum": True},
        hardware={"accumulate": accumulate, "elinks": 3, "keep": [9] * 4 + [6] * 4 + [3] * 6 + [2, 1]},
    )
    artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    rows = batches()[1]
    rows = rows[rows.total > 0]
    networks = artifact.load(config, LOW_DENSITY, tmp_path)
    model = artifact.chip_model(config, LOW_DENSITY, networks)
    received = artifact.decode(config, networks, model, artifact.transmit(model, rows.charges))
    assert np.array_equal(artifact.fractions_as_trained(config, LOW_DENSITY, tmp_path, rows), received)


@pytest.mark.parametrize("quantise", ["post", "latents"])
def test_float_weights_are_rounded_after_training(quantise: str, tmp_path: Path) -> None:
    config = settings(training={"epochs": 2, "quantise": quantise}, hardware={"accumulate": "trn_each", "elinks": 3})
    artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    trained = artifact.load(config, LOW_DENSITY, tmp_path, artifact.TRAINED[quantise]).encoder
    kernel = trained.get_layer("dense0").kernel.numpy()
    assert (kernel * 32 % 1 != 0).mean() > 0.9, "the weights were trained in float"
    networks = artifact.load(config, LOW_DENSITY, tmp_path)
    model = artifact.chip_model(config, LOW_DENSITY, networks)
    assert np.array_equal(model.layers[1].kernel, np.clip(np.round(kernel * 32), -32, 31))
    images = np.random.default_rng(1).integers(0, 256, (500, 8, 8, 1))
    assert artifact.compare_with_keras(model, networks.encoder, images) == 500
    latents = trained.predict((images / 128).astype(np.float32), verbose=0)
    on_grid = bool((latents * 256 % 1 == 0).all())
    assert on_grid == (quantise == "latents"), "only these latents are quantized in training"
    assert latents.min() >= 0
    assert latents.max() <= 511 / 256
