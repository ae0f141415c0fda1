"""The trigger cells of a silicon module: where they are, how they are grouped and arranged.

Coordinates are in EMD units: 1 unit is half a trigger-cell pitch, 1.2084 cm (the distance of two
neighbouring small sensor cells). Source of the lattice, the numberings and the groups: the public
module tables of the HGCAL trigger emulators (fastml-science, ECONT_Emulator), restated here as
lattice formulas and two permutations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ConfigError, did_you_mean

CM_PER_UNIT = 1.2084
"""Centimetres in one EMD unit (half the trigger-cell pitch of 2.4168 cm)."""

_SAME_PLACE = 1e-6  # EMD units

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


@dataclass(frozen=True)
class Arrangement:
    """Where each trigger cell sits in the encoder's input image.

    Parameters
    ----------
    name : for example ``8x8x1``
    rows, cols, channels : image shape
    cells : trigger-cell number of every pixel in ``[row][col][channel]`` order, -1 for a pixel that is always zero
    """

    name: str
    rows: int
    cols: int
    channels: int
    cells: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Image shape (rows, cols, channels)."""
        return self.rows, self.cols, self.channels


@dataclass(frozen=True, eq=False)
class WaferGeometry:
    """A module's trigger cells; all arrays are read-only and indexed by trigger-cell number.

    Attributes
    ----------
    xy : float64 (n, 2), centres in EMD units
    edges : float64 (n, 2, 2), the two edge vectors of each cell's rhombus in EMD units
    sector : intp (n,), the 120-degree sector 0..2
    premux : intp (n,), position of the cell in the 12 ePortRX words (4 g + field, first cell of a word first)
    postmux : intp (n,), position of the cell after the concentrator's default mux
    overlapping_groups : intp (g, 4), all 2x2 groups, overlapping and across sector borders
    arrangements : encoder input images by name
    lattice : intp (n, 2), the lattice coordinates (u, v): ``(tc_cellu, tc_cellv)`` of CMSSW's trigger cells
    """

    name: str
    xy: FloatArray
    edges: FloatArray
    sector: IndexArray
    premux: IndexArray
    postmux: IndexArray
    overlapping_groups: IndexArray
    arrangements: Mapping[str, Arrangement] = field(default_factory=dict)
    lattice: IndexArray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))

    def __post_init__(self) -> None:
        for array in (
            self.xy,
            self.edges,
            self.lattice,
            self.sector,
            self.premux,
            self.postmux,
            self.overlapping_groups,
        ):
            array.setflags(write=False)

    @property
    def cells(self) -> int:
        """Number of trigger cells."""
        return len(self.xy)

    @cached_property
    def distance(self) -> FloatArray:
        """float64 (n, n): Euclidean distance of cell centres in EMD units (read-only)."""
        delta = self.xy[:, None, :] - self.xy[None, :, :]
        out: FloatArray = np.hypot(delta[..., 0], delta[..., 1])
        out.setflags(write=False)
        return out

    @cached_property
    def cell_at(self) -> IndexArray:
        """Intp (largest u + 1, largest v + 1): the trigger cell at lattice (u, v), -1 where there is none."""
        out = np.full(self.lattice.max(axis=0) + 1, -1, dtype=np.intp)
        out[self.lattice[:, 0], self.lattice[:, 1]] = np.arange(self.cells)
        out.setflags(write=False)
        return out

    @cached_property
    def rhombi(self) -> FloatArray:
        """float64 (n, 4, 2): corners of every cell in drawing order, EMD units (read-only)."""
        a, b = self.edges[:, 0, :] / 2, self.edges[:, 1, :] / 2
        out = self.xy[:, None, :] + np.stack([-a - b, a - b, a + b, b - a], axis=1)
        out.setflags(write=False)
        return out

    @cached_property
    def stc4(self) -> IndexArray:
        """Intp (n/4, 4): trigger cells of every 2x2 super trigger cell, in the order the chip numbers them."""
        return np.argsort(self.postmux).reshape(-1, 4)

    @cached_property
    def stc16(self) -> IndexArray:
        """Intp (n/16, 16): trigger cells of every 4x4 super trigger cell, in the order the chip numbers them."""
        return np.argsort(self.postmux).reshape(-1, 16)

    @cached_property
    def rotations(self) -> IndexArray:
        """Intp (k, n): the rotations by multiples of 120 degrees that map the cells onto themselves.

        ``charges[:, rotations[i]]`` is an image turned on the module; the first row is the identity.
        """
        centred = self.xy - self.xy.mean(axis=0)
        found = []
        for turn in range(3):
            angle = 2 * np.pi * turn / 3
            matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            gap = np.linalg.norm((centred @ matrix)[:, None] - centred[None], axis=2)
            if gap.min(axis=1).max() < _SAME_PLACE:
                found.append(gap.argmin(axis=1))
        out = np.array(found, dtype=np.intp)
        out.setflags(write=False)
        return out

    def arrangement(self, name: str) -> Arrangement:
        """Return the named arrangement; ConfigError with a suggestion when there is none."""
        if name not in self.arrangements:
            known = ", ".join(sorted(self.arrangements))
            raise ConfigError(
                f"arrangement {name!r} is unknown; expected one of {known}{did_you_mean(name, self.arrangements)}"
            )
        return self.arrangements[name]


