"""The decoder as a frozen graph: from what a class of modules sends, and perhaps what is known of them, to an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.config import DecoderConfig
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.econt.autoencoder import SUM_MANTISSA
from econ_ae.fixedpoint import FixedFormat
from econ_ae.training.export_graph import frozen_keras
from econ_ae.training.networks import Networks

_SUM_BITS = 28.0


@dataclass(frozen=True)
class Known:
    """Where the graph's input holds what is known of a module besides its latents.

    Parameters
    ----------
    width : columns of the whole input
    columns : first column of every condition by its name, normalised as ``data.module_conditions`` says, but for the
        sign of ``absolute`` ones; ``log_sum`` is that of the exact sum
    """

    width: int
    columns: dict[str, int]


def decoder_graph(
    config: DecoderConfig,
    networks: Networks,
    *,
    latent: FixedFormat,
    latents: int,
    known: Known,
    image: Sequence[int],
) -> bytes:
    """Return the frozen graph, serialised, of a run's decoder: (n, known.width) to (n, pixels).

    Parameters
    ----------
    latent : format of the encoder's latents; they come as ``encoder_graph`` gives them
    latents : how many there are; further columns up to the first condition are not read
    image : for every pixel which cell's value it gets; -1 is 0

    Notes
    -----
    The decoder was trained on the module sum as the frame carries it, a 5E4M code at the middle of its bin. The graph
    makes that of the exact sum's logarithm in double precision.
    """
    scale = 2.0 ** (latent.width - 1 - latent.signed - latent.fraction)

    def before(x: Any) -> Any:
        parts = [x[:, :latents] * scale]
        if config.sum_columns or "log_sum" in config.conditions:
            log_sum = x[:, known.columns["log_sum"] : known.columns["log_sum"] + 1]
            total = _received(tf.round(tf.exp(tf.cast(log_sum, tf.float64)) - 1.0))
            parts += [_sum_column(total, column) for column in config.sum_columns]
        for name in config.conditions:
            condition, first = DEFINITIONS[name], known.columns[name]
            if name == "log_sum":
                parts.append(tf.cast(tf.math.log(total + 1.0), tf.float32))
                continue
            values = x[:, first : first + condition.width]
            parts.append(tf.abs(values) if condition.absolute else values)
        return tf.concat(parts, axis=1)

    def after(fractions: Any) -> Any:
        count = int(fractions.shape[-1])
        places = [count if cell < 0 else cell for cell in image]
        if places == list(range(count)):
            return fractions
        return tf.gather(tf.pad(fractions, [(0, 0), (0, 1)]), places, axis=1)

    return frozen_keras((known.width,), before, networks.decoder, after)


def _received(total: Any) -> Any:
    """Return module sums as their 5E4M code says, see ``econt.decode.mid_bin``; the code of no sum saturates."""
    bits = tf.floor(tf.math.log(tf.maximum(total, 1.0) + 0.5) / np.log(2.0))
    bin_width = tf.pow(tf.constant(2.0, tf.float64), tf.maximum(bits - SUM_MANTISSA, 0.0))
    return tf.floor(total / bin_width) * bin_width + (bin_width - 1.0) / 2.0


def _sum_column(total: Any, column: int) -> Any:
    """Return a column of ``training.sample.sum_features`` of received sums."""
    if column == 0:
        return tf.cast(tf.math.log(total + 1.0) / np.log(2.0) / _SUM_BITS, tf.float32)
    sums = tf.maximum(total, 1.0)
    power = tf.pow(tf.constant(2.0, tf.float64), tf.floor(tf.math.log(sums + 0.25) / np.log(2.0)))
    return tf.cast(sums / power - 1.0, tf.float32)
