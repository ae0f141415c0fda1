"""Seeds: local maxima of the smoothed (r/z, phi) histogram of a side ("histomax")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.cells import Cells, sums
from metrics.trigger.settings import SEEDING, Seeding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seeds:
    """Where clusters grow, in the order of side, r/z and phi.

    Parameters
    ----------
    side : int64 (s,)
    u, v : float64 (s,), direction: the mean of the cells in the seed's bin, or the bin's centre when it has none
    height : float64 (s,), smoothed sum, MIP_T per area
    """

    side: IntArray
    u: FloatArray
    v: FloatArray
    height: FloatArray

    def __len__(self) -> int:
        return len(self.side)


def find_seeds(cells: Cells, sides: int, settings: Seeding = SEEDING) -> Seeds:
    """Return the seeds of all sides.

    Cells outside the histogram's range of r/z make no seed.

    Parameters
    ----------
    sides : how many there are
    """
    shape = (sides, settings.r_bins, settings.phi_bins)
    r_bin, phi_bin = bins_of(cells.u, cells.v, settings)
    inside = (r_bin >= 0) & (r_bin < settings.r_bins)
    flat = np.ravel_multi_index((cells.side[inside], r_bin[inside], phi_bin[inside]), shape)
    mipt, size = cells.mipt[inside], int(np.prod(shape))
    total = sums(flat, mipt, size).reshape(shape)
    smooth = smoothed(total, settings)
    side, r, phi = np.nonzero(_maxima(smooth) & (smooth > settings.threshold))
    there = total[side, r, phi]
    known = there > 0
    # Only the bins of seeds need the mean direction of their cells.
    index = np.full(size, -1)
    index[np.ravel_multi_index((side, r, phi), shape)] = np.arange(len(side))
    seed = index[flat]
    mine = seed >= 0
    radius, angle = _centres(r, phi, settings)
    out = []
    for values, centre in ((cells.u, radius * np.cos(angle)), (cells.v, radius * np.sin(angle))):
        weighted = sums(seed[mine], (mipt * values[inside])[mine], len(side))
        out.append(np.where(known, weighted / np.where(known, there, 1.0), centre))
    return Seeds(side, out[0], out[1], smooth[side, r, phi])


def bins_of(u: FloatArray, v: FloatArray, settings: Seeding = SEEDING) -> tuple[IntArray, IntArray]:
    """Return the bins in r/z (outside the range below 0, or ``r_bins`` and more) and phi, from -pi on, int64 (m,)."""
    step = (settings.high - settings.low) / settings.r_bins
    r_bin = np.floor((np.hypot(u, v) - settings.low) / step).astype(np.int64)
    phi_bin = np.floor((np.arctan2(v, u) + np.pi) * (settings.phi_bins / (2 * np.pi))).astype(np.int64)
    return r_bin, phi_bin % settings.phi_bins


def _centres(r: IntArray, phi: IntArray, settings: Seeding) -> tuple[FloatArray, FloatArray]:
    step = (settings.high - settings.low) / settings.r_bins
    radius = settings.low + (r.astype(np.float64) + 0.5) * step
    return radius, (phi.astype(np.float64) + 0.5) * (2 * np.pi / settings.phi_bins) - np.pi


def smoothed(total: FloatArray, settings: Seeding = SEEDING) -> FloatArray:
    """Return histograms (sides, r_bins, phi_bins) smoothed in phi, divided by the area, then smoothed in r/z.

    In phi a bin i steps away counts 2**-i; in r/z the two neighbours count 1/2, and the sum is divided by the weights.
    """
    summed, neighbours = total.copy(), settings.neighbours
    for step in range(1, int(neighbours.max()) + 1):
        rows = neighbours >= step
        part = total[:, rows]
        summed[:, rows] += (np.roll(part, step, axis=2) + np.roll(part, -step, axis=2)) / 2**step
    density = summed / settings.areas[:, None]
    out = density.copy()
    out[:, 1:] += 0.5 * density[:, :-1]
    out[:, :-1] += 0.5 * density[:, 1:]
    weight = np.full(settings.r_bins, 2.0)
    weight[[0, -1]] = 1.5
    return out / weight[:, None]


def _maxima(smooth: FloatArray) -> NDArray[np.bool_]:
    """Return which bins are maxima of the 3 x 3 bins around; of two equal neighbours one is, by the rule of CMSSW.

    A maximum is above its neighbours at higher r/z and at lower phi, and at least as high as the others.
    """
    padded = np.pad(smooth, ((0, 0), (1, 1), (0, 0)), constant_values=-np.inf)
    low, high = padded[:, :-2], padded[:, 2:]
    above = (high, *(np.roll(rows, 1, axis=2) for rows in (low, smooth, high)))
    level = (low, *(np.roll(rows, -1, axis=2) for rows in (low, smooth, high)))
    out = np.ones(smooth.shape, np.bool_)
    for other in above:
        out &= smooth > other
    for other in level:
        out &= smooth >= other
    return out
