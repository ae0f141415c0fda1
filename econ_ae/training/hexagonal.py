"""Layers on the hexagonal lattice of the trigger cells: each sees two rings of neighbours, with shared weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from econ_ae.geometry import WaferGeometry

_RINGS = ((0.5, 1.25), (1.25, 2.1))
"""Distances of the first ring of neighbours, and of the second, in the smallest distance of two cells."""


def rings(geometry: WaferGeometry) -> NDArray[np.float32]:
    """Return which cells are in each other's first and second ring, float32 (2, cells, cells)."""
    distance = np.asarray(geometry.distance)
    pitch = distance[distance > 0].min()
    return np.stack([(distance > low * pitch) & (distance < high * pitch) for low, high in _RINGS]).astype(np.float32)


class Around(keras.layers.Layer):
    """One layer on a hexagonal lattice: (cells, n, units) plus a ReLU of what is at and around each cell.

    Parameters
    ----------
    rings : float32 (rings, cells, cells), 1 where two cells are in each other's ring
    units : channels
    """

    def __init__(self, rings: NDArray[np.float32], units: int, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rings, self.units, self.seed = rings, units, seed

    def build(self, shape: Any) -> None:
        """Make the weights: the cell itself, its rings, the mean of all."""
        del shape
        rng = np.random.default_rng(self.seed)
        scales = [1.0, *(1 / np.sqrt(max(float(ring.sum(axis=1).mean()), 1.0)) for ring in self.rings), 0.4]
        start = [rng.normal(0, scale / np.sqrt(self.units), (self.units, self.units)) for scale in scales]
        own = keras.initializers.Constant(np.concatenate(start[:-1], axis=1))
        self.kernel = self.add_weight("kernel", (self.units, self.units * (1 + len(self.rings))), initializer=own)
        self.mean = self.add_weight(
            "mean", (self.units, self.units), initializer=keras.initializers.Constant(start[-1])
        )
        self.bias = self.add_weight("bias", (self.units,), initializer="zeros")
        self.around = [tf.constant(ring, tf.float32) for ring in self.rings]

    def call(self, inputs: Any) -> Any:
        """Return the new channels of every cell."""
        cells = inputs.shape[0]
        parts = tf.split(tf.tensordot(inputs, self.kernel, 1), 1 + len(self.rings), axis=2)
        total = parts[0] + tf.tensordot(tf.reduce_mean(inputs, axis=0, keepdims=True), self.mean, 1) + self.bias
        # Cells come first, so that a ring is one product of matrices.
        for ring, part in zip(self.around, parts[1:], strict=True):
            total += tf.reshape(ring @ tf.reshape(part, (cells, -1)), tf.shape(part))
        return inputs + tf.nn.relu(total)
