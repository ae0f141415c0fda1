"""The QKeras encoder of a run configuration."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense

from econ_ae.config import EncoderConfig
from econ_ae.config.skeleton import EmptyLayer, empty_layers
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.model import Conv2D, Dense, Requantise, same_padding
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
    arrangement = geometry.arrangement(config.arrangement)
    layers = empty_layers(config, arrangement)
    seeds = np.random.SeedSequence([seed, 1]).generate_state(len(layers)).tolist()
    x = image = keras.Input(arrangement.shape, name="image")
    flat = False
    for layer, layer_seed in zip(layers, seeds, strict=True):
        if isinstance(layer.sums, Dense) and not flat:
            x, flat = keras.layers.Flatten(name="flatten")(x), True
        same = True
        if isinstance(layer.sums, Conv2D):
            same = layer.sums.padding == _same(layer.sums, x.shape[1:3])
            if not same and any(map(any, layer.sums.padding)):
                x = keras.layers.ZeroPadding2D(layer.sums.padding, name=f"{layer.sums.name}_pad")(x)
        x = _sums(layer, layer_seed, same=same, floored=floored, quantised=precision == "quantised")(x)
        quantised = precision == "quantised" or (precision == "latents" and layer is layers[-1])
        x = _activation(layer.activation, quantised=quantised)(x)
    return keras.Model(image, x, name="encoder")


_KINDS = {Conv2D: (keras.layers.Conv2D, QConv2D, FlooredConv2D), Dense: (keras.layers.Dense, QDense, FlooredDense)}
"""Float, quantised and floored Keras layers of an operation."""


def _same(op: Conv2D, size: Any) -> tuple[tuple[int, int], ...]:
    """Return the zeros that TensorFlow's 'same' padding adds."""
    return tuple(same_padding(n, k, s) for n, k, s in zip(size, op.kernel.shape[:2], op.stride, strict=True))


def _sums(layer: EmptyLayer, seed: int, *, same: bool, floored: bool, quantised: bool) -> Any:
    op = layer.sums
    settings: dict[str, Any] = {
        "name": op.name,
        "kernel_initializer": keras.initializers.HeNormal(seed=seed),
        "bias_initializer": keras.initializers.Constant(layer.initial_bias),
        "kernel_constraint": _range_of(op.weight),
        "bias_constraint": _range_of(op.bias_format),
    }
    size: tuple[Any, ...] = (op.kernel.shape[-1],)
    if isinstance(op, Conv2D):
        size = (*size, op.kernel.shape[:2])
        settings |= {"strides": op.stride, "padding": "same" if same else "valid"}
    plain, fixed, in_chip_arithmetic = _KINDS[type(op)]
    if not quantised:
        return plain(*size, **settings)
    settings |= {"kernel_quantizer": weight_quantizer(op.weight), "bias_quantizer": weight_quantizer(op.bias_format)}
    if floored:
        return in_chip_arithmetic(*size, fraction=layer.activation.out.fraction, **settings)
    return fixed(*size, **settings)


def _activation(op: Requantise, *, quantised: bool) -> Any:
    if quantised:
        return QActivation(activation_quantizer(op.out, op.rounding, op.overflow), name=op.name)
    return keras.layers.Lambda(_range_of(op.out), name=op.name)
