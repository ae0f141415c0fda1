"""From the layers of a file to the decoder of a configuration, a chain of layers, and its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from econ_ae.app.imported.bare import kernels
from econ_ae.app.imported.layers import Layer
from econ_ae.app.imported.quantizers import quantizer
from econ_ae.app.imported.stored import Array, Stored
from econ_ae.errors import ModelError
from econ_ae.geometry import Arrangement

_FUNCTIONS = ("relu", "elu", "selu", "softplus", "sigmoid", "tanh", "softmax")
_SLOPE = 0.3  # of LeakyReLU where Keras is not told another one


@dataclass
class Decoder:
    """A decoder as it was read.

    Parameters
    ----------
    inputs : columns of its input; 0 until the first dense layer or the architecture says
    chain : settings of ``decoder.chain``
    weights : arrays of every layer of the chain in Keras's order
    """

    inputs: int = 0
    chain: list[dict[str, Any]] = field(default_factory=list)
    weights: list[list[Array]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def add(self, arrays: Sequence[Array] = (), **settings: Any) -> None:
        """Put a layer behind what there is."""
        self.chain.append(settings)
        self.weights.append(list(arrays))


def translate(stored: Stored, layers: Sequence[Layer], inputs: int) -> Decoder:
    """Return the decoder of a chain of layers; ModelError names the layer that cannot be taken, and why."""
    found = Decoder(inputs)
    for layer in layers:
        handler = _HANDLERS.get(layer.kind)
        if handler is None:
            raise ModelError(
                f"decoder, layer {layer.name!r} of type {layer.kind} is not known; expected one of "
                f"{', '.join(_HANDLERS)}"
            )
        handler(found, layer, stored)
    return found


def bare(stored: Stored, arrangement: Arrangement) -> Decoder:
    """Return the decoder of a file with weights alone: dense layers with ReLU, then transposed convolutions.

    The image is doubled by the first convolutions until it is the encoder's; the last layer ends in a sigmoid. That is
    the published decoders' shape; ``--decoder-architecture`` says it where it is another one.
    """
    layers = kernels(stored, convs_first=False)
    convs = [one for one in layers if one[1].ndim == 4]
    denses = layers[: len(layers) - len(convs)]
    if not denses or any(one[1].ndim != 2 for one in denses):
        raise ModelError(
            f"{stored.source}: has the kernels {', '.join(f'{name} {k.shape}' for name, k, _ in layers)}; expected "
            "dense layers, then transposed convolutions, or give --decoder-architecture"
        )
    found = Decoder(int(denses[0][1].shape[0]))
    for i, (_, kernel, bias) in enumerate(denses):
        found.add([kernel, bias], layer="dense", units=int(kernel.shape[1]))
        if convs or i < len(denses) - 1:
            found.add(layer="activation", function="relu")
    if convs:
        _bare_convs(found, stored, convs, int(denses[-1][1].shape[1]), arrangement)
    found.add(layer="activation", function="sigmoid")
    found.messages.append(
        f"{stored.source} has weights alone: read as dense layers with ReLU"
        + (f", an image doubled by {len(convs)} transposed convolutions," if convs else "")
        + " and a sigmoid; give --decoder-architecture with the JSON of its model if it differs"
    )
    return found


def _bare_convs(
    found: Decoder, stored: Stored, convs: list[tuple[str, Array, Array]], units: int, arrangement: Arrangement
) -> None:
    channels = int(convs[0][1].shape[3])
    size = math.isqrt(units // channels)
    doublings = int(math.log2(arrangement.rows / size)) if size else -1
    if size * size * channels != units or size << max(doublings, 0) != arrangement.rows or doublings > len(convs):
        raise ModelError(
            f"{stored.source}: {units} values and a convolution of {channels} channels make no square image that can "
            f"be doubled to {arrangement.name}; give --decoder-architecture"
        )
    found.add(layer="reshape", shape=(size, size, channels))
    for i, (_, kernel, bias) in enumerate(convs):
        stride = 2 if i < doublings else 1
        rows, cols, filters, _ = kernel.shape
        found.add(
            [kernel, bias],
            layer="conv-transpose",
            units=int(filters),
            kernel=(int(rows), int(cols)),
            stride=(stride, stride),
            padding="same",
        )
        if i < len(convs) - 1:
            found.add(layer="activation", function="relu")


def _skip(found: Decoder, layer: Layer, stored: Stored) -> None:
    """Layers that change no value after training; a dense layer flattens by itself."""
    del found, layer, stored


def _kernel(layer: Layer, stored: Stored, outputs: int) -> list[Array]:
    arrays = stored.of_layer(layer.name, layer.saved_as, layer.within)
    kernel = arrays.get("kernel")
    if kernel is None:
        raise ModelError(f"decoder, layer {layer.name!r}: the file has no kernel of it")
    bias = arrays.get("bias", np.zeros(kernel.shape[outputs]))
    return [_quantised(kernel, layer, "kernel"), _quantised(bias, layer, "bias")]


def _quantised(values: Array, layer: Layer, what: str) -> Array:
    """Return weights as the quantizer of a QKeras layer gives them."""
    raw = layer.config.get(f"{what}_quantizer")
    if raw is None:
        return values
    one = quantizer(raw, f"decoder, layer {layer.name!r}, {what}", weights=what == "kernel")
    step = 2.0**-one.format.fraction
    low = -one.format.max if one.symmetric else one.format.min
    return np.clip(np.rint(values / step), low, one.format.max) * step


def _dense(found: Decoder, layer: Layer, stored: Stored) -> None:
    arrays = _kernel(layer, stored, -1)
    if not found.chain and not found.inputs:
        found.inputs = int(arrays[0].shape[0])
    found.add(arrays, layer="dense", units=int(arrays[0].shape[1]))
    _fused(found, layer)


def _conv(found: Decoder, layer: Layer, stored: Stored) -> None:
    c = layer.config
    transposed = "Transpose" in layer.kind
    if tuple(c.get("dilation_rate", (1, 1))) != (1, 1) or c.get("groups", 1) != 1 or c.get("output_padding"):
        raise ModelError(f"decoder, layer {layer.name!r}: expected no dilation, groups or output padding")
    if c.get("data_format", "channels_last") != "channels_last":
        raise ModelError(f"decoder, layer {layer.name!r}: expected channels last")
    arrays = _kernel(layer, stored, 2 if transposed else 3)
    rows, cols = arrays[0].shape[:2]
    found.add(
        arrays,
        layer="conv-transpose" if transposed else "conv",
        units=int(arrays[0].shape[2 if transposed else 3]),
        kernel=(int(rows), int(cols)),
        stride=_pair(c.get("strides", (1, 1))),
        padding=str(c.get("padding", "valid")),
    )
    _fused(found, layer)


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def _normalisation(found: Decoder, layer: Layer, stored: Stored) -> None:
    """Take batch normalisation as what it is after training: a factor and an offset per channel."""
    arrays = stored.of_layer(layer.name, layer.saved_as, layer.within)
    mean, variance = arrays.get("moving_mean"), arrays.get("moving_variance")
    if mean is None or variance is None:
        raise ModelError(f"decoder, layer {layer.name!r}: the file has no moving mean and variance of it")
    factor = arrays.get("gamma", np.ones(mean.shape)) / np.sqrt(variance + float(layer.config.get("epsilon", 1e-3)))
    found.add([factor, arrays.get("beta", np.zeros(mean.shape)) - mean * factor], layer="scale")


def _reshape(found: Decoder, layer: Layer, stored: Stored) -> None:
    del stored
    found.add(layer="reshape", shape=tuple(int(size) for size in layer.config.get("target_shape", ())))


def _upsample(found: Decoder, layer: Layer, stored: Stored) -> None:
    del stored
    if layer.config.get("interpolation", "nearest") != "nearest":
        raise ModelError(f"decoder, layer {layer.name!r}: expected upsampling by repetition ('nearest')")
    found.add(layer="upsample", stride=_pair(layer.config.get("size", (2, 2))))


def _crop(found: Decoder, layer: Layer, stored: Stored) -> None:
    del stored
    (top, bottom), (left, right) = layer.config.get("cropping", ((0, 0), (0, 0)))
    found.add(layer="crop", shape=(int(top), int(bottom), int(left), int(right)))


def _slice(found: Decoder, layer: Layer, stored: Stored) -> None:
    """Take ``y[:, 0:8, 0:8]``: rows and columns from the first to some other one; the rest is cut off below."""
    del stored
    spec = layer.arguments.get("slice_spec")
    if layer.config.get("function") not in {"__operators__.getitem", None} or not isinstance(spec, list):
        raise ModelError(f"decoder, layer {layer.name!r}: operation {layer.config.get('function')} is not known")
    stops = []
    for one in spec[1:3]:
        if not isinstance(one, dict) or one.get("start") not in {None, 0} or one.get("step") not in {None, 1}:
            raise ModelError(f"decoder, layer {layer.name!r}: expected a slice of the first rows and columns")
        stops.append(one.get("stop"))
    rows, cols = image_of(found)[:2]
    down, right = ((stop or size) for stop, size in zip(stops, (rows, cols), strict=True))
    if not 0 < down <= rows or not 0 < right <= cols:
        raise ModelError(f"decoder, layer {layer.name!r}: cuts {down} rows and {right} columns of {rows}x{cols}")
    found.add(layer="crop", shape=(0, rows - down, 0, cols - right))


def image_of(found: Decoder) -> tuple[int, int, int]:
    """Return the image, rows, columns and channels, behind the layers so far; ModelError where there is none."""
    rows = cols = channels = 0
    for one in found.chain:
        match one["layer"]:
            case "reshape":
                rows, cols, channels = one["shape"] if len(one["shape"]) == 3 else (0, 0, 0)
            case "conv" | "conv-transpose":
                rows, cols = (
                    _size(n, k, s, one) for n, k, s in zip((rows, cols), one["kernel"], one["stride"], strict=True)
                )
                channels = one["units"]
            case "upsample":
                rows, cols = rows * one["stride"][0], cols * one["stride"][1]
            case "crop":
                rows, cols = rows - sum(one["shape"][:2]), cols - sum(one["shape"][2:])
            case "dense":
                rows = cols = channels = 0
    if not rows or not cols:
        raise ModelError("decoder: a slice of what is no image; expected rows and columns")
    return rows, cols, channels


def _size(size: int, kernel: int, stride: int, layer: Mapping[str, Any]) -> int:
    """Return the rows, or columns, behind a convolution, as TensorFlow counts them."""
    if layer["layer"] == "conv":
        return -(-size // stride) if layer["padding"] == "same" else (size - kernel) // stride + 1
    return size * stride if layer["padding"] == "same" else size * stride + max(kernel - stride, 0)


def _fused(found: Decoder, layer: Layer) -> None:
    if layer.config.get("activation") not in {None, "linear"}:
        _function(found, layer, layer.config["activation"])


def _activation(found: Decoder, layer: Layer, stored: Stored) -> None:
    del stored
    if layer.kind == "LeakyReLU":
        slope = layer.config.get("alpha", layer.config.get("negative_slope", _SLOPE))
        found.add(layer="activation", function="leaky-relu", slope=float(slope))
        return
    raw = {"ReLU": "relu", "ELU": "elu", "Softmax": "softmax"}.get(layer.kind, layer.config.get("activation"))
    if any(layer.config.get(key) for key in ("max_value", "threshold")) or (
        layer.kind == "ReLU" and layer.config.get("negative_slope")
    ):
        raise ModelError(f"decoder, layer {layer.name!r}: a ReLU with a limit, a slope or a threshold is not known")
    _function(found, layer, raw)


def _function(found: Decoder, layer: Layer, raw: Any) -> None:
    if raw == "linear":
        return
    if raw not in _FUNCTIONS:
        raise ModelError(
            f"decoder, layer {layer.name!r}: activation {raw} is not known; expected one of {', '.join(_FUNCTIONS)}"
        )
    found.add(layer="activation", function=raw)


_HANDLERS: Mapping[str, Callable[[Decoder, Layer, Stored], None]] = {
    "Flatten": _skip,
    "Dropout": _skip,
    "Dense": _dense,
    "QDense": _dense,
    "Conv2D": _conv,
    "QConv2D": _conv,
    "Conv2DTranspose": _conv,
    "QConv2DTranspose": _conv,
    "BatchNormalization": _normalisation,
    "Reshape": _reshape,
    "UpSampling2D": _upsample,
    "Cropping2D": _crop,
    "SlicingOpLambda": _slice,
    "TFOpLambda": _slice,
    "Activation": _activation,
    "ReLU": _activation,
    "LeakyReLU": _activation,
    "ELU": _activation,
    "Softmax": _activation,
}
"""By class; all others are refused."""
