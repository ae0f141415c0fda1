"""The modules of one endcap and their trigger cells: where a point of a layer is read out.

Modules are on the lattice of ``data.lattice``, pitch 8 trigger-cell edges of 2.4168 cm times cos 30 degrees. From layer
20 on the beam goes through a corner of the lattice, on alternating sides (public file of whole events).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.cells import CellTable, cell_table
from econ_ae.data.synthetic.endcaps.layers import COUNTS_PER_MIP, Layers, layers
from econ_ae.data.synthetic.particles import Real
from econ_ae.geometry import CM_PER_UNIT, FloatArray, IndexArray, WaferGeometry

PITCH_CM = 8 * 2 * CM_PER_UNIT * np.sqrt(3) / 2
"""Distance of neighbouring modules: their cells fill the plane."""

_REACH = 14  # of u and v
_SIDE = 2 * _REACH + 1
_CORNER_CM = PITCH_CM / np.sqrt(3)
_FIRST_AT_CORNER = 20
_ROW = np.sqrt(3) / 2 * PITCH_CM
_MIDDLE_OF_CE_H = 13  # the layer without three rows of modules
# Energy of a count over that in 300 um: in CE-E and behind it (public file of whole events).
_RATIOS = {300: (1.0, 1.0), 200: (1.4817, 1.4838), 120: (2.5, 2.4706)}


@dataclass(frozen=True, eq=False)
class Layout:
    """Modules of one endcap by index, all arrays (modules,) unless stated.

    Attributes
    ----------
    layers : the layers
    layer : intp, index of the layer
    wafer : intp, running number in the layer
    u, v : intp, numbers of the module
    x_cm, y_cm : float64, centre, seen from the collision point
    thickness_um : intp, 120, 200 or 300
    gev_per_count, counts_per_mip : float64
    cells : trigger cell by place in a module
    table : intp (layers * side * side,), module at (layer, u, v), or -1
    """

    layers: Layers
    layer: IndexArray
    wafer: IndexArray
    u: IndexArray
    v: IndexArray
    x_cm: FloatArray
    y_cm: FloatArray
    thickness_um: IndexArray
    gev_per_count: FloatArray
    counts_per_mip: FloatArray
    cells: CellTable
    table: IndexArray

    def __len__(self) -> int:
        return len(self.layer)

    @property
    def eta(self) -> FloatArray:
        """float64 (modules,): absolute pseudorapidity of the centre."""
        out: FloatArray = np.arcsinh(self.layers.z_cm[self.layer] / np.hypot(self.x_cm, self.y_cm))
        return out

    def locate(self, layer: IndexArray, x_cm: Real, y_cm: Real) -> NDArray[np.int32]:
        """Return which trigger cells points are in: int32 (n,), module * cells + cell, or -1 outside of all modules.

        Parameters
        ----------
        layer : intp (n,), index of the layer
        x_cm, y_cm : float32 (n,), seen from the collision point
        """
        across = y_cm - _origin(self.layers.number).astype(np.float32)[layer]
        v = across * np.float32(1 / _ROW)
        u = v * np.float32(0.5) - x_cm * np.float32(1 / PITCH_CM)
        u, v = _rounded(u, v)
        inside = np.flatnonzero((np.abs(u) <= _REACH) & (np.abs(v) <= _REACH))
        u, v, rows = u[inside], v[inside], layer[inside]
        place = (rows * _SIDE + (u + np.float32(_REACH)).astype(np.int32)) * _SIDE
        module = self.table[place + (v + np.float32(_REACH)).astype(np.int32)]
        cell = self.cells.look_up(
            x_cm[inside] - (v * np.float32(0.5) - u) * np.float32(PITCH_CM), across[inside] - v * np.float32(_ROW)
        )
        found = np.full(len(x_cm), -1, np.int32)
        known = (module >= 0) & (cell < self.cells.cells)
        found[inside] = np.where(known, module * self.cells.cells + cell, -1)
        return found


@lru_cache(maxsize=2)
def layout(geometry: WaferGeometry) -> Layout:
    """Return the modules of an endcap: all places of the lattice whose distance from the beam is in the layer's range.

    In layer 13 three rows of them are not there, as in the public file. Around layers 15, 17 and 19 that file's rim is
    less regular.
    """
    of = layers()
    reach = np.arange(-_REACH, _REACH + 1)
    layer, u, v = (a.ravel() for a in np.meshgrid(np.arange(len(of)), reach, reach, indexing="ij"))
    x, y = (v / 2 - u) * PITCH_CM, _ROW * v + _origin(of.number)[layer]
    radius = np.hypot(x, y)
    row = ((u == v) & (u < 0)) | ((v == -1) & (u > 0)) | ((u == 0) & (v > 0))
    there = (radius > of.inner_cm[layer]) & (radius < of.outer_cm[layer])
    there &= ~(row & (of.number[layer] == _MIDDLE_OF_CE_H))
    table = np.where(there, np.cumsum(there) - 1, -1)
    layer, u, v, x, y, radius = (a[there] for a in (layer, u, v, x, y, radius))
    thickness = np.select([radius < of.thin_cm[layer], radius < of.middle_cm[layer]], [120, 200], 300)
    behind = of.number[layer] >= _MIDDLE_OF_CE_H
    pairs = [(thickness == um, np.where(behind, *ratio[::-1])) for um, ratio in _RATIOS.items()]
    ratio = np.select([which for which, _ in pairs], [value for _, value in pairs])
    return Layout(
        layers=of,
        layer=layer.astype(np.intp),
        wafer=np.arange(len(layer)) - np.searchsorted(layer, layer),
        u=u.astype(np.intp),
        v=v.astype(np.intp),
        x_cm=x,
        y_cm=y,
        thickness_um=thickness.astype(np.intp),
        gev_per_count=of.gev_per_count[layer] * ratio,
        counts_per_mip=COUNTS_PER_MIP / ratio,
        cells=cell_table(geometry, closed=True),
        table=table.astype(np.intp),
    )


def _origin(number: IndexArray) -> FloatArray:
    """Return y of the module (0, 0) of layers in cm."""
    corner = np.where(number % 2 == 0, -_CORNER_CM, _CORNER_CM)
    out: FloatArray = np.where(number < _FIRST_AT_CORNER, 0.0, corner)
    return out


def _rounded(u: Real, v: Real) -> tuple[Real, Real]:
    """Return the lattice point whose hexagon holds (u, v): of u, -v and v - u the worst follows from the others."""
    a, b, c = np.rint(u), np.rint(v), np.rint(v - u)
    off_a, off_b, off_c = np.abs(a - u), np.abs(b - v), np.abs(c - (v - u))
    worst_a = (off_a > off_b) & (off_a > off_c)
    worst_b = ~worst_a & (off_b > off_c)
    return np.where(worst_a, b - c, a), np.where(worst_b, a + c, b)
