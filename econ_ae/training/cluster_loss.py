"""The charge that clusters are made of: how much of it a reconstruction gains, loses or moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from econ_ae.config import RunConfig
from econ_ae.geometry import FloatArray, WaferGeometry
from econ_ae.training.transport_losses import normalised

THRESHOLD_CALQ, THRESHOLD_COUNTS = 213.0, 33.0
"""1.35 MIP_T, below which the trigger drops a cell where it has a threshold, in the two units of images.

A MIP is 5.15 fC in 300 um silicon and a count 0.78125 fC (``metrics/trigger/settings.py``), so 1.35 MIP_T are
8.90 cosh(eta) counts, 33 at |eta| = 2; a count is 24 / cosh(eta) CALQ, which makes 213 CALQ at every place. 200 and
120 um have 210 and 213 CALQ.
"""

_SOFT = 0.25  # width of the gate, in thresholds
_AT_ONCE = 16_384  # pairs

Costs = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True)
class ClusterTerm:
    """What is added to a training loss.

    Parameters
    ----------
    weight : of the term
    costs : of single images: function of true and predicted fractions (n, cells) and module sums (n,), charge times
        EMD units, float32 (n,)
    """

    weight: float
    costs: Costs

    def __call__(self, true: Any, predicted: Any, totals: Any) -> Any:
        """Return the weighted term of a batch: the sum of the costs over the sum of the charge, a scalar."""
        return self.weight * tf.reduce_sum(self.costs(true, predicted, totals)) / tf.reduce_sum(totals)

    def of_pairs(self, true: FloatArray, predicted: FloatArray, totals: FloatArray, mean_total: float) -> FloatArray:
        """Return the weighted costs of pairs of images over the mean charge of all events, float64 (p,)."""
        parts = []
        for start in range(0, len(true), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            arrays = (tf.constant(values[rows], tf.float32) for values in (true, predicted, totals))
            parts.append(np.asarray(self.costs(*arrays), np.float64))
        return self.weight / mean_total * np.concatenate([np.zeros(0), *parts])


def cluster_term(config: RunConfig, geometry: WaferGeometry) -> ClusterTerm | None:
    """Return the term of a configuration; None where ``training.cluster_weight`` is 0."""
    training = config.training
    if not training.cluster_weight:
        return None
    default = THRESHOLD_COUNTS if config.data.in_counts else THRESHOLD_CALQ
    return ClusterTerm(training.cluster_weight, costs(geometry, training.cluster_threshold or default))


def costs(geometry: WaferGeometry, threshold: float) -> Costs:
    """Return the costs of images: what is gained, lost or moved of the charge over a threshold.

    With q and r the true and the predicted charges of the cells (fractions times the module sum), h(x) = x s(x) the
    charge over the threshold t, where s(x) = 1 / (1 + exp(-4 (x - t) / t)) has a gradient on both sides of it, and c
    the centre of the true h, the cost is

        | sum h(r) - sum h(q) |  +  | sum h(r) (place - c) |

    in charge times EMD units: charge that appears or vanishes costs as much as charge that moves by one unit. The
    second part is the charge over the threshold times how far its centre moved. Equal images cost 0.
    """
    places = tf.constant(geometry.xy, tf.float32)

    def over(charge: Any) -> Any:
        return charge * tf.sigmoid((charge - threshold) / (_SOFT * threshold))

    def of(true: Any, predicted: Any, totals: Any) -> Any:
        sums = tf.expand_dims(totals, 1)
        wanted, found = over(true * sums), over(normalised(predicted) * sums)
        energy, energy_found = tf.reduce_sum(wanted, axis=1), tf.reduce_sum(found, axis=1)
        # The difference of the moments about the true centre; that of the true charge is 0 but for rounding.
        centre = tf.math.divide_no_nan(wanted @ places, tf.expand_dims(energy, 1))
        moved = (found - wanted) @ places - tf.expand_dims(energy_found - energy, 1) * centre
        return tf.abs(energy_found - energy) + _length(moved)

    return of


def _length(vectors: Any) -> Any:
    """Return lengths of vectors (n, 2), with gradient 0 where they are 0."""
    squares = tf.reduce_sum(tf.square(vectors), axis=1)
    there = squares > 0
    return tf.where(there, tf.sqrt(tf.where(there, squares, tf.ones_like(squares))), tf.zeros_like(squares))
