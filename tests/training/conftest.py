"""Keras models of several shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import econ_ae.training  # noqa: F401  before the test modules import QKeras
from econ_ae.config import ConvConfig, DenseConfig, EncoderConfig
from econ_ae.geometry import LOW_DENSITY, Arrangement, WaferGeometry

_HALF = Arrangement("6x4x2", 6, 4, 2, tuple(range(48)))

GEOMETRY: WaferGeometry = replace(LOW_DENSITY, arrangements={**LOW_DENSITY.arrangements, _HALF.name: _HALF})

SHAPES = {
    "econ-t": EncoderConfig(),
    "paper-4x4x3": EncoderConfig(arrangement="4x4x3", conv=(ConvConfig(stride=1),)),
    "two convolutions, signed latents": EncoderConfig(
        arrangement="6x4x2",
        input="u1.5",
        conv=(
            ConvConfig(filters=5, kernel=3, stride=1, padding="same", weight="s1.3", activation="u3.4"),
            ConvConfig(filters=3, kernel=2, stride=2, padding="valid", weight="s0.4", activation="s3.2"),
        ),
        dense=(DenseConfig(units=7, weight="s0.7", activation="s2.5"),),
    ),
    "dense only, narrow": EncoderConfig(
        input="u1.3",
        conv=(),
        dense=(
            DenseConfig(units=24, weight="s0.2", activation="u2.1"),
            DenseConfig(units=10, weight="s2.2", activation="u0.3"),
        ),
    ),
}


def randomise(model: Any, seed: int) -> None:
    """Give every weight a random float value that also exercises saturation and ties of the weight quantizer."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        values = rng.normal(0, 0.5, variable.shape)
        ties = rng.random(variable.shape) < 0.2
        values = np.where(ties, np.round(values * 64) / 64, values)
        limit = variable.constraint
        variable.assign(np.clip(values, limit.low, limit.high).astype(np.float32))


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> EncoderConfig:
    return SHAPES[request.param]
