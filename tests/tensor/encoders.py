"""An encoder of the chip with random weights, and images of every kind: for what computes them without its emulator."""

from __future__ import annotations

import numpy as np

from econ_ae.econt.autoencoder import template
from econ_ae.fixedpoint import IntArray
from econ_ae.ir.model import EncoderModel


def chip(seed: int = 1) -> EncoderModel:
    """Return the chip's encoder with random weights."""
    rng = np.random.default_rng(seed)
    weights = {
        op.name: (rng.integers(-32, 32, op.kernel.shape), rng.integers(-32, 32, op.bias.shape))
        for op in template().layers
    }
    return template().with_weights(weights)


def images(model: EncoderModel, count: int, seed: int = 0) -> IntArray:
    """Return images: random ones, all of the largest value, all 0, and one pixel."""
    rng, most = np.random.default_rng(seed), model.normalise.out.max
    out = rng.integers(0, most + 1, (count, *model.input.arrangement.shape))
    out[0], out[1], out[2] = 0, most, 0
    out[2].flat[0] = most
    has_cell = np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape) >= 0
    return np.where(has_cell, out, 0)
