"""An ideal entropy coder of trigger-cell images, without loss: how many bits every image needs.

Assumptions: the receiver knows the exact module sum; number of hit cells, their positions and their charges are coded
with their probabilities in training events, without a loss to whole bits and without correlations between cells:

- the number of hit cells by its frequency;
- positions given their number c as independent cells with the frequency of each among events with about c hits, divided
  by the probability that c cells are hit at all (a Poisson binomial distribution);
- charges given the mean charge of the hit cells, in classes of a quarter of an octave.

Frequencies are smoothed by a few counts, so that nothing has the probability zero. A real frame has a fixed length: it
holds an image without loss when the image needs at most as many bits as the frame has behind header and sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NEAR = 8  # events with c hits within 1/8 of c count as about c hits
_PER_OCTAVE = 4
_CHARGE_COUNT = 0.02
_POSITION_COUNT = 0.5


def bits(train: NDArray[np.integer], images: NDArray[np.integer]) -> Array:
    """Return the bits that every image needs, float64 (n,).

    Parameters
    ----------
    train : charges (m, cells) that the probabilities are of
    images : charges (n, cells)
    """
    known, seen = (np.count_nonzero(part, axis=1) for part in (train, images))
    cells = train.shape[1]
    frequency = np.bincount(known, minlength=cells + 1) + 1.0
    out: Array = -np.log2(frequency / frequency.sum())[seen]
    for hits in np.unique(seen[seen > 0]).tolist():
        rows = seen == hits
        out[rows] += _positions(train[np.abs(known - hits) <= hits // _NEAR] > 0, images[rows] > 0, hits)
    return out + _charges(train, images)


def _positions(train: NDArray[np.bool_], hit: NDArray[np.bool_], hits: int) -> Array:
    cells = hit.shape[1]
    if hits == cells:
        return np.zeros(len(hit))
    p = (train.sum(axis=0) + _POSITION_COUNT) / (len(train) + 2 * _POSITION_COUNT)
    every = np.where(hit, -np.log2(p), -np.log2(1 - p)).sum(axis=1)
    return np.asarray(every + np.log2(_probability_of(hits, p)))


def _probability_of(hits: int, p: Array) -> float:
    """Return the probability of ``hits`` hit cells when each is hit on its own with probability ``p``."""
    of = np.zeros(len(p) + 1)
    of[0] = 1.0
    for one in p:
        of[1:] = of[1:] * (1 - one) + of[:-1] * one
        of[0] *= 1 - one
    return float(of[hits])


def _charges(train: NDArray[np.integer], images: NDArray[np.integer]) -> Array:
    values, symbols = np.unique(np.concatenate([train[train > 0], images[images > 0]]), return_inverse=True)
    count = np.count_nonzero(train)
    classes = [_class_of(part) for part in (train, images)]
    table = np.full((max(int(c.max()) for c in classes) + 1, len(values)), _CHARGE_COUNT)
    np.add.at(table, (classes[0][np.nonzero(train)[0]], symbols[:count]), 1.0)
    length = -np.log2(table / table.sum(axis=1, keepdims=True))
    rows = np.nonzero(images)[0]
    return np.bincount(rows, length[classes[1][rows], symbols[count:]], minlength=len(images))


def _class_of(images: NDArray[np.integer]) -> NDArray[np.int64]:
    mean = images.sum(axis=1) / np.maximum(np.count_nonzero(images, axis=1), 1)
    return np.floor(_PER_OCTAVE * np.log2(np.maximum(mean, 1))).astype(np.int64)
