"""Feature-wise modulation: what is known of an event scales and shifts the channels of a network."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class Modulation(keras.layers.Layer):
    """Channels times one plus a factor, plus an offset, both linear in the event's features (Perez et al., FiLM).

    Inputs are channels (n, units), or (cells, n, units) with the same factors for all cells, and features (n, k). Both
    matrices start at 0: before training nothing is modulated.
    """

    def build(self, shape: Any) -> None:
        """Make the weights: (k, units) of the factors and of the offsets."""
        units, features = int(shape[0][-1]), int(shape[1][-1])
        self.factor = self.add_weight("factor", (features, units), initializer="zeros")
        self.offset = self.add_weight("offset", (features, units), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Return the modulated channels."""
        channels, features = inputs
        return channels * (1.0 + tf.matmul(features, self.factor)) + tf.matmul(features, self.offset)


class Columns(keras.layers.Layer):
    """Some columns of a matrix: (n, columns) to (n, stop - start)."""

    def __init__(self, start: int, stop: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start, self.stop = start, stop

    def call(self, inputs: Any) -> Any:
        """Return the columns."""
        return inputs[:, self.start : self.stop]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "start": self.start, "stop": self.stop}
