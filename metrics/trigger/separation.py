"""Electrons against pileup: boosted trees on the shapes of clusters, trained and judged on different events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

REJECTIONS = (0.95, 0.99)
"""Shares of the background that is rejected where the efficiency is quoted."""

FOLDS = 5
_FEWEST = 20
_SETTINGS = {"max_iter": 60, "max_depth": 3, "learning_rate": 0.1, "min_samples_leaf": 10, "early_stopping": False}


@dataclass(frozen=True, eq=False)
class Scores:
    """How much clusters look like electrons to trees that have not seen their event.

    Attributes
    ----------
    event : int64 (c,)
    electron : bool (c,)
    score : float64 (c,), 0 to 1
    weight : float64 (c,), with which a cluster counts
    """

    event: NDArray[np.int64]
    electron: BoolArray
    score: FloatArray
    weight: FloatArray


def separate(
    table: FloatArray, electron: BoolArray, event: NDArray[np.int64], weight: FloatArray | None = None, seed: int = 1
) -> Scores | None:
    """Return the scores of clusters; None for fewer than 20 electrons or others, or fewer events than folds.

    Folds are of whole events.

    Parameters
    ----------
    table : float64 (c, shapes)
    weight : float64 (c,), of a cluster in training and efficiency; None counts all alike
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  # slow to import

    numbers = np.unique(event)
    weight = np.ones(len(event)) if weight is None else weight
    if min(electron.sum(), (~electron).sum()) < _FEWEST or len(numbers) < FOLDS:
        return None
    folds = np.random.default_rng(seed).permutation(len(numbers)) % FOLDS
    fold = folds[np.searchsorted(numbers, event)]
    score = np.zeros(len(event))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        if not electron[train].any() or electron[train].all() or not test.any():
            return None
        trees = HistGradientBoostingClassifier(random_state=seed, **_SETTINGS)
        trees.fit(table[train], electron[train], sample_weight=weight[train])
        score[test] = trees.predict_proba(table[test])[:, 1]
    return Scores(event, electron, score, weight)


def as_in_the_others(variable: FloatArray, electron: BoolArray, edges: FloatArray) -> FloatArray:
    """Return weights with which electrons are distributed in a variable as the others are, float64 (c,).

    In bins where one of both is missing, and outside of them, all weights are 0; otherwise the others have 1, and both
    have the same sum. What separates them is then not the variable.

    Parameters
    ----------
    variable : float64 (c,)
    edges : rising, of the bins
    """
    index = np.digitize(variable, edges)
    bins = len(edges) + 1
    own, other = (np.bincount(index[rows], minlength=bins).astype(np.float64) for rows in (electron, ~electron))
    both = (own > 0) & (other > 0)
    both[[0, -1]] = False
    ratio = np.divide(other, own, out=np.zeros(bins), where=both)
    return np.where(electron, ratio[index], both[index].astype(np.float64))


def efficiency(score: FloatArray, electron: FloatArray, rejection: float, weight: FloatArray | None = None) -> float:
    """Return the share of the electrons whose score is above that of a share ``rejection`` of the others.

    Parameters
    ----------
    weight : float64 (c,), of the electrons; of the others one above 0 counts as 1
    """
    weight = np.ones(len(score)) if weight is None else weight
    signal, others = (electron > 0) & (weight > 0), score[(electron == 0) & (weight > 0)]
    if not signal.any() or not len(others):
        return float("nan")
    above = score[signal] > np.quantile(others, rejection)
    return float(np.average(above, weights=weight[signal]))


def curve(scores: Scores, points: int = 100) -> tuple[FloatArray, FloatArray]:
    """Return efficiency and rejection for rising rejection, float64 (points,) each."""
    rejection = 1 - np.geomspace(1.0, 1e-3, points)
    electron = scores.electron.astype(np.float64)
    return np.array([efficiency(scores.score, electron, r, scores.weight) for r in rejection]), rejection
