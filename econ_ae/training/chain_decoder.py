"""A decoder whose layers are all listed in the configuration, such as one that was imported."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import ChainLayerConfig, DecoderConfig
from econ_ae.errors import ConfigError
from econ_ae.geometry import Arrangement

_POSITIVE = {"sigmoid", "softmax", "softplus"}
NOTHING = 1e-30
"""Added to all cells, so that an image of zeros has fractions: float32 holds nothing of it beside a charge."""


class PixelsToCells(keras.layers.Layer):
    """Pick every trigger cell's pixel: (n, rows, cols, channels) to (n, cells)."""

    def __init__(self, pixels: list[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels = pixels

    def call(self, inputs: Any) -> Any:
        """Return the values of the cells."""
        return tf.gather(tf.reshape(inputs, (-1, int(np.prod(inputs.shape[1:])))), self.pixels, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "pixels": self.pixels}


class Scale(keras.layers.Layer):
    """Every channel times a factor plus an offset, both (channels,): what batch normalisation is after training."""

    def build(self, shape: Any) -> None:
        """Make the weights."""
        self.factor = self.add_weight("factor", (int(shape[-1]),), initializer="ones")
        self.offset = self.add_weight("offset", (int(shape[-1]),), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return the scaled channels."""
        return inputs * self.factor + self.offset


def chain_decoder(config: DecoderConfig, x: Any, arrangement: Arrangement, cells: int, seed: int) -> Any:
    """Return a value per trigger cell, (n, cells), none negative, of the decoder's input.

    Raises
    ------
    ConfigError
        When a layer does not fit what is before it, or the last one gives neither the encoder's image nor the cells.
    """
    seeds = np.random.SeedSequence([seed, 3]).generate_state(len(config.chain)).tolist()
    for i, (layer, own) in enumerate(zip(config.chain, seeds, strict=True)):
        try:
            x = _LAYERS[layer.layer](layer, x, f"chain{i}", own)
        except ValueError as problem:
            raise ConfigError(f"decoder.chain, layer {i} ({layer.layer}): {str(problem).splitlines()[0]}") from problem
    count = math.prod(x.shape[1:])
    pixels = math.prod(arrangement.shape)
    if count == pixels:
        x = keras.layers.Reshape(arrangement.shape, name="picture")(x)
        x = PixelsToCells([arrangement.cells.index(cell) for cell in range(cells)], name="cells")(x)
    elif count == cells:
        x = keras.layers.Reshape((cells,), name="cells")(x)
    else:
        raise ConfigError(
            f"decoder.chain gives {'x'.join(map(str, x.shape[1:]))} values; expected an image {arrangement.name} or "
            f"{cells} trigger cells"
        )
    last = config.chain[-1]
    if last.layer == "activation" and last.function in _POSITIVE:
        return x
    return keras.layers.Lambda(_charges, name="charges")(x)


def _charges(values: Any) -> Any:
    return tf.nn.relu(values) + NOTHING


def _dense(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    if len(x.shape) > 2:
        x = keras.layers.Flatten(name=f"{name}_flat")(x)
    return keras.layers.Dense(layer.units, kernel_initializer=keras.initializers.HeNormal(seed=seed), name=name)(x)


def _conv(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    kind = keras.layers.Conv2D if layer.layer == "conv" else keras.layers.Conv2DTranspose
    initial = keras.initializers.HeNormal(seed=seed)
    settings = {"strides": layer.stride, "padding": layer.padding, "kernel_initializer": initial, "name": name}
    return kind(layer.units, layer.kernel, **settings)(x)


def _scale(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    del layer, seed
    return Scale(name=name)(x)


def _reshape(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    del seed
    return keras.layers.Reshape(layer.shape, name=name)(x)


def _upsample(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    del seed
    return keras.layers.UpSampling2D(layer.stride, name=name)(x)


def _crop(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    del seed
    if len(layer.shape) != 4:
        raise ConfigError(
            f"decoder.chain: crop has shape {list(layer.shape)}; expected four numbers of rows and columns"
        )
    return keras.layers.Cropping2D((layer.shape[:2], layer.shape[2:]), name=name)(x)


def _activation(layer: ChainLayerConfig, x: Any, name: str, seed: int) -> Any:
    del seed
    if layer.function == "leaky-relu":
        return keras.layers.LeakyReLU(layer.slope, name=name)(x)
    return keras.layers.Activation(layer.function, name=name)(x)


_LAYERS = {
    "dense": _dense,
    "conv": _conv,
    "conv-transpose": _conv,
    "scale": _scale,
    "reshape": _reshape,
    "upsample": _upsample,
    "crop": _crop,
    "activation": _activation,
}
