"""Magnitude pruning: the smallest weights of every layer become 0 and stay 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.config import PruneConfig


def final_epoch(config: PruneConfig | None, epochs: int) -> int:
    """Return the first epoch whose weights may be the result: in it and after it all weights to prune are 0."""
    if config is None or config.weights is None:
        return 0
    return min(int(np.ceil(config.end * epochs)), epochs - 1)


class WeightMasks(tf.Module):
    """One mask of 0 and 1 per kernel; as a module, so that a checkpoint holds them.

    Parameters
    ----------
    encoder : the network whose kernels are pruned; biases are not
    config : share and schedule
    epochs : of the training

    What is 0 already, in a network that was pruned before, stays 0.
    """

    def __init__(self, encoder: Any, config: PruneConfig, epochs: int) -> None:
        super().__init__(name="masks")
        self._kernels = tuple(v for v in encoder.trainable_variables if len(v.shape) > 1)
        self._config = config
        self._last = final_epoch(config, epochs)
        self._start = min(int(config.start * epochs), self._last)
        self.masks = [
            tf.Variable(tf.cast(k != 0, k.dtype), trainable=False, name=f"mask{i}") for i, k in enumerate(self._kernels)
        ]

    def share(self, epoch: int) -> float:
        """Return the share of zeros: s (1 - (1 - t)^3) for t from 0 to 1 (Zhu and Gupta, arXiv:1710.01878)."""
        part = 1.0 if epoch >= self._last else max(0.0, (epoch - self._start) / (self._last - self._start))
        return float((self._config.weights or 0.0) * (1 - (1 - part) ** 3))

    def tighten(self, epoch: int) -> None:
        """Bring the masks to the epoch's share; a weight that is 0 is among the smallest, so it stays 0."""
        for kernel, mask in zip(self._kernels, self.masks, strict=True):
            size = np.abs(kernel.numpy() * mask.numpy()).reshape(-1)
            zeros = np.argsort(size, kind="stable")[: int(np.ceil(self.share(epoch) * size.size))]
            keep = mask.numpy().reshape(-1)
            keep[zeros] = 0.0
            mask.assign(keep.reshape(mask.shape))
        self.apply()

    def apply(self) -> None:
        """Set what is masked to 0."""
        for kernel, mask in zip(self._kernels, self.masks, strict=True):
            kernel.assign(kernel * mask)
