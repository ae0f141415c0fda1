"""How the charge of a deposit is shared among trigger cells: a table over the places where it can start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from econ_ae.geometry import FloatArray, IndexArray, WaferGeometry

_PIXEL = 0.25  # EMD units; a trigger cell's rhombus has an area of 3.46
_STEP = 2  # pixels between two starting places
_MARGIN = 3.0  # EMD units around the module from which a deposit can still reach it
_SHARED = 4  # cells that one deposit reaches at most
_GAP = 0.56  # half a rhombus is 0.5 edges; the rest closes the gaps along the sector borders


@dataclass(frozen=True, eq=False)
class DepositTable:
    """Shares of a deposit's charge by place.

    Attributes
    ----------
    xy : float64 (places, 2), EMD units
    cells : intp (places, 4), trigger cells with the largest shares
    shares : float64 (places, 4), their shares; the sum is below 1 where charge leaves the module
    """

    xy: FloatArray
    cells: IndexArray
    shares: FloatArray


def _pixel_cells(geometry: WaferGeometry) -> tuple[FloatArray, IndexArray]:
    """Return pixel centres (nx, ny, 2) and the trigger cell of every pixel, ``geometry.cells`` outside the module."""
    low, high = geometry.xy.min(axis=0) - _MARGIN, geometry.xy.max(axis=0) + _MARGIN
    axes = [np.arange(a + _PIXEL / 2, b, _PIXEL) for a, b in zip(low, high, strict=True)]
    xy = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    to_edges = np.linalg.inv(np.swapaxes(geometry.edges, 1, 2))
    along = np.einsum("cij,xycj->xyci", to_edges, xy[:, :, None, :] - geometry.xy)
    reach = np.abs(along).max(axis=-1)
    return xy, np.where(reach.min(axis=-1) < _GAP, reach.argmin(axis=-1), geometry.cells)


def deposit_table(geometry: WaferGeometry, radius: float) -> DepositTable:
    """Tabulate deposits with the lateral profile exp(-r / radius), ``radius`` in EMD units."""
    xy, cells = _pixel_cells(geometry)
    size = int(min(_MARGIN, 4 * radius) / _PIXEL)
    dx, dy = (d.ravel() for d in np.meshgrid(*[np.arange(-size, size + 1)] * 2, indexing="ij"))
    profile = np.exp(-np.hypot(dx, dy) * _PIXEL / radius)
    profile /= profile.sum()

    places = tuple(axis.ravel() for axis in np.meshgrid(*[np.arange(0, n, _STEP) for n in cells.shape], indexing="ij"))
    padded = np.pad(cells, size, constant_values=geometry.cells)
    reached = padded[places[0][:, None] + size + dx, places[1][:, None] + size + dy]
    row = np.arange(len(reached))[:, None]
    columns = geometry.cells + 1
    index = (row * columns + reached).ravel()
    sums = np.bincount(index, np.broadcast_to(profile, reached.shape).ravel(), len(reached) * columns)
    shares = sums.astype(np.float64).reshape(-1, columns)[:, :-1]

    best = np.argsort(-shares, axis=1, kind="stable")[:, :_SHARED]
    inside = shares.any(axis=1)
    return DepositTable(xy[places][inside], best[inside], np.take_along_axis(shares, best, axis=1)[inside])
