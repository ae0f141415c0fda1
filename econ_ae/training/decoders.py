"""The Keras decoder of a run configuration: off the detector, so free to be large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import DecoderConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.geometry import Arrangement, WaferGeometry
from econ_ae.training.chain_decoder import PixelsToCells, chain_decoder
from econ_ae.training.dropout import CountedDropout
from econ_ae.training.film import Columns, Modulation
from econ_ae.training.hexagonal import Around, rings
from econ_ae.training.unrolled import Unrolled


class CellsOut(keras.layers.Layer):
    """From the channels of every cell to one value: (cells, n, units) to (n, cells); weights shared, biases not.

    Parameters
    ----------
    seed : of the kernel
    bias : start of the biases
    """

    def __init__(self, seed: int, bias: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed, self.bias_start = seed, bias

    def build(self, shape: Any) -> None:
        """Make the weights."""
        initial = keras.initializers.GlorotUniform(seed=self.seed)
        self.kernel = self.add_weight("kernel", (int(shape[-1]), 1), initializer=initial)
        start = keras.initializers.Constant(self.bias_start)
        self.bias = self.add_weight("bias", (int(shape[0]),), initializer=start)

    def call(self, inputs: Any) -> Any:
        """Return the values."""
        return tf.transpose(tf.tensordot(inputs, self.kernel, 1)[..., 0]) + self.bias


def build_decoder(
    config: DecoderConfig, latents: int, arrangement: Arrangement, geometry: WaferGeometry, seed: int
) -> Any:
    """Return the decoder: (n, latents) float32 to (n, cells) float32 in 0..1, in trigger-cell order.

    With ``use_sum`` and ``use_scale`` further input columns hold the module sum, see ``sample.sum_features``. The last
    columns are the features of the conditions, if there are any: inputs of the first layer, or with
    ``conditioning = "film"`` of a modulation of every hidden layer before its ReLU.

    The output bias starts where a sigmoid gives about an even share per cell; from 0 the published recipe collapses.

    Parameters
    ----------
    latents : values per event that the frame carries, without the sum
    arrangement : the image that ``kind = "conv"`` draws: that of the encoder's input
    geometry : the trigger cells, and which are neighbours for ``kind = "graph"``
    seed : of the initial weights

    Notes
    -----
    ``skeleton.check_decoder`` finds settings that cannot be built.
    """
    count = len(config.hidden) + 1 + {"conv": len(config.filters), "graph": 1 + config.depth}.get(config.kind, 0)
    seeds = iter(np.random.SeedSequence([seed, 2]).generate_state(count).tolist())
    features, sent = Conditions(config.conditions).width, latents + len(config.sum_columns)
    latent = keras.Input((sent + features,), name="latent")
    if config.kind == "chain":
        output = chain_decoder(config, latent, arrangement, geometry.cells, seed)
        return keras.Model(latent, output, name="decoder")
    if config.kind == "unrolled":
        return keras.Model(latent, _unrolled(config, latent, latents, geometry.cells, next(seeds)), name="decoder")
    if config.conditioning == "film":
        known = Columns(sent, sent + features, name="conditions")(latent)
        hidden = _hidden(config, Columns(0, sent, name="sent")(latent), known, seeds, seed)
    else:
        hidden = _hidden(config, latent, None, seeds, seed)
    if config.kind == "conv":
        output = _conv_head(config, hidden, arrangement, geometry.cells, seeds)
    elif config.kind == "graph":
        output = _graph_head(config, hidden, geometry, seeds)
    else:
        output = _dense_head(config, hidden, geometry.cells, seeds)
    return keras.Model(latent, output, name="decoder")


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


def _graph_head(config: DecoderConfig, x: Any, geometry: WaferGeometry, seeds: Iterator[int]) -> Any:
    """Return channels for every cell, layers in which each cell sees two rings of neighbours, one value per cell."""
    initial = keras.initializers.HeNormal(seed=next(seeds))
    x = keras.layers.Dense(
        geometry.cells * config.units, activation="relu", kernel_initializer=initial, name="channels"
    )(x)
    x = keras.layers.Reshape((geometry.cells, config.units), name="cells")(x)
    x = keras.layers.Lambda(_cells_first, name="cells_first")(x)
    for i in range(config.depth):
        x = Around(rings(geometry), config.units, next(seeds), name=f"around{i}")(x)
    x = CellsOut(next(seeds), config.output_bias, name="decoder_out")(x)
    return keras.layers.Activation(config.output, name="fractions")(x)


def _cells_first(values: Any) -> Any:
    return tf.transpose(values, (1, 0, 2))


def _unrolled(config: DecoderConfig, x: Any, latents: int, cells: int, seed: int) -> Any:
    x = Unrolled(
        config.hidden,
        latents,
        cells,
        scale=latents + config.use_sum if config.use_scale else None,
        bias=config.output_bias,
        seed=seed,
        name="decoder_out",
    )(x)
    return keras.layers.Activation(config.output, name="fractions")(x)
