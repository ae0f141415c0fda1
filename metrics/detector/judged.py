"""EMD of every module image of a detector under several algorithms, each image on the eLinks that its module has.

Errors are those of whole events, whose images share their pileup: each event is left out in turn (jackknife). So a
difference of two algorithms on the same images has a small error, and a mean an honest one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.statistics import Measured

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MIXTURE = "best of each class"
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class Judged:
    """Images of a detector and what every algorithm makes of them.

    Parameters
    ----------
    classes : names, in order
    of : int64 (n,), class of every image as an index into ``classes``
    event : int64 (n,)
    columns : what images are grouped by, (n,) each, for example ``layer``
    emd : by algorithm, float64 (n,), EMD units; NaN where the image has no charge or nothing arrived, and for an
        algorithm that the class does not know

    Raises
    ------
    DataError
        When a column has another length.
    """

    classes: tuple[str, ...]
    of: NDArray[np.int64]
    event: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.generic]]
    emd: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        for name, values in {**self.columns, **self.emd, "event": self.event}.items():
            if values.shape != self.of.shape:
                raise DataError(f"{name} has shape {values.shape}; expected one value per image, {self.of.shape}")

    def __len__(self) -> int:
        return len(self.of)

    @property
    def everything(self) -> BoolArray:
        """All images."""
        return np.ones(len(self), np.bool_)

    def mean(self, algorithm: str, where: BoolArray) -> Measured | None:
        """Return the mean EMD over some images, its error NaN within one event; None when it is defined for none."""
        return self._averaged(self.emd[algorithm], where)

    def difference(self, one: str, other: str, where: BoolArray) -> Measured | None:
        """Return the mean of EMD of ``one`` minus EMD of ``other`` over the images where both are defined."""
        return self._averaged(self.emd[one] - self.emd[other], where)

    def _averaged(self, values: FloatArray, where: BoolArray) -> Measured | None:
        chosen = where & np.isfinite(values)
        if not chosen.any():
            return None
        _, event = np.unique(self.event, return_inverse=True)
        count = np.bincount(event[chosen], minlength=event.max() + 1)
        total = np.bincount(event[chosen], values[chosen], minlength=event.max() + 1)
        mean = float(total.sum() / count.sum())
        some = count > 0
        if some.sum() < _FEWEST:
            return Measured(mean, float("nan"))
        left_out = (total.sum() - total[some]) / (count.sum() - count[some])
        factor = (some.sum() - 1) / some.sum()
        return Measured(mean, float(np.sqrt(factor * ((left_out - left_out.mean()) ** 2).sum())))

    def complete(self, algorithm: str, where: BoolArray) -> bool:
        """Tell whether an algorithm has an EMD wherever any has one: it knows the class and loses no image."""
        defined = np.any([np.isfinite(values) for values in self.emd.values()], axis=0)
        return bool(np.isfinite(self.emd[algorithm][where & defined]).all())

    def best(self, where: BoolArray, among: Sequence[str]) -> str:
        """Return the algorithm with the smallest mean EMD of those that lose no image; DataError when there is none."""
        means = {
            name: mean.value
            for name in among
            if (mean := self.mean(name, where)) is not None and self.complete(name, where)
        }
        if not means:
            raise DataError(f"no algorithm has an EMD for every image ({', '.join(among)} were given)")
        return min(means, key=lambda name: means[name])

    def choices(self, among: Sequence[str]) -> dict[str, str]:
        """Return the best algorithm by class. Choose on validation events, report the mixture on others."""
        return {name: self.best(self.of == i, among) for i, name in enumerate(self.classes)}

    def with_mixture(self, choices: Mapping[str, str], name: str = MIXTURE) -> Judged:
        """Return the same with one more algorithm, which takes another algorithm's value in each class."""
        mixed = np.full(len(self), np.nan)
        for i, klass in enumerate(self.classes):
            mixed[self.of == i] = self.emd[choices[klass]][self.of == i]
        return Judged(self.classes, self.of, self.event, self.columns, {**self.emd, name: mixed})
