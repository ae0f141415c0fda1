"""Pruned networks: as sparse or as small as asked, resumed to the same bits, equal to their integer model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.model_card import model_card
from econ_ae.config import PruneConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training import artifact
from econ_ae.training.magnitude_pruning import WeightMasks, final_epoch
from econ_ae.training.network import build_encoder
from econ_ae.training.structured_pruning import cut, most_important
from tests.training.conftest import randomise
from tests.training.small import settings, trains_and_resumes

IMAGES = np.random.default_rng(1).integers(0, 256, (1000, 8, 8, 1))


def test_magnitude_pruning(tmp_path: Path) -> None:
    config = settings(training={"epochs": 5, "average": 0.8, "prune": {"weights": 0.5, "start": 0.0, "end": 0.6}})
    networks, model = trains_and_resumes(config, tmp_path)
    for layer, row in zip(model.layers, model_card(model)["layers"], strict=True):
        zeros = int((layer.kernel == 0).sum())
        assert zeros >= 0.5 * layer.kernel.size
        assert row["weights that are 0"] == zeros
    kernel = networks.encoder.get_layer("dense0").kernel.numpy()
    assert 0.5 <= (kernel == 0).mean() < 0.6, "half of the float weights are exactly 0, the others are not"
    assert artifact.compare_with_keras(model, networks.encoder, IMAGES) == len(IMAGES)


def test_masks_take_the_smallest_weights_and_never_give_one_back() -> None:
    config = PruneConfig(weights=0.75, start=0.25, end=0.75)
    encoder = build_encoder(settings().encoder, LOW_DENSITY, seed=1)
    randomise(encoder, seed=3)
    kernel = encoder.get_layer("dense0").kernel
    before = kernel.numpy().copy()
    masks = WeightMasks(encoder, config, epochs=16)
    assert (final_epoch(config, 16), masks.share(4), masks.share(12)) == (12, 0.0, 0.75)
    assert np.isclose(masks.share(8), 0.75 * (1 - 0.5**3))
    kept = np.ones(before.shape, np.float32)
    for epoch in range(16):
        masks.tighten(epoch)
        assert (masks.masks[1].numpy() <= kept).all()
        kept = masks.masks[1].numpy()
        kernel.assign_add(np.full(kernel.shape, 0.001, np.float32))  # what a step may do
        masks.apply()
        assert (kernel.numpy()[kept == 0] == 0).all()
    assert 0.75 <= 1 - kept.mean() < 0.751
    assert np.abs(before[kept == 0]).max() <= np.abs(before[kept == 1]).min() + 2 * 16 * 0.001


def test_structured_pruning(tmp_path: Path) -> None:
    config = settings(
        training={"epochs": 4, "prune": {"filters": 6, "latents": 12}},
        hardware={"elinks": 2},
        decoder={"use_sum": True},
    )
    networks, model = trains_and_resumes(config, tmp_path)
    assert [layer.kernel.shape for layer in model.layers] == [(3, 3, 1, 6), (16 * 6, 12)]
    assert [mask.bit_count() for mask in model.pack.keep] == [4] * 12, "fewer outputs, more bits of each"
    assert model.pack == skeleton(config, LOW_DENSITY).pack
    assert artifact.compare_with_keras(model, networks.encoder, IMAGES) == len(IMAGES)


def test_removing_what_does_nothing_changes_nothing() -> None:
    config = settings(decoder={"use_sum": True})
    pruned = settings(decoder={"use_sum": True}, training={"prune": {"filters": 6, "latents": 12}})
    whole, small = artifact.build(config, LOW_DENSITY), artifact.build(pruned, LOW_DENSITY)
    randomise(whole.encoder, seed=5)
    conv, dense = whole.encoder.get_layer("conv0"), whole.encoder.get_layer("dense0")
    first = whole.decoder.get_layer("decoder0")
    kernel = dense.kernel.numpy().reshape(16, 8, 16)
    kernel[:, [1, 6]] = 0  # nothing reads filters 1 and 6
    into = first.kernel.numpy()
    into[[0, 3, 9, 15]] = 0  # nor outputs 0, 3, 9 and 15
    dense.kernel.assign(kernel.reshape(128, 16))
    first.kernel.assign(into)
    cut(whole.encoder, whole.decoder, small.encoder, small.decoder)
    assert np.array_equal(small.encoder.get_layer("conv0").kernel, np.delete(conv.kernel.numpy(), [1, 6], axis=3))
    images = (IMAGES / 128).astype(np.float32)
    latents = whole.encoder.predict(images, verbose=0)
    left = np.delete(latents, [0, 3, 9, 15], axis=1)
    assert np.array_equal(small.encoder.predict(images, verbose=0), left)
    sums = np.random.default_rng(2).random((len(images), 1)).astype(np.float32)
    one = whole.decoder.predict(np.concatenate([latents, sums], axis=1), verbose=0)
    other = small.decoder.predict(np.concatenate([left, sums], axis=1), verbose=0)
    assert np.allclose(one, other, atol=1e-6)


def test_importance_is_what_passes_through() -> None:
    into = np.array([[1.0, 0.1, 5.0, 2.0]], np.float32)
    out = np.array([[1.0], [100.0], [0.01], [1.0]], np.float32)
    assert most_important(into, out, 2).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("prune", "message"),
    [
        ({"filters": 8}, r"training\.prune\.filters = 8 is what is left of 8; expected fewer"),
        ({"latents": 20}, r"training\.prune\.latents = 20 is what is left of 16"),
        ({"weights": 0.5, "start": 0.7}, r"training\.prune\.start = 0\.7 must be below"),
    ],
)
def test_impossible_pruning_is_refused(prune: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        skeleton(settings(training={"prune": prune}), LOW_DENSITY)
