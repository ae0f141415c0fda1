"""A moving average of the weights, which is often better than the last weights and steadier from epoch to epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf


class MovingAverage(tf.Module):
    """Exponential moving average of variables; as a module, so that a checkpoint holds it.

    Parameters
    ----------
    variables : what is averaged
    decay : per step; in the first steps n it is (1 + n) / (10 + n), so that the initial weights are soon forgotten
    """

    def __init__(self, variables: Sequence[Any], decay: float) -> None:
        super().__init__(name="average")
        self._live = tuple(variables)
        self._decay = decay
        self.means = [tf.Variable(v, trainable=False, name=f"mean{i}") for i, v in enumerate(variables)]

    def update(self, step: Any) -> None:
        """Take the weights after ``step`` steps into the average."""
        steps = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1.0 + steps) / (10.0 + steps))
        for mean, variable in zip(self.means, self._live, strict=True):
            mean.assign_sub((1.0 - decay) * (mean - variable))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the variables their averages, and their own values back at the end."""
        own = [variable.numpy() for variable in self._live]
        for variable, mean in zip(self._live, self.means, strict=True):
            variable.assign(mean)
        try:
            yield
        finally:
            for variable, value in zip(self._live, own, strict=True):
                variable.assign(value)
