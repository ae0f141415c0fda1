"""From the layers of a file, by their class, to the encoder of a configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from econ_ae.app.imported.encoder import (
    INPUT,
    NO_PADS,
    Encoder,
    Pads,
    Stage,
    add_conv,
    add_dense,
    arrangement_of,
    finished,
    inside,
)
from econ_ae.app.imported.layers import Layer
from econ_ae.app.imported.quantizers import Quantizer, is_quantizer, quantizer
from econ_ae.app.imported.settings import CHIP, Choice
from econ_ae.app.imported.stored import Stored
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat

_IDENTITY = FixedFormat.parse("s1.0")


def translate(stored: Stored, layers: Sequence[Layer], shape: Sequence[int], choice: Choice) -> Encoder:
    """Return the encoder of a chain of layers.

    Raises
    ------
    ModelError
        Which layer has no integer form, and why.
    """
    arrangement, padded = arrangement_of(shape, stored.source)
    found = Encoder(arrangement, choice, arrangement.shape, pads=padded)
    for layer in layers:
        handler = _HANDLERS.get(layer.kind)
        if handler is None:
            raise ModelError(
                f"layer {layer.name!r} of type {layer.kind} has no integer form; expected one of {', '.join(_HANDLERS)}"
            )
        handler(found, layer, stored)
    return finished(found)


def _skip(found: Encoder, layer: Layer, stored: Stored) -> None:
    """Layers that change no value at inference; what is flattened is implied by a dense layer."""
    del found, layer, stored


def _reshape(found: Encoder, layer: Layer, stored: Stored) -> None:
    del stored
    target = [size for size in layer.config.get("target_shape", ()) if isinstance(size, int)]
    if len(target) > 1 and tuple(target) != found.shape and math.prod(target) != math.prod(found.shape):
        raise ModelError(f"layer {layer.name!r} reshapes {found.shape} to {tuple(target)}; expected the same values")
    if found.stages:
        return
    if len(target) == 3 and tuple(target) != found.shape:
        raise ModelError(f"layer {layer.name!r} makes another image, {tuple(target)}, of {found.shape}")


def _pad(found: Encoder, layer: Layer, stored: Stored) -> None:
    del stored
    if layer.kind == "keras_pad":
        found.say(
            f"layer {layer.name!r} pads one row below and one column to the right, as in the public training code"
        )
        pads: Pads = ((0, 1), (0, 1))
    else:
        (top, bottom), (left, right) = layer.config.get("padding", ((1, 1), (1, 1)))
        pads = ((int(top), int(bottom)), (int(left), int(right)))
    before = found.pads or NO_PADS
    found.pads = tuple((a + c, b + d) for (a, b), (c, d) in zip(before, pads, strict=True))  # type: ignore[assignment]


def _conv(found: Encoder, layer: Layer, stored: Stored) -> None:
    c = layer.config
    if c.get("data_format", "channels_last") != "channels_last" or c.get("groups", 1) != 1:
        raise ModelError(f"layer {layer.name!r}: expected an ungrouped convolution with channels last")
    if tuple(c.get("dilation_rate", (1, 1))) != (1, 1):
        raise ModelError(f"layer {layer.name!r}: a dilated convolution has no integer form")
    stride = tuple(c.get("strides", (1, 1)))
    stage = _weights(found, layer, stored, 4)
    rows, cols = stage.kernel.shape[:2]
    if rows != cols or len(set(stride)) != 1:
        raise ModelError(f"layer {layer.name!r}: kernel {rows}x{cols} with stride {stride}; expected a square one")
    stage.stride = int(stride[0])
    add_conv(found, stage, same=c.get("padding", "valid") == "same")
    _fused(found, layer)


def _dense(found: Encoder, layer: Layer, stored: Stored) -> None:
    add_dense(found, _weights(found, layer, stored, 2))
    _fused(found, layer)


def _weights(found: Encoder, layer: Layer, stored: Stored, axes: int) -> Stage:
    arrays = stored.of_layer(layer.name, layer.saved_as, layer.within)
    kernel = arrays.get("kernel")
    if kernel is None or kernel.ndim != axes:
        there = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise ModelError(f"layer {layer.name!r}: the file has {there} of it; expected a kernel of {axes} axes")
    weight = _format(found, layer, "kernel")
    use_bias = layer.config.get("use_bias", True)
    bias_format = _format(found, layer, "bias") if use_bias else weight
    bias = arrays.get("bias", np.zeros(kernel.shape[-1]))
    if bias.shape != kernel.shape[-1:]:
        raise ModelError(f"layer {layer.name!r}: {bias.size} biases for {kernel.shape[-1]} outputs")
    return Stage(layer.name, inside(kernel, weight), inside(bias, bias_format), weight.format, bias_format.format)


def _format(found: Encoder, layer: Layer, what: str) -> Quantizer:
    raw = layer.config.get(f"{what}_quantizer")
    if found.choice.weight is not None and not (raw and what == "bias"):
        return Quantizer(FixedFormat.parse(found.choice.weight), relu=False, symmetric=False)
    if raw is None:
        raise ModelError(
            f"layer {layer.name!r} ({layer.kind}) has no quantizer of its {what}; give --weight-format, such as s0.5"
        )
    one = quantizer(raw, f"layer {layer.name!r}, {what}", weights=what == "kernel")
    if not one.format.signed:
        raise ModelError(
            f"layer {layer.name!r}: its {what} has the unsigned format {one.format}; expected a signed one"
        )
    return one


def _fused(found: Encoder, layer: Layer) -> None:
    raw = layer.config.get("activation")
    if raw not in {None, "linear"} if isinstance(raw, str) or raw is None else True:
        _apply(found, layer.name, raw)


def _activation(found: Encoder, layer: Layer, stored: Stored) -> None:
    del stored
    raw = "relu" if layer.kind == "ReLU" else layer.config.get("activation")
    if layer.kind == "ReLU" and any(layer.config.get(key) for key in ("max_value", "negative_slope", "threshold")):
        raise ModelError(f"layer {layer.name!r}: a ReLU with a limit, a slope or a threshold has no integer form")
    _apply(found, layer.name, raw)


def _apply(found: Encoder, name: str, raw: Any) -> None:
    if isinstance(raw, Mapping) and raw.get("class_name") == "function":  # as Keras 3 writes it
        raw = raw.get("config")
    if isinstance(raw, str) and raw == "relu":
        if found.stages:
            found.stages[-1].relu = True
        return
    if isinstance(raw, str) and raw == "linear":
        return
    if not is_quantizer(raw):
        text = raw if isinstance(raw, str) else getattr(raw, "get", lambda *_: raw)("class_name", raw)
        raise ModelError(f"layer {name!r}: activation {text} has no integer form; expected a ReLU and a quantizer")
    one = quantizer(raw, f"layer {name!r}")
    if one.symmetric and one.format.signed:
        raise ModelError(f"layer {name!r}: a symmetric activation quantizer has no integer form; expected symmetric=0")
    if not found.stages:
        _input(found, name, one)
        return
    stage = found.stages[-1]
    if stage.out is not None:
        raise ModelError(f"layer {name!r}: a second quantizer behind that of layer {stage.name!r}; expected one")
    stage.relu, stage.out = stage.relu or one.relu, one.format


def _input(found: Encoder, name: str, one: Quantizer) -> None:
    """Take a quantizer of the image: nothing where it keeps every value, else a layer that does the same."""
    fmt = one.format
    keeps = fmt.fraction >= INPUT.fraction and fmt.max >= INPUT.max << (fmt.fraction - INPUT.fraction)
    if keeps:
        return
    if found.choice.arithmetic == CHIP:
        found.say(f"layer {name!r}, a quantizer of the image to {fmt}, is left out: the chip takes {INPUT} as it is")
        return
    channels = found.arrangement.channels
    kernel = np.eye(channels)[None, None]
    bias = np.zeros(channels)
    around, found.pads = found.pads, None
    add_conv(found, Stage(name, kernel, bias, _IDENTITY, _IDENTITY, stride=1), same=False)
    found.stages[-1].relu, found.stages[-1].out = True, fmt
    found.pads = around
    found.say(f"layer {name!r} rounds the image to {fmt}: a convolution of 1x1 with weights 1 does that here")


def _operation(found: Encoder, layer: Layer, stored: Stored) -> None:
    """Take a product, a quotient, a floor or a minimum behind the latents: they keep their leading bits."""
    del stored
    if not found.stages or found.stages[-1].conv or found.stages[-1].out is None:
        raise ModelError(
            f"layer {layer.name!r} ({layer.kind}) stands before the latents' quantizer; expected it behind"
        )
    name = str(layer.config.get("function") or layer.kind).rpartition(".")[2].lower().removeprefix("keras_")
    value = next((v for v in layer.arguments.values() if isinstance(v, int | float) and not isinstance(v, bool)), None)
    if name in {"multiply", "truediv", "divide"} and value:
        exponent = math.log2(abs(value))
        if value < 0 or exponent != int(exponent):
            raise ModelError(f"layer {layer.name!r}: a factor of {value} is no power of two and has no integer form")
        found.scale += int(exponent) if name == "multiply" else -int(exponent)
    elif name == "floor":
        found.floored = found.scale
    elif name == "minimum":
        _minimum(found, layer, 1.0 if value is None else float(value))
    else:
        raise ModelError(f"layer {layer.name!r}: operation {name} has no integer form behind the latents")


def _minimum(found: Encoder, layer: Layer, value: float) -> None:
    latent = found.stages[-1].out
    assert latent is not None  # it stands behind one
    if found.scale:
        raise ModelError(f"layer {layer.name!r}: a minimum of scaled latents; expected it behind the division")
    kept = latent.fraction if found.floored is None else min(found.floored, latent.fraction)
    largest = (latent.max >> (latent.fraction - kept)) * 2.0**-kept
    if value < largest:
        raise ModelError(f"layer {layer.name!r}: a minimum with {value:g} cuts latents, which reach {largest:g}")


_HANDLERS: Mapping[str, Callable[[Encoder, Layer, Stored], None]] = {
    "Flatten": _skip,
    "Dropout": _skip,
    "GaussianNoise": _skip,
    "ActivityRegularization": _skip,
    "Concatenate": _skip,
    "Reshape": _reshape,
    "ZeroPadding2D": _pad,
    "keras_pad": _pad,
    "QConv2D": _conv,
    "Conv2D": _conv,
    "QDense": _dense,
    "Dense": _dense,
    "QActivation": _activation,
    "Activation": _activation,
    "ReLU": _activation,
    "TFOpLambda": _operation,
    "keras_floor": _operation,
    "keras_minimum": _operation,
    "Multiply": _operation,
    "Floor": _operation,
    "Minimum": _operation,
}
"""By class; all others have no integer form."""
