"""Accumulation of floored products is exact on every integer width that it may choose."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.emulator import layers
from econ_ae.fixedpoint import FixedFormat, Rounding
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import Conv2D, EncoderModel, Input, Normalise, Pack, Requantise, TrnEach

SHAPE = (6, 5, 2)


@pytest.mark.parametrize(
    ("pixel", "weight", "shift"),
    [("u1.7", "s0.5", 5), ("u3.12", "s0.5", 1), ("u4.12", "s1.14", 9), ("u8.16", "s2.20", 3), ("u2.2", "s0.1", 2)],
)
def test_floored_products(pixel, weight, shift):
    rng = np.random.default_rng(shift)
    x_format, w_format = FixedFormat.parse(pixel), FixedFormat.parse(weight)
    fraction = x_format.fraction + w_format.fraction - shift
    kernel = rng.integers(w_format.min, w_format.max + 1, (3, 2, 2, 4))
    kernel[..., 0], kernel[..., 1] = w_format.min, w_format.max
    bias = rng.integers(w_format.min, w_format.max + 1, 4)
    bias_format = FixedFormat(True, w_format.width, min(fraction, w_format.fraction))
    conv = Conv2D("conv", kernel, bias, w_format, bias_format, (2, 1), ((1, 1), (0, 1)), TrnEach(fraction))
    out = FixedFormat(True, 60, fraction)
    model = EncoderModel(
        "m",
        Input(60, FixedFormat(False, 22, 0), Arrangement("a", *SHAPE, tuple(range(60)))),
        (Normalise(x_format), conv, Requantise("r", False, out, Rounding.TRN), Pack((0,) * 60, 1)),
    )
    images = rng.integers(0, x_format.max + 1, (40, *SHAPE))
    images[0], images[1] = x_format.max, 0
    trace: dict[str, np.ndarray] = {}
    emulator.encode_images(model, images, trace)
    padded = np.pad(images, ((0, 0), (1, 1), (0, 1), (0, 0)))
    for event in range(len(images)):
        for r in range(3):
            for c in range(5):
                for f in range(4):
                    total = int(bias[f]) << fraction - bias_format.fraction
                    for i in range(3):
                        for j in range(2):
                            for k in range(2):
                                total += int(padded[event, 2 * r + i, c + j, k]) * int(kernel[i, j, k, f]) >> shift
                    assert trace["conv"][event, r, c, f] == total


def test_no_events():
    assert layers._dot_floored(np.zeros((0, 9), np.int64), np.ones((9, 8), np.int64), 5).shape == (0, 8)
