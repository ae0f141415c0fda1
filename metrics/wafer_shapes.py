"""The shape of trigger cells and of the module: each cell is four sensor cells, which are hexagons of one lattice.

A trigger cell's centre is the mean of its four sensor cells, which are half a step along both of its edges apart
(``econ_ae.geometry``). The hexagons of all sensor cells cover the module without a gap, which rhombi of the cells do
not: three sectors of rhombi leave slits along their borders.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from econ_ae.geometry import WaferGeometry

FloatArray = NDArray[np.float64]

_MARGIN = 0.35  # EMD units between cells and outline
_DIGITS = 6  # corners of neighbouring hexagons are one
Corner = tuple[float, float]


@lru_cache(maxsize=4)
def cell_shapes(geometry: WaferGeometry) -> FloatArray:
    """Return the outline of every trigger cell, float64 (cells, 14, 2), corners in drawing order, EMD units."""
    found = np.array([_union(hexagons) for hexagons in _hexagons(geometry)])
    found.setflags(write=False)
    return found


@lru_cache(maxsize=4)
def module_outline(geometry: WaferGeometry) -> FloatArray:
    """Return a hexagon around all cells with a small margin, float64 (6, 2), EMD units."""
    corners = _hexagons(geometry).reshape(-1, 2)
    hull = corners[ConvexHull(corners).vertices]
    middle = (hull.max(axis=0) + hull.min(axis=0)) / 2
    # Sides are perpendicular to the six directions of cell edges' bisectors; each is moved out to the last corner.
    angles = np.arange(6) * np.pi / 3
    normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = ((hull - middle) @ normals.T).max(axis=0) + _MARGIN
    sides = zip(normals, reach, np.roll(normals, -1, axis=0), np.roll(reach, -1), strict=True)
    out = np.array([np.linalg.solve([one, other], [a, b]) for one, a, other, b in sides]) + middle
    out.setflags(write=False)
    return out


def _hexagons(geometry: WaferGeometry) -> FloatArray:
    """Return the sensor cells of every trigger cell, float64 (cells, 4, 6, 2)."""
    a, b = geometry.edges[:, 0] / 4, geometry.edges[:, 1] / 4
    centres = geometry.xy[:, None] + np.stack([-a - b, a - b, a + b, b - a], axis=1)
    step = np.linalg.norm(geometry.edges[0, 0]) / 2  # distance of neighbouring sensor cells
    first = np.arctan2(*geometry.edges[0, 0][::-1]) + np.pi / 6
    angles = first + np.arange(6) * np.pi / 3
    corners = step / np.sqrt(3) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    out: FloatArray = centres[:, :, None] + corners
    return out


def _union(hexagons: FloatArray) -> list[Corner]:
    """Return the outline of hexagons that touch: the edges that only one of them has, one after the other."""
    rounded = np.round(hexagons, _DIGITS) + 0.0  # no negative zero
    corners: list[list[Corner]] = [[(x, y) for x, y in hexagon] for hexagon in rounded.tolist()]
    sides = [(h[i], h[(i + 1) % 6]) for h in corners for i in range(6)]
    count = Counter(frozenset(side) for side in sides)
    following = {start: end for start, end in sides if count[frozenset((start, end))] == 1}
    start = next(iter(following))
    out, at = [start], following[start]
    while at != start:
        out.append(at)
        at = following[at]
    return out
