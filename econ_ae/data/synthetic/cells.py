"""Which trigger cell a point of the module belongs to, from a table of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from econ_ae.geometry import CM_PER_UNIT, WaferGeometry

Points = NDArray[np.float32]

_PIXEL_CM = 0.06  # a trigger cell's edge is 2.4 cm
_GAP = 0.56  # half a rhombus is 0.5 edges; the rest closes the gaps along the sector borders


@dataclass(frozen=True, eq=False)
class CellTable:
    """Trigger cell by position.

    Attributes
    ----------
    cells : how many; this number stands for outside
    origin_cm, size : corner and side (pixels) of the square table around the module's centre
    table : uint8 (size * size,), trigger cell of every pixel
    """

    cells: int
    origin_cm: float
    size: int
    table: NDArray[np.uint8]

    def look_up(self, x_cm: Points, y_cm: Points) -> NDArray[np.uint8]:
        """Return the cells of points relative to the module's centre, uint8, same shape."""
        return self.table.take(self._pixel(x_cm) * np.int32(self.size) + self._pixel(y_cm))

    def _pixel(self, cm: Points) -> NDArray[np.int32]:
        pixel = (cm - np.float32(self.origin_cm)) * np.float32(1 / _PIXEL_CM)
        np.clip(pixel, np.float32(0), np.float32(self.size - 1), out=pixel)
        return pixel.astype(np.int32)


@lru_cache(maxsize=4)
def cell_table(geometry: WaferGeometry, *, closed: bool = False) -> CellTable:
    """Tabulate a module; the pixels at the rim of the table are outside.

    Parameters
    ----------
    closed : whether every point belongs to the nearest cell, as where the module's border is known otherwise
    """
    centre = geometry.xy.mean(axis=0)
    half = float(np.abs(geometry.rhombi - centre).max()) * CM_PER_UNIT + 4 * _PIXEL_CM
    size = 2 * int(np.ceil(half / _PIXEL_CM))
    origin = -size / 2 * _PIXEL_CM
    axis = (origin + (np.arange(size) + 0.5) * _PIXEL_CM) / CM_PER_UNIT
    xy = np.stack(np.meshgrid(axis + centre[0], axis + centre[1], indexing="ij"), axis=-1)
    to_edges = np.linalg.inv(np.swapaxes(geometry.edges, 1, 2))
    nearest = np.full((size, size), np.inf)
    table = np.full((size, size), geometry.cells, dtype=np.uint8)
    for cell in range(geometry.cells):
        reach = np.abs((xy - geometry.xy[cell]) @ to_edges[cell].T).max(axis=-1)
        closer = (closed | (reach < _GAP)) & (reach < nearest)
        table[closer], nearest[closer] = cell, reach[closer]
    return CellTable(geometry.cells, origin, size, table.ravel())
