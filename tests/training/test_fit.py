"""Training is repeatable, continues after an interruption to the same bits, and keeps the best weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import DecoderConfig, HardwareConfig, RunConfig, TrainingConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import DataError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact, fit, kept
from econ_ae.training.link import link
from econ_ae.training.losses import LOSSES
from econ_ae.training.sample import make_sample
from tests.training.small import CONFIG, InterruptedInEpochTwo, batches, settings, train, trains_and_resumes


def test_interrupted_training_continues_to_the_same_bits(tmp_path: Path) -> None:
    straight = train(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        artifact.train(CONFIG, LOW_DENSITY, batches(), tmp_path / "cut", InterruptedInEpochTwo())
    assert len(kept.read_history(tmp_path / "cut")) == 2
    assert train(tmp_path / "cut") == straight
    losses = [[(e.loss, e.validation_loss) for e in kept.read_history(tmp_path / d)] for d in ("straight", "cut")]
    assert losses[0] == losses[1]
    other = train(tmp_path / "other", CONFIG.model_copy(update={"seed": 2}))
    assert other != straight


def test_stops_early_and_loads_the_best_weights(tmp_path: Path) -> None:
    # A learning rate that spoils the weights, so that the first epochs are the best.
    hot = TrainingConfig(epochs=30, batch=50, learning_rate=3.0, final_learning_rate=3.0, patience=3)
    config = RunConfig(training=hot)
    history = artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    best = min(history, key=lambda e: e.validation_loss)
    assert len(history) == best.epoch + hot.patience + 1 < hot.epochs
    networks = artifact.load(config, LOW_DENSITY, tmp_path)
    target = skeleton(config, LOW_DENSITY)
    sample = make_sample(batches()[1], target.input, target.normalise)
    predicted = networks.decoder(networks.encoder(sample.images))
    loss = float(LOSSES["telescope"](LOW_DENSITY)(sample.fractions, predicted))
    assert np.isclose(loss, best.validation_loss, rtol=1e-6)


def test_epochs_of_some_batches(tmp_path: Path) -> None:
    def history(name: str, steps: int | None) -> list[float]:
        config = settings(training={"epochs": 3, "steps": steps})
        found = artifact.train(config, LOW_DENSITY, batches(), tmp_path / name, Silent())
        return [epoch.loss for epoch in found]

    assert history("more", 99) == history("whole", None)
    trains_and_resumes(settings(training={"epochs": 3, "steps": 2}), tmp_path)


def test_validation_in_parts_is_the_mean_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = []
    for at_once in (8192, 7):
        monkeypatch.setattr(fit, "_AT_ONCE", at_once)
        config = settings(training={"epochs": 1})
        losses.append(artifact.train(config, LOW_DENSITY, batches(), tmp_path / str(at_once), Silent()))
    assert np.isclose(losses[0][0].validation_loss, losses[1][0].validation_loss, rtol=1e-5)


@pytest.mark.parametrize("accumulate", ["exact", "trn_each"])
def test_trains_in_the_arithmetic_of_the_block(accumulate: str, tmp_path: Path) -> None:
    hardware = HardwareConfig(accumulate=accumulate, elinks=2)
    config = CONFIG.model_copy(update={"hardware": hardware, "decoder": DecoderConfig(hidden=(16,), use_sum=True)})
    artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    networks = artifact.load(config, LOW_DENSITY, tmp_path)
    model = artifact.freeze_run(config, LOW_DENSITY, networks, {})
    assert {type(layer.accumulate).__name__ for layer in model.layers} == {
        {"exact": "Exact", "trn_each": "TrnEach"}[accumulate]
    }
    assert model.pack.keep == (0b111000000,) * 16, "two links carry 50 bits: the three leading ones of 16 latents"
    images = np.random.default_rng(1).integers(0, 256, (2000, 8, 8, 1))
    assert artifact.compare_with_keras(model, networks.encoder, images) == 2000


def test_link_keeps_leading_bits() -> None:
    latents = np.arange(512, dtype=np.float32)[:, None].repeat(3, axis=1) / 256
    sent = np.asarray(link(FixedFormat.parse("u1.8"), [3, 9, 0])(latents)) * 256
    assert np.array_equal(sent[:, 0], np.arange(512) & 0b111000000)
    assert np.array_equal(sent[:, 1], np.arange(512))
    assert not sent[:, 2].any()


def test_rotations_are_views_of_the_same_events(tmp_path: Path) -> None:
    turned = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"rotations": True})})
    assert train(tmp_path / "turned", turned) != train(tmp_path / "plain")


def test_cosine_schedule_ends_where_it_should() -> None:
    config = TrainingConfig(epochs=11, learning_rate=1e-2, final_learning_rate=1e-4)
    rates = [fit.learning_rate(config, e) for e in range(11)]
    assert rates[0] == 1e-2
    assert np.isclose(rates[5], (1e-2 + 1e-4) / 2)
    assert np.isclose(rates[10], 1e-4)
    assert rates == sorted(rates, reverse=True)


def test_too_few_events_are_refused(tmp_path: Path) -> None:
    train_batch, validation = batches()
    with pytest.raises(DataError, match="expected at least one batch of 50"):
        artifact.train(CONFIG, LOW_DENSITY, (train_batch[:10], validation), tmp_path, Silent())
