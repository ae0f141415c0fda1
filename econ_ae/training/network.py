"""The QKeras encoder of a run configuration."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense

from econ_ae.config import EncoderConfig
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import WaferGeometry
from econ_ae.training.arithmetic import FlooredConv2D, FlooredDense
from econ_ae.training.quantizers import activation_quantizer, weight_quantizer


class ClipTo(keras.constraints.Constraint):
    """Keep float weights inside their format, where the quantizer's straight-through value is exact in float32."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, w: Any) -> Any:
        """Return the clipped weights."""
        return keras.backend.clip(w, self.low, self.high)

    def get_config(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"low": self.low, "high": self.high}


def _weights(fmt: FixedFormat) -> dict[str, Any]:
    scale = 2.0**-fmt.fraction
    limit = ClipTo(fmt.min * scale, fmt.max * scale)
    return {
        "kernel_quantizer": weight_quantizer(fmt),
        "bias_quantizer": weight_quantizer(fmt),
        "kernel_constraint": limit,
        "bias_constraint": limit,
    }


def build_encoder(config: EncoderConfig, geometry: WaferGeometry, seed: int, *, floored: bool = False) -> Any:
    """Return the QKeras encoder; with ``floored`` its layers compute in the chip's arithmetic.

    Input: float32 (n, rows, cols, channels), multiples of 2**-fraction of the input format. Output: float32
    (n, latents), multiples of 2**-fraction of the last activation. Initial weights depend on the seed alone.
    """
    x = image = keras.Input(geometry.arrangement(config.arrangement).shape, name="image")
    seeds = iter(np.random.SeedSequence([seed, 1]).generate_state(len(config.conv) + len(config.dense)).tolist())
    for i, conv in enumerate(config.conv):
        activation = FixedFormat.parse(conv.activation)
        kind = partial(FlooredConv2D, fraction=activation.fraction) if floored else QConv2D
        x = kind(
            conv.filters,
            conv.kernel,
            strides=conv.stride,
            padding=conv.padding,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            name=f"conv{i}",
            **_weights(FixedFormat.parse(conv.weight)),
        )(x)
        x = QActivation(activation_quantizer(activation), name=f"conv{i}_act")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for i, dense in enumerate(config.dense):
        activation = FixedFormat.parse(dense.activation)
        kind = partial(FlooredDense, fraction=activation.fraction) if floored else QDense
        x = kind(
            dense.units,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            name=f"dense{i}",
            **_weights(FixedFormat.parse(dense.weight)),
        )(x)
        x = QActivation(activation_quantizer(activation), name=f"dense{i}_act")(x)
    return keras.Model(image, x, name="encoder")
