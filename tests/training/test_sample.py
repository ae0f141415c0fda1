"""What a decoder may know of the module sum: its size, and what the normaliser leaves of it."""

from __future__ import annotations

import numpy as np

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import mid_bin
from econ_ae.emulator import input_images
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.sample import sum_features


def test_the_scale_is_the_sum_of_the_image() -> None:
    model = skeleton(RunConfig(), LOW_DENSITY)
    charges = np.zeros((400, 48), np.int64)
    charges[:, 5] = np.unique(np.geomspace(1, 2**21, 500).astype(int))[:400]
    total = mid_bin(sum_code(charges), SUM_EXPONENT, SUM_MANTISSA)
    image = input_images(model.input, model.normalise, charges).sum(axis=(1, 2, 3)) / 128
    assert np.abs(1 + sum_features(total)[:, 1] - image).max() <= 1 / 32 + 1 / 128, "half a step of the sum's code"


def test_edges_of_the_scale() -> None:
    found = sum_features(np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 2.0**20, 2.0**20 - 1]))
    assert np.allclose(found[:, 1], [0, 0, 0, 0.5, 0, 0.5, 0, 0, 1], atol=1e-5)
    assert np.allclose(found[:, 0], np.log2([1, 1.5, 2, 2.5, 3, 4, 5, 2.0**20 + 1, 2.0**20]) / 28)
