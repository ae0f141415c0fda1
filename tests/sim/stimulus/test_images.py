"""The stimulus: corners that are there, weights at their extremes, a campaign that survives its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import DataError
from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import default_options
from sim.bench.vectors import load, save, vectors
from sim.stimulus.golden import expected_latents, live_pixels
from sim.stimulus.images import campaign, corner_images, random_images
from sim.stimulus.phases import CORNER, RANDOM, REAL
from sim.stimulus.settings import weight_sets


def test_corners(econ_t_model: EncoderModel) -> None:
    images = corner_images(econ_t_model).reshape(-1, 64)
    live = live_pixels(econ_t_model).reshape(-1)
    rows = {tuple(row) for row in images}
    assert len(rows) == len(images) == 1 + 1 + 2 + 48 + 48 + 1
    single = {tuple(row) for row in np.eye(64, dtype=np.int64)[live]}
    assert rows >= single
    assert rows >= {tuple(255 * np.array(row)) for row in single}
    assert rows >= {(0,) * 64, (255,) * 64, (255, 0) * 32, (0, 255) * 32, tuple(255 * ~live)}


def test_empty_pixels_are_expected_to_read_as_zero(econ_t_model: EncoderModel) -> None:
    noise = np.where(live_pixels(econ_t_model), 0, 255)[None]
    zero = np.zeros_like(noise)
    assert np.array_equal(expected_latents(econ_t_model, noise), expected_latents(econ_t_model, zero))


def test_weight_sets_reach_the_ends_of_the_format(econ_t_model: EncoderModel) -> None:
    sets = weight_sets(econ_t_model, 1)
    assert sets["real"] is econ_t_model
    for low, high, name in (
        (31, 31, "all_max"),
        (-32, -32, "all_min"),
        (-32, 31, "alternating"),
        (-32, 31, "random_0"),
    ):
        kernels = [op.kernel for op in sets[name].layers]
        assert (min(k.min() for k in kernels), max(k.max() for k in kernels)) == (low, high), name


def test_sparse_weights_keep_latents_inside_their_format(econ_t_model: EncoderModel) -> None:
    """A saturated latent hides an error: each must be away from both ends somewhere."""
    images = random_images(econ_t_model, 100, 2)
    sets = [m for name, m in weight_sets(econ_t_model, 1).items() if name.startswith("sparse")]
    latents = np.concatenate([expected_latents(m, images) for m in sets])
    assert ((latents > 0) & (latents < econ_t_model.latent.max)).any(axis=0).all()


def test_campaign_survives_its_file(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    made = campaign(econ_t_model, random_images(econ_t_model, 1200, 5), 40, 1)
    assert (made.events(CORNER), made.events(RANDOM), made.events(REAL)) == (12 * 101, 40, 1200)
    assert max(len(phase.events) for phase in made.phases) <= 500
    assert any(phase.gaps for phase in made.phases)
    assert list(made.models()) == list(weight_sets(econ_t_model, 1))
    written = list(vectors(econ_t_model, default_options(econ_t_model), made.phases))
    save(written, tmp_path / "vectors.npz")
    read = load(tmp_path / "vectors.npz")
    for ours, theirs, phase in zip(written, read, made.phases, strict=True):
        assert (theirs.kind, theirs.settings, theirs.gaps) == (phase.kind, phase.settings.name, phase.gaps)
        assert ours.configuration == theirs.configuration
        assert theirs.events == len(phase.events)
        assert np.array_equal(theirs.inputs["image"], phase.events.reshape(-1, 64))  # pixels of 8 bits
        assert np.array_equal(ours.outputs["latents"], theirs.outputs["latents"])


def test_images_that_do_not_fit_are_refused(econ_t_model: EncoderModel) -> None:
    with pytest.raises(DataError, match=r"images must be 0\.\.255, got 0\.\.256"):
        campaign(econ_t_model, np.eye(64, dtype=np.int64).reshape(-1, 8, 8, 1) * 256, 0, 1)
    with pytest.raises(DataError, match="shape"):
        campaign(econ_t_model, np.zeros((1, 64), np.int64), 0, 1)
