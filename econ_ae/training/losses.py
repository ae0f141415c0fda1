"""Training losses on charge fractions of the trigger cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from econ_ae.geometry import FloatArray, WaferGeometry
from econ_ae.training.transport_losses import Loss, normalised, pyramid, sinkhorn, sliced
from metrics.emd import emd, emd_duals


def group_weights(groups: np.ndarray[Any, np.dtype[np.intp]], cells: int) -> FloatArray:
    """Return each group's weight, float64 (groups,): the mean over its cells of 1 / (groups the cell is in).

    With these weights every trigger cell counts equally, however many of the overlapping groups it enters
    (documentation of the telescope loss of fastml-science; for the six groups around the corner where the sectors meet
    the published table differs from that rule, because a factor 1/4 is applied to one term of the sum only).
    """
    membership = np.bincount(groups.reshape(-1), minlength=cells)
    weights: FloatArray = (1.0 / membership)[groups].mean(axis=1)
    return weights


def telescope(geometry: WaferGeometry) -> Loss:
    """Return the telescope loss of the published encoders.

    Squared differences at three levels - trigger cells, overlapping 2x2 groups, 4x4 super trigger cells - each times
    the larger of the two values, averaged per level and summed with weights 4 : 2 : 1 (fastml-science). The returned
    function takes (true, predicted) charge fractions, float32 (n, cells) each, and gives the scalar batch mean.
    """
    groups = geometry.overlapping_groups
    to_groups = _sums(groups, geometry.cells)
    to_sectors = _sums(geometry.stc16, geometry.cells)
    weights = tf.constant(group_weights(groups, geometry.cells), tf.float32)

    def level(true: Any, predicted: Any) -> Any:
        return tf.square(true - predicted) * tf.maximum(true, predicted)

    def loss(true: Any, predicted: Any) -> Any:
        cell = tf.reduce_mean(level(true, predicted))
        group = tf.reduce_mean(level(true @ to_groups, predicted @ to_groups) * weights)
        sector = tf.reduce_mean(level(true @ to_sectors, predicted @ to_sectors))
        return 4.0 * cell + 2.0 * group + sector

    return loss


def _sums(groups: np.ndarray[Any, np.dtype[np.intp]], cells: int) -> Any:
    matrix = np.zeros((cells, len(groups)), np.float32)
    for column, members in enumerate(groups):
        matrix[members, column] = 1.0
    return tf.constant(matrix)


def exact(geometry: WaferGeometry) -> Loss:
    """Return the exact EMD, whose gradient comes from the dual potentials of the transport problem.

    By the envelope theorem the potentials of the predicted cells are the (sub)gradient of the EMD with respect to the
    predicted fractions. Solved outside the graph in double precision; images without charge count 0.
    """

    def solve(true: Any, predicted: Any) -> tuple[Any, Any]:
        duals = emd_duals(true, predicted, geometry, 1)
        values = np.nan_to_num(np.sum(duals.u * true + duals.v * predicted, axis=1))
        return values.astype(np.float32), np.nan_to_num(duals.v).astype(np.float32)

    def loss(true: Any, predicted: Any) -> Any:
        shape = normalised(predicted)
        values, potentials = tf.numpy_function(solve, (true, shape), (tf.float32, tf.float32))
        linear = tf.reduce_sum(tf.stop_gradient(potentials) * shape, axis=1)
        return tf.reduce_mean(linear + tf.stop_gradient(values - linear))

    return loss


def mean_emd(true: ArrayLike, predicted: ArrayLike, geometry: WaferGeometry) -> float:
    """Return the mean exact EMD, EMD units, of images (n, cells) of any scale; pairs without charge are left out."""
    return float(emd(true, predicted, geometry).of_defined.mean())


def pair_emd(true: ArrayLike, predicted: ArrayLike, geometry: WaferGeometry) -> FloatArray:
    """Return the exact EMD, EMD units, float64 (n,), of pairs of images (n, cells) of any scale, all with charge."""
    return emd(true, predicted, geometry).values


LOSSES: dict[str, Callable[[WaferGeometry], Loss]] = {
    "telescope": telescope,
    "pyramid": pyramid,
    "sliced": sliced,
    "sinkhorn": sinkhorn,
    "emd": exact,
}
"""Losses by the name used in a configuration."""
