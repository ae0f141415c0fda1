"""Trigger cells of whole events as the clustering sees them: side of an event, layer, direction, transverse energy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.readers.event_images import CALQ_PER_COUNT
from econ_ae.data.whole_events import WholeEvents
from metrics.trigger.settings import FC_PER_COUNT, FC_PER_MIP

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIDES = 2


def sums(of: IntArray, values: FloatArray, count: int) -> FloatArray:
    """Return the sum of values (m,) by what each belongs to, float64 (count,)."""
    return np.bincount(of, values, count).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells with charge, one entry each.

    Parameters
    ----------
    side : int64 (m,), 2 i for the backward and 2 i + 1 for the forward side of the i-th event
    layer : int64 (m,), of the detector, 1 is the first
    depth : float64 (m,), absolute z, cm
    u, v : float64 (m,), x / |z| and y / |z| in global coordinates
    et : float64 (m,), GeV
    mipt : float64 (m,), MIP_T
    """

    side: IntArray
    layer: IntArray
    depth: FloatArray
    u: FloatArray
    v: FloatArray
    et: FloatArray
    mipt: FloatArray

    def __len__(self) -> int:
        return len(self.side)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the cells of some events are, whatever charge is in them.

    Images are taken in the order of side, layer and place, so that sums over cells do not depend on the order of the
    rows of a file.

    Parameters
    ----------
    images : the modules
    events : numbers of the events, rising; an event's place in it numbers its sides
    """

    images: WholeEvents
    events: IntArray

    @cached_property
    def _order(self) -> IntArray:
        layer = np.asarray(self.images.batch.metadata["detector_layer"], np.int64)
        return np.lexsort((self.images.y_cm, self.images.x_cm, layer, self._side))

    @cached_property
    def _side(self) -> IntArray:
        return SIDES * np.searchsorted(self.events, self.images.event) + (self.images.zside > 0)

    @cached_property
    def _positions(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """u, v and absolute z, float64 (n, cells), in the rows' own order."""
        x, y, z = self.images.cell_positions()
        depth = np.abs(z)
        return x / depth, y / depth, depth

    def _lacking(self, u: FloatArray, v: FloatArray) -> FloatArray:
        """Return 1 / cosh(eta) of directions, which charges lack; 1 where they are transverse already."""
        radius = np.hypot(u, v)
        return np.ones(radius.shape) if self.images.transverse else radius / np.hypot(radius, 1.0)

    @cached_property
    def _mipt_per_charge(self) -> FloatArray:
        u, v, _ = self._positions
        thickness = np.asarray(self.images.batch.metadata["thickness"], np.int64)
        per_count = CALQ_PER_COUNT if self.images.transverse else dict.fromkeys(FC_PER_MIP, 1.0)
        known = [FC_PER_COUNT / fc / per_count[um] for um, fc in FC_PER_MIP.items()]
        mip = np.select([thickness == um for um in FC_PER_MIP], known)
        return mip[:, None] * self._lacking(u, v)

    @cached_property
    def _gev_per_charge(self) -> FloatArray:
        """float64 (n,): energy of a charge, or the transverse one where charges are (``WholeEvents``)."""
        images = self.images
        if not images.transverse:
            return images.gev_per_count
        radius = np.hypot(images.x_cm, images.y_cm)
        out: FloatArray = images.gev_per_count * (radius / np.hypot(radius, images.z_cm))
        return out

    def mipt(self, charges: NDArray[np.generic]) -> FloatArray:
        """Return MIP_T of charges as the images have them, float64 (n, cells), in the rows' own order."""
        return np.asarray(charges, np.float64) * self._mipt_per_charge

    def cells(self, charges: NDArray[np.generic]) -> Cells:
        """Return the cells with charge.

        Parameters
        ----------
        charges : numbers (n, cells), in the unit of the images: counts, or CALQ where they are transverse
        """
        order = self._order
        image = np.asarray(charges, np.float64)[order]
        row, cell = np.nonzero(image)
        at = order[row]
        u, v, depth = self._positions
        layer = np.asarray(self.images.batch.metadata["detector_layer"], np.int64)
        counts = image[row, cell]
        et = counts * self._gev_per_charge[at] * self._lacking(u[at, cell], v[at, cell])
        mipt = counts * self._mipt_per_charge[at, cell]
        return Cells(self._side[at], layer[at], depth[at, cell], u[at, cell], v[at, cell], et, mipt)
