"""A decoder that refines its image step by step, each time against what the encoder would have sent of it.

Unrolled iterations in the manner of Gregor and LeCun, "Learning fast approximations of sparse coding" (ICML 2010): all
weights are learned, those that imitate the encoder too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

FROM_IMAGE, FROM_DIFFERENCE = 4.0, 2.0
"""Factors that bring the inputs of a step to the size of the latents."""
SCALE = 1.4
"""Of the normalised image's sum, between 1 and 2, where it is not known."""


class Unrolled(keras.layers.Layer):
    """What was received, (n, latents + further columns), to one value per cell, (n, cells), before the activation.

    Step i has a hidden layer of ``widths[i]``. It sees what was received, the image so far (the softmax of the values),
    the hidden values of the step before, and the difference between the latents and ``relu(scale * image @ A + b)``,
    the same A and b in all steps; what it gives is added to the values.

    Parameters
    ----------
    widths : hidden units of every step
    latents : the first columns of the input
    cells : trigger cells
    scale : column of the input with the normalised image's sum, minus 1; None if there is none
    bias : start of the values
    seed : of the initial weights
    """

    def __init__(
        self,
        widths: Sequence[int],
        latents: int,
        cells: int,
        *,
        scale: int | None,
        bias: float,
        seed: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.widths, self.latents, self.cells = tuple(widths), latents, cells
        self.scale, self.bias_start, self.seed = scale, bias, seed

    def build(self, shape: Any) -> None:
        """Make the weights."""
        rng = np.random.default_rng(self.seed)

        def kernel(name: str, deviation: float, rows: int, columns: int) -> Any:
            start = keras.initializers.Constant(rng.normal(0, deviation, (rows, columns)))
            return self.add_weight(name, (rows, columns), initializer=start)

        self.imitation = kernel("imitation", 0.5, self.cells, self.latents)
        half = keras.initializers.Constant(0.5)
        self.imitation_bias = self.add_weight("imitation_bias", (self.latents,), initializer=half)
        start = keras.initializers.Constant(self.bias_start)
        self.first = self.add_weight("first", (self.cells,), initializer=start)
        self.steps = []
        before = 0
        for i, width in enumerate(self.widths):
            rows = int(shape[-1]) + self.latents + self.cells + before
            inner = kernel(f"kernel{i}", np.sqrt(2 / rows), rows, width)
            bias = self.add_weight(f"bias{i}", (width,), initializer="zeros")
            self.steps.append((inner, bias, kernel(f"out{i}", 0.3 / np.sqrt(width), width, self.cells)))
            before = width

    def call(self, inputs: Any) -> Any:
        """Return the values."""
        latents = inputs[:, : self.latents]
        scale = SCALE if self.scale is None else 1.0 + inputs[:, self.scale : self.scale + 1]
        values = self.first + tf.zeros_like(inputs[:, :1])
        hidden = inputs[:, :0]
        for inner, bias, out in self.steps:
            image = tf.nn.softmax(values)
            difference = latents - tf.nn.relu(scale * (image @ self.imitation) + self.imitation_bias)
            seen = tf.concat([inputs, FROM_DIFFERENCE * difference, FROM_IMAGE * image, hidden], axis=1)
            hidden = tf.nn.relu(seen @ inner + bias)
            values += hidden @ out
        return values
