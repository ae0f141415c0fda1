"""Tells whether a dense kernel is packed output-major, as the chip reads it, or input-major (the trap of spec 7).

The kernel is a tensor of position x filter x output. In the right reading of a trained kernel, much of its variance is
explained by the three axes and their pairs (which output uses which filter, and where); read in the wrong order the
axes mix and less is. The share left over is compared between the readings for the weights and for their magnitudes,
in units of its spread over random shuffles of the same 2048 numbers, which keep their histogram and lose their order.
Both readings have axes of the same sizes, so kernels without structure give 0 +- 1.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import RegisterError

POSITIONS, FILTERS, OUTPUTS = 16, 8, 16
FINDING_IN_OUT, FINDING_OUT_IN, FINDING_NONE = "in-out", "out-in", "undecided"

THRESHOLD = 3.5
"""Standard deviations from which the order counts as found: 1 in 4000 structureless kernels, either way."""

_SHUFFLES = 200
_SEED = 2144

Tensor = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What the statistic says.

    Attributes
    ----------
    sigmas : positive for input-major, negative for output-major
    finding : ``in-out``, ``out-in`` or ``undecided``
    """

    sigmas: float
    finding: str


def judge(packed: NDArray[np.integer]) -> Verdict:
    """Judge the order of 2048 dense weights as they are packed in the image.

    Limits: kernels that training has not shaped (random, zero, few levels) stay undecided; so do kernels whose
    outputs share no use of filters or positions. Random walks along the positions were seen at 4 sigma the wrong way.
    """
    flat = np.asarray(packed, dtype=np.float64).reshape(-1)
    if flat.size != POSITIONS * FILTERS * OUTPUTS:
        raise RegisterError(f"{flat.size} dense weights; expected {POSITIONS * FILTERS * OUTPUTS}")
    if np.ptp(flat) == 0:
        return Verdict(0.0, FINDING_NONE)
    rows = np.concatenate([flat[None], flat[_shuffles()]])
    rows = rows - flat.mean()
    spread = np.zeros(2)
    for values in (rows, np.abs(rows)):
        scores = _score(values)
        deviation = scores[1:].std()
        if deviation > 0:
            spread += (scores[0] - scores[1:].mean()) / deviation, 1
    sigmas = float(spread[0] / np.sqrt(max(spread[1], 1)))
    finding = FINDING_NONE if abs(sigmas) < THRESHOLD else FINDING_IN_OUT if sigmas > 0 else FINDING_OUT_IN
    return Verdict(sigmas, finding)


@functools.cache
def _shuffles() -> NDArray[np.intp]:
    rng = np.random.default_rng(_SEED)
    return np.stack([rng.permutation(POSITIONS * FILTERS * OUTPUTS) for _ in range(_SHUFFLES)])


def _score(rows: Tensor) -> Tensor:
    """Logarithm of the unexplained share read output-major over that read input-major, per row (m, 2048)."""
    out_in = rows.reshape(-1, OUTPUTS, POSITIONS, FILTERS)
    in_out = rows.reshape(-1, POSITIONS, FILTERS, OUTPUTS)
    return np.log(_unexplained(out_in) / _unexplained(in_out))


def _unexplained(tensor: Tensor) -> Tensor:
    """Sum of squares left when the means over every axis, and so all pairs of axes, are taken out."""
    for axis in (1, 2, 3):
        tensor = tensor - tensor.mean(axis=axis, keepdims=True)
    return np.square(tensor).sum(axis=(1, 2, 3)) + np.finfo(np.float64).tiny