# Trigger cell t of sector s = t // 16 has lattice coordinates (u, v) = origin + a * step_a + b * step_b with
# a, b = divmod(t % 16, 4). A step of u is (0, 2) and a step of v (sqrt 3, -1) in EMD units. The centre of a
# trigger cell is the mean of its sensor cells, which shifts each sector's rhombi by a constant.
_SECTORS = (
    # (u, v) of the first cell, step of a, step of b, shift of the centres
    ((7, 4), (0, 1), (-1, 0), (0.0, 0.0)),
    ((1, 0), (1, 0), (1, 1), (0.0, -0.5)),
    ((3, 6), (-1, -1), (0, -1), (np.sqrt(3) / 4, -0.25)),
)

# Position in the ECON-T's 48 inputs, by trigger cell: before the mux (the order of the ePortRX words) and after it.
_PREMUX = (
    29, 28, 27, 26, 30, 31, 25, 24, 22, 21, 18, 16, 23, 20, 19, 17,
    15, 12, 11, 10, 14, 13, 8, 9, 6, 5, 2, 0, 7, 4, 3, 1,
    44, 43, 42, 41, 47, 45, 40, 32, 46, 39, 35, 33, 38, 37, 36, 34,
)  # fmt: skip
_POSTMUX = (
    31, 30, 27, 26, 28, 29, 24, 25, 19, 18, 23, 22, 16, 17, 20, 21,
    15, 14, 11, 10, 12, 13, 8, 9, 3, 2, 7, 6, 0, 1, 4, 5,
    47, 46, 43, 42, 44, 45, 40, 41, 35, 34, 39, 38, 32, 33, 36, 37,
)  # fmt: skip

# Cells along the three sector borders, in order, on either side.
_BORDERS = (
    ((0, 1, 2, 3), (31, 27, 23, 19)),
    ((3, 7, 11, 15), (35, 34, 33, 32)),
    ((16, 17, 18, 19), (47, 43, 39, 35)),
)

_IMAGE_8X8 = (
    28, 29, 30, 31, 0, 4, 8, 12,
    24, 25, 26, 27, 1, 5, 9, 13,
    20, 21, 22, 23, 2, 6, 10, 14,
    16, 17, 18, 19, 3, 7, 11, 15,
    47, 43, 39, 35, -1, -1, -1, -1,
    46, 42, 38, 34, -1, -1, -1, -1,
    45, 41, 37, 33, -1, -1, -1, -1,
    44, 40, 36, 32, -1, -1, -1, -1,
)  # fmt: skip


def _low_density() -> WaferGeometry:
    xy = np.zeros((48, 2))
    edges = np.zeros((48, 2, 2))
    lattice = np.zeros((48, 2), dtype=np.intp)
    to_xy = np.array([[0.0, 2.0], [np.sqrt(3), -1.0]])  # rows: a step of u, a step of v
    for sector, (origin, step_a, step_b, shift) in enumerate(_SECTORS):
        for cell in range(16):
            a, b = divmod(cell, 4)
            u = origin[0] + a * step_a[0] + b * step_b[0]
            v = origin[1] + a * step_a[1] + b * step_b[1]
            lattice[16 * sector + cell] = u, v
            xy[16 * sector + cell] = np.array([u - 7, v - 4]) @ to_xy + shift
            edges[16 * sector + cell] = np.array([step_a, step_b]) @ to_xy
    inside = [
        (t, t + 1, t + 4, t + 5) for s in range(0, 48, 16) for t in (s + 4 * a + b for a in range(3) for b in range(3))
    ]
    across = [(p[i], p[i + 1], q[i], q[i + 1]) for p, q in _BORDERS for i in range(3)]
    # Three 4x4 sector images as channels: pixel (row, col) holds cell 4 row + col of every sector.
    image_4x4x3 = tuple(16 * s + t for t in range(16) for s in range(3))
    arrangements = (
        Arrangement("8x8x1", 8, 8, 1, _IMAGE_8X8),
        Arrangement("4x4x3", 4, 4, 3, image_4x4x3),
    )
    return WaferGeometry(
        name="HGCAL low-density module",
        xy=xy,
        edges=edges,
        sector=np.repeat(np.arange(3), 16),
        premux=np.array(_PREMUX, dtype=np.intp),
        postmux=np.array(_POSTMUX, dtype=np.intp),
        overlapping_groups=np.array(inside + across, dtype=np.intp),
        arrangements=MappingProxyType({a.name: a for a in arrangements}),
        lattice=lattice,
    )


LOW_DENSITY: WaferGeometry = _low_density()
"""The 48 trigger cells of a low-density HGCAL module."""
