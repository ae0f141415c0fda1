"""A small encoder, and what the tests of costs need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Input, Normalise, Pack, Requantise
from tests.required import needs

Command = Callable[..., tuple[int, str, str]]

needs_yosys = needs("yosys")


def small_model(latents: int = 2) -> EncoderModel:
    """A 4x4 image of the module's first cells, one convolution, one dense layer."""
    rng = np.random.default_rng(11)
    weight, filters = FixedFormat.parse("s0.3"), 2

    def values(*shape: int) -> Any:
        return rng.integers(weight.min, weight.max, shape, np.int64, endpoint=True)

    ops = (
        Normalise(FixedFormat.parse("u1.4")),
        Conv2D("conv", values(2, 2, 1, filters), values(filters), weight, weight, (2, 2), ((0, 0), (0, 0))),
        Requantise("conv_relu", True, FixedFormat.parse("u1.4")),
        Dense("dense", values(4 * filters, latents), values(latents), weight, weight),
        Requantise("dense_relu", True, FixedFormat.parse("u1.4")),
        Pack((31,) * latents, 2),
    )
    charge = FixedFormat(signed=False, width=22, fraction=0)
    return EncoderModel("small", Input(48, charge, Arrangement("small", 4, 4, 1, tuple(range(16)))), ops)
