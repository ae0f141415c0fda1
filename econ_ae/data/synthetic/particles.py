"""Particles at a layer: the common currency of the generators and the detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

PHOTON, CHARGED, NEUTRAL, MUON = 0, 1, 2, 3
"""What a particle does in the calorimeter; electrons shower as photons do."""

Real = NDArray[np.float32]
Columns = TypeVar("Columns")


@dataclass(frozen=True, eq=False)
class Particles:
    """Particles whose straight path meets the layer on or near a module.

    Attributes
    ----------
    image : intp (n,), number of the image that it belongs to
    kind : int8 (n,), ``PHOTON``, ``CHARGED``, ``NEUTRAL`` or ``MUON``
    energy : float32 (n,), GeV
    x_cm, y_cm : float32 (n,), where the path meets the layer, relative to the module's centre
    """

    image: NDArray[np.intp]
    kind: NDArray[np.int8]
    energy: Real
    x_cm: Real
    y_cm: Real

    def __len__(self) -> int:
        return len(self.image)

    def take(self, rows: NDArray[np.intp]) -> Particles:
        """Return the given particles."""
        return Particles(*(column.take(rows) for column in vars(self).values()))


def join(*parts: Columns) -> Columns:
    """Join dataclasses of equally long arrays into one."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return type(parts[0])(*(np.concatenate(column) for column in columns))
