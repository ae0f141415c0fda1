"""Losses that follow the Energy Mover's Distance: pyramid, sliced, Sinkhorn and the exact distance itself.

All take (true, predicted) charge fractions, float32 (n, cells) each; predicted values of any positive scale are
normalised to sum 1 first, because the EMD compares shapes. They return the scalar batch mean in EMD units, except the
pyramid, whose scale is only proportional.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.geometry import FloatArray, WaferGeometry

Loss = Callable[[Any, Any], Any]
"""Function of (true, predicted) charge fractions, float32 (n, cells) each, that gives a scalar tensor."""

_TINY = 1e-12


def normalised(values: Any) -> Any:
    """Return values divided by their sum per image."""
    return values / tf.maximum(tf.reduce_sum(values, axis=1, keepdims=True), _TINY)


PYRAMID_SCALES = (1.2, 2.4, 4.8)
"""Widths of the smoothing Gaussians, EMD units: half a, one and two trigger-cell pitches and a fifth more."""


def smoothing(geometry: WaferGeometry, width: float) -> FloatArray:
    """Return the matrix, float64 (cells, cells), that spreads each cell's charge by a Gaussian; its rows sum to 1."""
    kernel = np.exp(-0.5 * (geometry.distance / width) ** 2)
    out: FloatArray = kernel / kernel.sum(axis=1, keepdims=True)
    return out


def pyramid(geometry: WaferGeometry, scales: tuple[float, ...] = PYRAMID_SCALES) -> Loss:
    """Return the multi-scale loss: L1 of the fraction difference, plain and smoothed, weighted by scale.

    Charge that is displaced by a distance d survives smoothing by widths up to about d, so the sum over scales, each
    weighted with its width (the plain term with half the smallest), grows like the charge times the distance.
    """
    matrices = [tf.constant(smoothing(geometry, width), tf.float32) for width in scales]
    plain_weight = scales[0] / 2

    def loss(true: Any, predicted: Any) -> Any:
        difference = true - normalised(predicted)
        total = plain_weight * tf.reduce_sum(tf.abs(difference), axis=1)
        for width, matrix in zip(scales, matrices, strict=True):
            total += width * tf.reduce_sum(tf.abs(difference @ matrix), axis=1)
        return 0.5 * tf.reduce_mean(total)

    return loss


def sliced(geometry: WaferGeometry, directions: int = 12) -> Loss:
    """Return the sliced distance: exact one-dimensional EMDs along evenly spaced directions, times pi / 2.

    The factor undoes the mean of |cos| by which projections shorten a displacement.
    """
    angles = np.pi * np.arange(directions) / directions
    positions = geometry.xy @ np.stack([np.cos(angles), np.sin(angles)])
    orders = np.argsort(positions, axis=0)
    gaps = np.diff(np.take_along_axis(positions, orders, axis=0), axis=0)
    # One matrix for all directions: row sums of the sorted difference up to every gap, times the gap.
    columns = []
    for k in range(directions):
        before = np.zeros((geometry.cells, geometry.cells - 1))
        for position, cell in enumerate(orders[:, k]):
            before[cell, position:] = 1.0
        columns.append(before * gaps[:, k])
    matrix = tf.constant(np.concatenate(columns, axis=1), tf.float32)
    scale = np.pi / 2 / directions

    def loss(true: Any, predicted: Any) -> Any:
        difference = true - normalised(predicted)
        return scale * tf.reduce_mean(tf.reduce_sum(tf.abs(difference @ matrix), axis=1))

    return loss


def sinkhorn(geometry: WaferGeometry, blur: float = 0.3, iterations: int = 40) -> Loss:
    """Return the debiased Sinkhorn divergence with the EMD's ground distance.

    Parameters
    ----------
    blur : entropic regularisation, EMD units; the divergence tends to the EMD as it goes to 0
    iterations : of the symmetric fixed-point updates
    """
    cost = tf.constant(geometry.distance, tf.float32)

    def softmin(potential: Any, log_mass: Any) -> Any:
        return -blur * tf.reduce_logsumexp((potential - cost) / blur + log_mass[:, None, :], axis=2)

    def transport(a: Any, b: Any) -> Any:
        log_a, log_b = (tf.math.log(tf.maximum(m, _TINY)) for m in (a, b))
        f, g = tf.zeros_like(a), tf.zeros_like(b)
        for _ in range(iterations):
            f, g = 0.5 * (f + softmin(g[:, None, :], log_b)), 0.5 * (g + softmin(f[:, None, :], log_a))
        return tf.reduce_sum(a * f + b * g, axis=1)

    def loss(true: Any, predicted: Any) -> Any:
        shape = normalised(predicted)
        divergence = transport(true, shape) - 0.5 * (transport(true, true) + transport(shape, shape))
        return tf.reduce_mean(divergence)

    return loss
