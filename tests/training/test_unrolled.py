"""The unrolled decoder: every step corrects the image by what the encoder would have sent of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from econ_ae.training.unrolled import Unrolled

RECEIVED = np.random.default_rng(1).random((6, 19)).astype(np.float32)


def layer(widths: list[int], scale: int | None = None) -> Any:
    return Unrolled(widths, 16, 48, scale=scale, bias=-1.5, seed=3)


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("column", [None, 17])
def test_two_steps_by_hand(column: int | None) -> None:
    two = layer([7, 5], column)
    found = np.asarray(two(RECEIVED))
    imitation, imitation_bias, first, *steps = (np.asarray(w, np.float64) for w in two.get_weights())
    scale = 1.4 if column is None else 1.0 + RECEIVED[:, column, None]
    values, hidden = np.tile(first, (6, 1)), np.zeros((6, 0))
    for kernel, bias, out in (steps[:3], steps[3:]):
        image = softmax(values)
        difference = RECEIVED[:, :16] - np.maximum(scale * (image @ imitation) + imitation_bias, 0)
        seen = np.concatenate([RECEIVED, 2 * difference, 4 * image, hidden], axis=1)
        hidden = np.maximum(seen @ kernel + bias, 0)
        values = values + hidden @ out
    assert np.allclose(found, values, atol=1e-5)
    assert np.allclose(first, -1.5)


def test_steps_change_the_image_and_the_seed_the_weights() -> None:
    one, two = layer([7]), layer([7, 5])
    first, second = np.asarray(one(RECEIVED)), np.asarray(two(RECEIVED))
    assert np.array_equal(one.get_weights()[0], two.get_weights()[0])
    assert not np.allclose(first, second, atol=1e-3)
    other = Unrolled([7], 16, 48, scale=None, bias=-1.5, seed=4)
    other(RECEIVED)
    assert not np.allclose(one.get_weights()[0], other.get_weights()[0])
