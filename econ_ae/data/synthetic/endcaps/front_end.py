"""From the charge of trigger cells to codes: noise, threshold, whole counts, 4E3M."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.endcaps.settings import FrontEnd
from econ_ae.floatcodes import encode
from econ_ae.geometry import FloatArray, IndexArray


def sent(
    rng: np.random.Generator, mips: FloatArray, counts_per_mip: FloatArray, front_end: FrontEnd
) -> tuple[IndexArray, NDArray[np.uint8]]:
    """Return which cells are sent, ascending, and their codes, uint8.

    Cells without charge have noise, too: their number above the threshold is binomial, their charge from the tail of
    the normal distribution, drawn as by Marsaglia (1964).

    Parameters
    ----------
    mips : float64 (cells,), charge of every cell
    counts_per_mip : float64 (cells,)
    """
    cell = np.flatnonzero(mips)
    charge = mips[cell]
    if front_end.noise_mip:
        charge = charge + front_end.noise_mip * rng.standard_normal(len(cell))
        empty, level = np.flatnonzero(mips == 0), front_end.threshold_mip / front_end.noise_mip
        above = rng.binomial(len(empty), 0.5 * math.erfc(level / math.sqrt(2)))
        noisy = empty[np.unique(rng.integers(len(empty), size=above))] if above else empty[:0]
        cell = np.concatenate([cell, noisy])
        charge = np.concatenate([charge, front_end.noise_mip * _tail(rng, level, len(noisy))])
    # A charge may be above the threshold and still less than a count.
    counts = np.where(charge >= front_end.threshold_mip, charge * counts_per_mip[cell], 0).astype(np.int64)
    kept = np.flatnonzero(counts)
    kept = kept[np.argsort(cell[kept], kind="stable")]
    return cell[kept].astype(np.intp), encode(counts[kept], 4, 3).astype(np.uint8)


def _tail(rng: np.random.Generator, level: float, n: int) -> FloatArray:
    """Return standard normal values above a level, by rejection: x = sqrt(level^2 - 2 ln u), kept with level / x."""
    out = np.zeros(0)
    while len(out) < n:
        u, v = 1 - rng.random((2, n))
        x = np.sqrt(level * level - 2 * np.log(u))
        out = np.concatenate([out, x[v * x <= level]])
    return out[:n]
