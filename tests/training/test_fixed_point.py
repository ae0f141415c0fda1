"""Kernels that are not square, outputs that are rounded down or wrap: the network is the integer model to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from econ_ae.config import RunConfig, parse
from econ_ae.emulator import encode_images
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import Overflow, Rounding
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.artifact import freeze_run
from econ_ae.training.learned_widths import LearnedEncoder
from econ_ae.training.networks import build
from econ_ae.training.quantizers import FixedPoint


def settings(first: tuple[str, str], last: tuple[str, str]) -> RunConfig:
    conv: dict[str, Any] = {"filters": 3, "kernel": (2, 3), "stride": (2, 1), "padding": "same", "activation": "u1.4"}
    dense = {"units": 5, "weight": "s-1.5", "bias": "s-2.6", "activation": "s0.4"}
    conv |= dict(zip(("rounding", "overflow"), first, strict=True))
    dense |= dict(zip(("rounding", "overflow"), last, strict=True))
    encoder = {"arrangement": "4x4x3", "conv": [conv], "dense": [dense]}
    return parse({"encoder": encoder}, "test")


@pytest.mark.parametrize("first", [("trn", "sat"), ("trn", "wrap"), ("rnd_conv", "wrap")])
@pytest.mark.parametrize("last", [("trn", "wrap"), ("rnd_conv", "sat")])
def test_rounding_and_overflow(first: tuple[str, str], last: tuple[str, str]) -> None:
    config = settings(first, last)
    networks = build(config, LOW_DENSITY)
    rng = np.random.default_rng(3)
    for weight in networks.encoder.weights:
        weight.assign(rng.uniform(-0.9, 0.9, weight.shape))
    model = freeze_run(config, LOW_DENSITY, networks, {})
    found = [(str(stage.requantise.rounding), str(stage.requantise.overflow)) for stage in model.stages]
    assert found == [first, last]
    assert model.stages[0].layer.kernel.shape == (2, 3, 3, 3)
    assert model.stages[0].out_shape == (2, 4, 3)
    images = rng.integers(0, 256, (500, 4, 4, 3))
    ours = encode_images(model, images) * 2.0**-model.latent.fraction
    theirs = networks.encoder.predict((images / 128).astype(np.float32), verbose=0)
    assert np.array_equal(ours, theirs)
    assert len(np.unique(ours)) > 15


def test_gradients_are_those_of_clipping() -> None:
    x = tf.constant([-3.0, -0.3, 0.3, 3.0])
    one = FixedPoint("s0.3", "trn", "wrap")
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = one(x)
    assert y.numpy().tolist() == [-1.0, -0.375, 0.25, -1.0]
    assert tape.gradient(y, x).numpy().tolist() == [0.0, 1.0, 1.0, 0.0]
    again = FixedPoint.from_config(one.get_config())
    assert (again.rounding, again.overflow, again.fmt) == (Rounding.TRN, Overflow.WRAP, one.fmt)


def test_learned_widths_have_one_rounding() -> None:
    with pytest.raises(ConfigError, match="conv0 has rounding or overflow of its own"):
        LearnedEncoder(settings(("trn", "sat"), ("rnd_conv", "sat")), LOW_DENSITY)
