"""The Keras decoder of a run configuration: off the detector, so free to be large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import DecoderConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.geometry import Arrangement
from econ_ae.training.dropout import CountedDropout
from econ_ae.training.film import Columns, Modulation


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


def build_decoder(config: DecoderConfig, latents: int, arrangement: Arrangement, cells: int, seed: int) -> Any:
    """Return the decoder: (n, latents) float32 to (n, cells) float32 in 0..1, in trigger-cell order.

    With ``use_sum`` one more input column holds the module sum, see ``sample.sum_feature``. The last columns are the
    features of the conditions, if there are any: inputs of the first layer, or with ``conditioning = "film"`` of
    a modulation of every hidden layer before its ReLU.

    The output bias starts where a sigmoid gives about an even share per cell; from 0 the published recipe collapses.

    Parameters
    ----------
    latents : values per event that the frame carries, without the sum
    arrangement : the image that ``kind = "conv"`` draws: that of the encoder's input
    cells : trigger cells
    seed : of the initial weights

    Notes
    -----
    ``skeleton.check_decoder`` finds settings that cannot be built.
    """
    layers = len(config.hidden) + 1 + (len(config.filters) if config.kind == "conv" else 0)
    seeds = iter(np.random.SeedSequence([seed, 2]).generate_state(layers).tolist())
    features, sent = Conditions(config.conditions).width, latents + config.use_sum
    latent = keras.Input((sent + features,), name="latent")
    if config.conditioning == "film":
        known = Columns(sent, sent + features, name="conditions")(latent)
        hidden = _hidden(config, Columns(0, sent, name="sent")(latent), known, seeds, seed)
    else:
        hidden = _hidden(config, latent, None, seeds, seed)
    if config.kind == "conv":
        return keras.Model(latent, _conv_head(config, hidden, arrangement, cells, seeds), name="decoder")
    return keras.Model(latent, _dense_head(config, hidden, cells, seeds), name="decoder")


def _hidden(config: DecoderConfig, x: Any, known: Any, seeds: Iterator[int], seed: int) -> Any:
    """Return the last hidden layer; ``known`` are the conditions that modulate all of them, or None."""
    for i, units in enumerate(config.hidden):
        initial = keras.initializers.HeNormal(seed=next(seeds))
        activation = "relu" if known is None else None
        y = keras.layers.Dense(units, activation=activation, kernel_initializer=initial, name=f"decoder{i}")(x)
        if known is not None:
            y = Modulation(name=f"decoder{i}_film")([y, known])
            y = keras.layers.Activation("relu", name=f"decoder{i}_relu")(y)
        x = keras.layers.Add(name=f"decoder{i}_add")([x, y]) if config.residual and i and x.shape == y.shape else y
        if config.dropout:
            x = CountedDropout(config.dropout, seed + i, name=f"decoder{i}_dropout")(x)
    return x


def _dense_head(config: DecoderConfig, x: Any, cells: int, seeds: Iterator[int]) -> Any:
    return keras.layers.Dense(
        cells,
        activation=config.output,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        bias_initializer=keras.initializers.Constant(config.output_bias),
        name="decoder_out",
    )(x)


def _conv_head(config: DecoderConfig, x: Any, arrangement: Arrangement, cells: int, seeds: Iterator[int]) -> Any:
    """Return dense to the smallest image, transposed convolutions that double it, one to the channels, the cells."""
    shrink = 2 ** (len(config.filters) - 1)
    rows, cols, channels = arrangement.shape
    smallest = (rows // shrink, cols // shrink, config.filters[0])
    initial = keras.initializers.HeNormal(seed=next(seeds))
    x = keras.layers.Dense(int(np.prod(smallest)), activation="relu", kernel_initializer=initial, name="image")(x)
    x = keras.layers.Reshape(smallest, name="image_shape")(x)
    for i, filters in enumerate(config.filters[1:]):
        initial = keras.initializers.HeNormal(seed=next(seeds))
        x = keras.layers.Conv2DTranspose(
            filters, 3, strides=2, padding="same", activation="relu", kernel_initializer=initial, name=f"image{i}"
        )(x)
    x = keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        bias_initializer=keras.initializers.Constant(config.output_bias),
        name="decoder_out",
    )(x)
    x = PixelsToCells([arrangement.cells.index(cell) for cell in range(cells)], name="cells")(x)
    return keras.layers.Activation(config.output, name="fractions")(x)
