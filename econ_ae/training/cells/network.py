"""The decoder's network: every trigger cell sees two rings of neighbours a few times, with the table's image as start.

All weights are shared by the cells, but for a vector that says which cell it is. The output is the table's image times
a positive factor plus a positive amount, both the network's, divided by its sum: before training it is the table's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from econ_ae.config import CellsConfig, DecoderConfig
from econ_ae.data.module_conditions import Conditions, Features
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import WaferGeometry
from econ_ae.ir.cells import Mode
from econ_ae.training import sample
from econ_ae.training.cells.table import Table
from econ_ae.training.film import Columns, Modulation
from econ_ae.training.hexagonal import Around, rings

COUNTS = 6
"""Numbers of pulses with an input of their own, 0 to 5."""
_BATCH = 1024
SUM_SCALE = 4.0  # of the module sum among the inputs
_SEED = 4  # beside that of the run


class Inputs(keras.layers.Layer):
    """What is known of every cell and of the event: (n, cells) each and (n, event) to (cells, n, units).

    The last ``more`` numbers of an event, conditions of its module, have weights that start at 0.
    """

    def __init__(self, cells: int, units: int, seed: int, more: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells, self.units, self.seed, self.more = cells, units, seed, more

    def build(self, shape: Any) -> None:
        """Make the weights: of a cell's numbers, of the event's, and the vector of every cell."""
        rng = np.random.default_rng(self.seed)
        width = COUNTS + 4
        event = int(shape[2][-1]) - self.more

        def weight(name: str, scale: float, *size: int) -> Any:
            start = keras.initializers.Constant(rng.normal(0, scale, size))
            return self.add_weight(name, size, initializer=start)

        self.of_cell = weight("cell", 1 / np.sqrt(width), width, self.units)
        self.of_event = weight("event", 0.3, event, self.units)
        self.place = weight("place", 0.05, self.cells, 1, self.units)
        self.of_module = self.add_weight("module", (self.more, self.units), initializer="zeros") if self.more else None

    def call(self, inputs: Any) -> Any:
        """Return the channels of every cell."""
        pulses, table, event = inputs
        q, image = tf.transpose(pulses), tf.transpose(table)
        share = q / tf.maximum(tf.reduce_sum(q, axis=0, keepdims=True), 1.0)
        counts = [tf.cast(tf.equal(q, float(n)), tf.float32) for n in range(COUNTS)]
        numbers = [tf.math.log1p(q), 8.0 * image, tf.math.log(image + 1e-3) / 4.0, 8.0 * share]
        of_cell = tf.tensordot(tf.stack([*counts, *numbers], axis=2), self.of_cell, 1)
        if self.of_module is None:
            of_event = event @ self.of_event
        else:
            split = self.of_event.shape[0]
            of_event = event[:, :split] @ self.of_event + event[:, split:] @ self.of_module
        return tf.nn.relu(of_cell + tf.expand_dims(of_event, 0) + self.place)


class Output(keras.layers.Layer):
    """From channels and the table's image to charge fractions, (n, cells) that sum to 1."""

    def build(self, shape: Any) -> None:
        """Make the weights; they start where the table's image is the output."""
        units = int(shape[0][-1])
        self.kernel = self.add_weight("kernel", (units, 2), initializer="zeros")
        self.bias = self.add_weight("bias", (2,), initializer=keras.initializers.Constant([0.0, -6.0]))

    def call(self, inputs: Any) -> Any:
        """Return the fractions."""
        channels, table = inputs
        values = tf.tensordot(channels, self.kernel, 1) + self.bias
        factor, more = tf.transpose(values[..., 0]), tf.transpose(values[..., 1])
        image = table * tf.exp(tf.clip_by_value(factor, -3.0, 3.0)) + 0.1 * tf.nn.softplus(more)
        return image / tf.reduce_sum(image, axis=1, keepdims=True)


def build(
    config: CellsConfig, modes: int, geometry: WaferGeometry, seed: int, decoder: DecoderConfig | None = None
) -> Any:
    """Return the Keras model of (pulses, table's image, event), see ``features``, to fractions (n, cells).

    The conditions of ``decoder`` are inputs of the first layer, or modulate every layer's channels; either way they act
    from the first step of the training on, and a network before training is that without them.
    """
    cells, units = geometry.cells, config.units
    decoder = decoder or DecoderConfig()
    more, film = Conditions(decoder.conditions).width, decoder.conditioning == "film"
    own = modes + 1
    seeds = np.random.SeedSequence([seed, _SEED]).generate_state(1 + config.depth).tolist()
    pulses, table = keras.Input((cells,), name="pulses"), keras.Input((cells,), name="table")
    event = keras.Input((own + more,), name="event")
    seen = Columns(0, own, name="frame")(event) if film else event
    x = Inputs(cells, units, seeds[0], 0 if film else more, name="inputs")([pulses, table, seen])
    for i in range(config.depth):
        if film:
            x = Modulation(name=f"film{i}")([x, Columns(own, own + more, name=f"module{i}")(event)])
        x = Around(rings(geometry), units, seeds[1 + i], name=f"around{i}")(x)
    return keras.Model([pulses, table, event], Output(name="fractions")([x, table]), name="decoder")


def features(
    modes: tuple[Mode, ...],
    table: Table,
    mode: IntArray,
    pulses: NDArray[np.integer],
    totals: NDArray[np.floating],
    *,
    known: Features | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the inputs of the network: pulses, the table's image, and the mode with module sum and conditions.

    Parameters
    ----------
    totals : (n,), the module sums as the receiver decodes them from the frame
    known : float32 (n, k), the features of the decoder's conditions; None without any
    """
    parts = [np.eye(len(modes), dtype=np.float32)[mode], SUM_SCALE * sample.sum_feature(totals)]
    event = np.concatenate(parts if known is None else [*parts, known], axis=1)
    return pulses.astype(np.float32), table.fractions(mode, pulses).astype(np.float32), event


def totals_of(event: Any, modes: int) -> Any:
    """Return the module sums (n,) that are in the event's inputs, tensors of float32.

    Parameters
    ----------
    modes : how many there are
    """
    return sample.totals_of(event[:, modes : modes + 1] / SUM_SCALE)


def predict(network: Any, inputs: tuple[NDArray[np.float32], ...]) -> NDArray[np.float64]:
    """Return the fractions of the network, float64 (n, cells)."""
    starts = range(0, max(len(inputs[0]), 1), _BATCH)
    parts = [network([part[i : i + _BATCH] for part in inputs], training=False) for i in starts]
    values = np.concatenate([np.asarray(part, np.float64) for part in parts])
    return np.asarray(values / values.sum(axis=1, keepdims=True), np.float64)
