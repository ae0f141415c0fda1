"""The QKeras encoder of a run configuration."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense

from econ_ae.config import EncoderConfig
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import WaferGeometry
from econ_ae.training.arithmetic import FlooredConv2D, FlooredDense
from econ_ae.training.quantizers import activation_quantizer, weight_quantizer


class ClipTo(keras.constraints.Constraint):
    """Keep float values inside their format, where the quantizer's straight-through value is exact in float32."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, w: Any) -> Any:
        """Return the clipped values."""
        return keras.backend.clip(w, self.low, self.high)

    def get_config(self) -> dict[str, float]:
        """Return the constructor's arguments."""
        return {"low": self.low, "high": self.high}


def _range_of(fmt: FixedFormat) -> ClipTo:
    scale = 2.0**-fmt.fraction
    return ClipTo(fmt.min * scale, fmt.max * scale)


def _weights(fmt: FixedFormat) -> dict[str, Any]:
    limit = _range_of(fmt)
    return {
        "kernel_quantizer": weight_quantizer(fmt),
        "bias_quantizer": weight_quantizer(fmt),
        "kernel_constraint": limit,
        "bias_constraint": limit,
    }


Precision = Literal["quantised", "latents", "float"]
"""What a network computes in fixed-point formats: everything, only its output, or nothing."""


def build_encoder(
    config: EncoderConfig,
    geometry: WaferGeometry,
    seed: int,
    *,
    floored: bool = False,
    precision: Precision = "quantised",
) -> Any:
    """Return the QKeras encoder; with ``floored`` its layers compute in the chip's arithmetic.

    Input: float32 (n, rows, cols, channels), multiples of 2**-fraction of the input format. Output: float32
    (n, latents), multiples of 2**-fraction of the last activation. Initial weights depend on the seed alone.

    A float network has the same weights by name and shape; it keeps the ranges of the formats, not their steps, and
    ``floored`` does not concern it.
    """
    layer = _quantised_layer if precision == "quantised" else _float_layer
    x = image = keras.Input(geometry.arrangement(config.arrangement).shape, name="image")
    seeds = iter(np.random.SeedSequence([seed, 1]).generate_state(len(config.conv) + len(config.dense)).tolist())
    for i, conv in enumerate(config.conv):
        activation = FixedFormat.parse(conv.activation)
        x = layer(
            True,
            (conv.filters, conv.kernel),
            FixedFormat.parse(conv.weight),
            activation.fraction if floored else None,
            strides=conv.stride,
            padding=conv.padding,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            name=f"conv{i}",
        )(x)
        x = _activation(activation, precision == "quantised", f"conv{i}_act")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for i, dense in enumerate(config.dense):
        activation = FixedFormat.parse(dense.activation)
        x = layer(
            False,
            (dense.units,),
            FixedFormat.parse(dense.weight),
            activation.fraction if floored else None,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            bias_initializer=keras.initializers.Constant(dense.initial_bias),
            name=f"dense{i}",
        )(x)
        last = i == len(config.dense) - 1
        x = _activation(activation, precision == "quantised" or (last and precision == "latents"), f"dense{i}_act")(x)
    return keras.Model(image, x, name="encoder")


def _quantised_layer(conv: bool, size: tuple[int, ...], weight: FixedFormat, floor_to: int | None, **rest: Any) -> Any:
    if floor_to is None:
        return (QConv2D if conv else QDense)(*size, **rest, **_weights(weight))
    return (FlooredConv2D if conv else FlooredDense)(*size, fraction=floor_to, **rest, **_weights(weight))


def _float_layer(conv: bool, size: tuple[int, ...], weight: FixedFormat, floor_to: int | None, **rest: Any) -> Any:
    del floor_to
    limit = _range_of(weight)
    kind = keras.layers.Conv2D if conv else keras.layers.Dense
    return kind(*size, kernel_constraint=limit, bias_constraint=limit, **rest)


def _activation(fmt: FixedFormat, quantised: bool, name: str) -> Any:
    if quantised:
        return QActivation(activation_quantizer(fmt), name=name)
    limit = _range_of(fmt)
    return keras.layers.Lambda(limit, name=name)
