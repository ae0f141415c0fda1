"""QKeras layers to the integer IR, by a registry keyed on the layer type.

The frozen model computes exactly what ``encoder.predict`` computes. That needs quantizers without data-dependent
scales, and sums that float32 holds exactly; anything else is refused with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tf_keras as keras
from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray, Overflow, Rounding, floor_to
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import (
    CHARGE,
    Accumulate,
    Conv2D,
    Dense,
    EncoderModel,
    Exact,
    Input,
    Normalise,
    Op,
    Pack,
    Requantise,
    TrnEach,
    same_padding,
)
from econ_ae.ir.validate import check, check_float32, leading_mask, least_elinks
from econ_ae.training.arithmetic import FlooredConv2D, FlooredDense
from econ_ae.training.quantizers import FixedPoint

WeightRule = Literal["nearest", "floor"]
"""How float weights become integers."""


@dataclass
class _State:
    shape: tuple[int, ...]
    ops: list[Op]
    rule: WeightRule
    zeros: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


def freeze(
    encoder: Any,
    arrangement: Arrangement,
    input_format: FixedFormat,
    *,
    name: str = "encoder",
    cells: int = 48,
    pack: Pack | None = None,
    weights: WeightRule = "nearest",
    provenance: dict[str, str] | None = None,
) -> EncoderModel:
    """Return the integer model of a QKeras encoder.

    Parameters
    ----------
    encoder : Keras model of QConv2D, QDense (or their floored forms of ``training.arithmetic``), QActivation, Flatten,
        Dropout and InputLayer in a chain
    arrangement : which trigger cell is at which pixel of its input
    input_format : format of the input pixels, the normaliser's output
    pack : which bits are sent on how many eLinks; by default all bits, on as few eLinks as hold them
    weights : ``nearest`` takes what the quantizers give, and the model then equals ``encoder.predict``; ``floor`` takes
        clip(floor(2**fraction v)) of the float weights, which is how the published ECON-T registers were made (spec 7)

    Raises
    ------
    ModelError
        When a layer or a quantizer has no exact integer form, or when float32 sums could round.
    """
    state = _State(arrangement.shape, [Normalise(input_format)], weights)
    for layer in encoder.layers:
        _handler(layer)(layer, state)
    if not isinstance(state.ops[-1], Requantise):
        raise ModelError(f"{encoder.name}: the last layer must be a quantized activation, not {state.ops[-1].name}")
    latents = math.prod(state.shape)
    latent = state.ops[-1].out
    if pack is None:
        pack = Pack((leading_mask(latent.width, latent.width),) * latents, least_elinks(latents * latent.width))
    state.ops.append(pack)
    return check_float32(
        check(EncoderModel(name, Input(cells, CHARGE, arrangement), tuple(state.ops), provenance or {}))
    )


def _handler(layer: Any) -> Callable[[Any, _State], None]:
    if (handler := _HANDLERS.get(type(layer))) is not None:
        return handler
    raise ModelError(
        f"layer {layer.name!r} of type {type(layer).__name__} has no integer form; expected one of "
        + ", ".join(kind.__name__ for kind in _HANDLERS)
    )


def _nothing(layer: Any, state: _State) -> None:
    """Layers that change no value at inference; flattening is implied by a dense layer."""
    del layer, state


def _conv(layer: QConv2D, state: _State) -> None:
    if tuple(layer.dilation_rate) != (1, 1) or layer.groups != 1 or layer.data_format != "channels_last":
        raise ModelError(f"{layer.name}: only undilated, ungrouped channels-last convolutions have an integer form")
    rows, cols = layer.kernel_size
    pads = [(0, 0), (0, 0)]
    if layer.padding == "same":
        pads = [same_padding(n, k, s) for n, k, s in zip(state.shape, (rows, cols), layer.strides, strict=False)]
    kernel, bias, weight, bias_format = _weights(layer, state.rule)
    if layer.padding == "valid":
        pads, state.zeros = list(state.zeros), ((0, 0), (0, 0))
    op = Conv2D(layer.name, kernel, bias, weight, bias_format, tuple(layer.strides), (pads[0], pads[1]), _rule(layer))
    state.shape = op.output_shape(state.shape)
    state.ops.append(op)
    _fused_activation(layer, state)


def _zeros(layer: Any, state: _State) -> None:
    """Zeros around an image: the convolution that follows has them as its padding, and none of its own."""
    (top, bottom), (left, right) = layer.padding
    state.zeros = ((top, bottom), (left, right))


def _dense(layer: QDense, state: _State) -> None:
    kernel, bias, weight, bias_format = _weights(layer, state.rule)
    op = Dense(layer.name, kernel, bias, weight, bias_format, _rule(layer))
    state.shape = op.output_shape(state.shape)
    state.ops.append(op)
    _fused_activation(layer, state)


def _rule(layer: Any) -> Accumulate:
    fraction = getattr(layer, "fraction", None)
    return Exact() if fraction is None else TrnEach(fraction)


def _fused_activation(layer: Any, state: _State) -> None:
    if layer.activation is not None and getattr(layer.activation, "__name__", "") != "linear":
        state.ops.append(_requantise(f"{layer.name}_act", layer.activation))


def _activation(layer: QActivation, state: _State) -> None:
    op = _requantise(layer.name, layer.quantizer)
    previous = state.ops[-1]
    if isinstance(previous, Normalise):
        if op.out != previous.out:
            raise ModelError(f"{layer.name}: quantizes the input to {op.out}, but the normaliser gives {previous.out}")
        return
    if isinstance(previous, Requantise):
        raise ModelError(f"{layer.name}: two activations after each other ({previous.name} before it); use one")
    state.ops.append(op)


_HANDLERS: dict[type, Callable[[Any, _State], None]] = {
    keras.layers.InputLayer: _nothing,
    keras.layers.Flatten: _nothing,
    keras.layers.Dropout: _nothing,
    keras.layers.ZeroPadding2D: _zeros,
    QConv2D: _conv,
    QDense: _dense,
    FlooredConv2D: _conv,
    FlooredDense: _dense,
    QActivation: _activation,
}


def quantizer_format(where: str, quantizer: Any) -> tuple[FixedFormat, bool]:
    """Return (format, is a ReLU) of a QKeras quantizer; ModelError when it has no fixed-point form."""
    if isinstance(quantizer, FixedPoint):
        return quantizer.fmt, not quantizer.fmt.signed
    if isinstance(quantizer, quantized_relu):
        if quantizer.use_sigmoid or quantizer.negative_slope or quantizer.relu_upper_bound is not None:
            raise ModelError(f"{where}: quantized_relu with a slope, a sigmoid or an upper bound has no integer form")
        fmt, relu = FixedFormat(False, quantizer.bits, quantizer.bits - int(quantizer.integer)), True
    elif isinstance(quantizer, quantized_bits):
        if isinstance(quantizer.alpha, str) or quantizer.alpha not in (None, 1, 1.0):
            raise ModelError(f"{where}: quantized_bits with alpha={quantizer.alpha!r}; expected alpha=1")
        signed = bool(quantizer.keep_negative)
        fmt = FixedFormat(signed, quantizer.bits, quantizer.bits - int(quantizer.integer) - signed)
        relu = not signed
    else:
        raise ModelError(
            f"{where}: quantizer {type(quantizer).__name__} has no integer form; "
            "expected quantized_bits or quantized_relu"
        )
    if quantizer.use_stochastic_rounding:
        raise ModelError(f"{where}: stochastic rounding cannot be frozen; switch it off")
    return fmt, relu


def _requantise(name: str, quantizer: Any) -> Requantise:
    if isinstance(quantizer, FixedPoint):
        return Requantise(name, not quantizer.fmt.signed, quantizer.fmt, quantizer.rounding, quantizer.overflow)
    fmt, relu = quantizer_format(name, quantizer)
    if fmt.signed and quantizer.symmetric:
        raise ModelError(f"{name}: a symmetric activation quantizer has no integer form; set symmetric=0")
    return Requantise(name, relu, fmt, Rounding.RND_CONV, Overflow.SAT)


def _weights(layer: Any, rule: WeightRule) -> tuple[IntArray, IntArray, FixedFormat, FixedFormat]:
    kernel, fmt = _integers(f"{layer.name} kernel", layer.kernel, layer.kernel_quantizer_internal, rule)
    if layer.use_bias:
        bias, bias_format = _integers(f"{layer.name} bias", layer.bias, layer.bias_quantizer_internal, rule)
    else:
        bias, bias_format = np.zeros(kernel.shape[-1], np.int64), fmt
    return kernel, bias, fmt, bias_format


def _integers(where: str, values: Any, quantizer: Any, rule: WeightRule) -> tuple[IntArray, FixedFormat]:
    """Integers of the weights; quantized ones must be on the quantizer's grid to the last float32 bit."""
    fmt, _ = quantizer_format(where, quantizer)
    if rule == "floor":
        return floor_to(np.asarray(values), fmt), fmt
    scaled = np.asarray(quantizer(values), np.float64) * 2.0**fmt.fraction
    integers = np.rint(scaled).astype(np.int64)
    if np.any(integers != scaled):
        worst = float(np.abs(integers - scaled).max())
        raise ModelError(
            f"{where}: quantized weights are off the grid of {fmt} by {worst:.1e} steps; "
            "expected a quantizer that is fully on (qnoise_factor=1)"
        )
    return integers, fmt
