"""Tables of a detector: mean EMD by class, section, layer, eta or thickness, and who is better by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metrics.detector.judged import BoolArray, Judged
from metrics.statistics import Measured

ALL = "all"


@dataclass(frozen=True)
class Row:
    """Means over one group of images.

    Parameters
    ----------
    by, group : the column and its value, for example ``class`` and ``5elinks``
    images : with an EMD in any algorithm
    means : by algorithm; None where an algorithm is not defined
    best : the algorithm with the smallest mean of those that lose no image
    """

    by: str
    group: str
    images: int
    means: Mapping[str, Measured | None]
    best: str


@dataclass(frozen=True)
class Difference:
    """One algorithm against another on the same images.

    Parameters
    ----------
    difference : mean EMD of ``one`` minus mean EMD of ``other``
    """

    group: str
    one: str
    other: str
    difference: Measured

    @property
    def significance(self) -> float:
        """The difference in its errors; negative when ``one`` is better."""
        return self.difference.value / self.difference.error if self.difference.error else 0.0


def rows(
    judged: Judged,
    by: str,
    groups: Mapping[str, BoolArray],
    algorithms: Sequence[str],
    among: Sequence[str] | None = None,
) -> list[Row]:
    """Return one row per group that has an image with an EMD.

    Parameters
    ----------
    among : algorithms that can be the best one; None is all of them
    """
    defined = np.any([np.isfinite(judged.emd[name]) for name in algorithms], axis=0)
    out = []
    for group, where in groups.items():
        if not (where & defined).any():
            continue
        means = {name: judged.mean(name, where) for name in algorithms}
        out.append(Row(by, group, int((where & defined).sum()), means, judged.best(where, among or algorithms)))
    return out


def classes(judged: Judged) -> dict[str, BoolArray]:
    """Return the images of every class, and all."""
    found = {name: judged.of == i for i, name in enumerate(judged.classes)}
    return found | {ALL: judged.everything}


def values(judged: Judged, column: str) -> dict[str, BoolArray]:
    """Return the images of every value of a column."""
    numbers = judged.columns[column]
    return {str(value): numbers == value for value in np.unique(numbers).tolist()}


def bins(judged: Judged, column: str, edges: NDArray[np.floating]) -> dict[str, BoolArray]:
    """Return the images in every bin of a column; a bin holds its lower edge, the last one both."""
    numbers = np.asarray(judged.columns[column], np.float64)
    which = np.minimum(np.searchsorted(edges, numbers, side="right") - 1, len(edges) - 2)
    which[numbers > edges[-1]] = -1
    return {f"{low:g} to {high:g}": which == i for i, (low, high) in enumerate(pairwise(edges))}


def against(judged: Judged, one: str, others: Sequence[str], groups: Mapping[str, BoolArray]) -> list[Difference]:
    """Return the paired differences of one algorithm from others in every group where both are defined."""
    found = (
        (group, other, judged.difference(one, other, where)) for group, where in groups.items() for other in others
    )
    return [Difference(group, one, other, d) for group, other, d in found if d is not None]
