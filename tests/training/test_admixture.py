"""Generated images among those of the data, and outputs that do not start at zero."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.config import AdmixtureConfig, DenseConfig, EncoderConfig, RunConfig, SyntheticConfig, TrainingConfig
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training import artifact
from econ_ae.training.sample import Sample
from econ_ae.training.source import InMemory, Mixed
from tests.training.small import train


def sample(events: int, offset: float) -> Sample:
    numbers = np.arange(events, dtype=np.float32) + np.float32(offset)
    return Sample(numbers[:, None, None, None], numbers[:, None], numbers[:, None])


def test_every_batch_has_its_share_and_every_event_comes_once() -> None:
    source = Mixed(InMemory([sample(60, 0)], 5), sample(1000, 100), 0.4, 5)
    epoch = list(source.batches(2, 20))
    assert len(source) == 60
    assert [len(images) for images, _, _ in epoch] == [20] * 5
    for images, sums, fractions in epoch:
        assert (images.ravel() >= 100).sum() == 8
        np.testing.assert_array_equal(images.ravel(), sums.ravel())
        np.testing.assert_array_equal(images.ravel(), fractions.ravel())
    own = np.concatenate([images.ravel() for images, _, _ in epoch])
    np.testing.assert_array_equal(np.sort(own[own < 100]), np.arange(60))
    again = np.concatenate([images.ravel() for images, _, _ in source.batches(2, 20)])
    other = np.concatenate([images.ravel() for images, _, _ in source.batches(3, 20)])
    np.testing.assert_array_equal(own, again)
    assert set(own[own >= 100]) != set(other[other >= 100])


def test_admixture_and_its_images_change_what_is_trained(tmp_path: Path) -> None:
    def trained(name: str, admixture: AdmixtureConfig | None) -> str:
        config = RunConfig(training=TrainingConfig(epochs=2, batch=50, admixture=admixture))
        return train(tmp_path / name, config)

    mixed = AdmixtureConfig(share=0.5, events=300)
    low = AdmixtureConfig(share=0.5, events=300, synthetic=SyntheticConfig(pileup=20))
    hashes = [trained("none", None), trained("mixed", mixed), trained("again", mixed), trained("low", low)]
    assert hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


def test_biases_start_where_they_are_told() -> None:
    config = RunConfig(encoder=EncoderConfig(dense=(DenseConfig(initial_bias=0.75),)))
    encoder = artifact.build(config, LOW_DENSITY).encoder
    np.testing.assert_array_equal(encoder.get_layer("dense0").bias.numpy(), np.full(16, 0.75, np.float32))
    images = np.zeros((1, 8, 8, 1), np.float32)
    np.testing.assert_array_equal(encoder.predict(images, verbose=0), np.full((1, 16), 0.75))
