"""Dropout whose pattern depends on a seed and its own step count alone, so that a resumed training repeats it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class CountedDropout(keras.layers.Layer):
    """Dropout by ``rate``; the step count is a weight, so checkpoints hold it."""

    def __init__(self, rate: float, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed

    def build(self, shape: Any) -> None:
        """Make the step count."""
        self.steps = self.add_weight("steps", (), tf.int32, initializer="zeros", trainable=False)
        super().build(shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the inputs, in training with some of them 0 and the rest scaled up."""
        if not training:
            return inputs
        step = self.steps.assign_add(1)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed=tf.stack([self.seed, step]))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
