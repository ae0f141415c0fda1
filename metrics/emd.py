"""Earth mover's distance between trigger-cell images: exact, batched, with undefined pairs counted apart.

Both images of a pair are normalised to a sum of 1; the ground distance is the Euclidean distance of the cell
centres in EMD units (1 unit is half a trigger-cell pitch, 1.2084 cm).

The ground distance is a metric, so some optimal transport plan leaves the mass that both images share in place.
Only the remainder, often a small fraction of the cells, goes to POT's network simplex.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry

# POT probes every array library that it finds; importing those takes seconds and memory.
os.environ.setdefault("POT_BACKEND_DISABLE_TENSORFLOW", "1")
os.environ.setdefault("POT_BACKEND_DISABLE_PYTORCH", "1")
os.environ.setdefault("POT_BACKEND_DISABLE_JAX", "1")
os.environ.setdefault("POT_BACKEND_DISABLE_CUPY", "1")

# The compiled solver: a third of the time of ot.emd2, whose checks are done here for the whole batch.
from ot.lp.emd_wrap import check_result, emd_c

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Mass of a normalised cell that is rounding of the division, not charge: two images that are multiples of each
# other have distance exactly 0. It moves an EMD by less than 48 * 1e-15 * 14.
_ROUNDING = 1e-15
_MAX_ITERATIONS = 1_000_000
_OPTIMAL = 1  # POT's result code
_PROCESS_PAIRS = 200_000  # about 10 s in one process; starting a worker takes 2 s


@dataclass(frozen=True, eq=False)
class EmdResult:
    """EMDs of n pairs.

    Parameters
    ----------
    values : float64 (n,), EMD units; NaN where undefined
    defined : bool (n,), False where one of the images has no charge
    """

    values: FloatArray
    defined: BoolArray

    def __post_init__(self) -> None:
        for array in (self.values, self.defined):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_undefined(self) -> int:
        """Number of pairs without an EMD."""
        return int(np.count_nonzero(~self.defined))

    @property
    def of_defined(self) -> FloatArray:
        """float64 (n - n_undefined,): the values that averages and quantiles are made of."""
        return self.values[self.defined]


def emd(x: ArrayLike, y: ArrayLike, geometry: WaferGeometry, jobs: int | None = None) -> EmdResult:
    """Return the exact earth mover's distance of every pair of images.

    Parameters
    ----------
    x, y : numbers >= 0, shape (n, cells); any scale, every image is normalised to a sum of 1
    geometry : the cells' positions
    jobs : processes; None takes one process below 200,000 pairs and one per CPU above. Worker processes are
        spawned, so a script that asks for them needs the ``if __name__ == "__main__"`` guard.

    Returns
    -------
    EmdResult with float64 values in EMD units. A pair with an empty image is undefined: it has no value.

    Raises
    ------
    DataError
        When a shape is wrong, or a charge is negative, infinite or NaN; names the first such row.
    """
    if jobs is not None and jobs < 1:
        raise DataError(f"jobs must be at least 1 (or None), not {jobs}")
    p, q = _images(x, "x", geometry), _images(y, "y", geometry)
    if len(p) != len(q):
        raise DataError(f"x has {len(p)} images and y {len(q)}; EMD takes pairs, so both must have the same number")
    p_sum, q_sum = p.sum(axis=1), q.sum(axis=1)
    defined = (p_sum > 0) & (q_sum > 0)
    excess = p[defined] / p_sum[defined, None] - q[defined] / q_sum[defined, None]
    values = np.full(len(p), np.nan)
    values[defined] = _solve(excess, np.ascontiguousarray(geometry.distance), _workers(len(excess), jobs))
    return EmdResult(values, defined)


def _images(values: ArrayLike, name: str, geometry: WaferGeometry) -> FloatArray:
    array = np.asarray(values)
    if array.dtype.kind not in "uifb":
        raise DataError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] != geometry.cells:
        raise DataError(
            f"{name} has shape {array.shape}; expected (n, {geometry.cells}), the cells of the {geometry.name}"
        )
    out = array.astype(np.float64)
    bad = ~np.isfinite(out) | (out < 0)
    if bad.any():
        row, cell = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{name} row {row}, trigger cell {cell} is {out[row, cell]}; expected a finite charge >= 0")
    with np.errstate(over="ignore"):
        overflow = ~np.isfinite(out.sum(axis=1))
    if overflow.any():
        raise DataError(f"{name} row {int(np.argmax(overflow))} has a sum above the float64 range; scale the charges")
    return out


def _workers(pairs: int, jobs: int | None) -> int:
    if jobs is None:
        jobs = (os.cpu_count() or 1) if pairs >= _PROCESS_PAIRS else 1
    return max(1, min(jobs, pairs))


def _solve(excess: FloatArray, distance: FloatArray, workers: int) -> FloatArray:
    if workers == 1:
        return _transport_rows(excess, distance)
    chunks: Sequence[FloatArray] = np.array_split(excess, 4 * workers)
    # Spawned, not forked: forking a process in which TensorFlow runs threads can deadlock.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return np.concatenate(list(pool.map(_transport_rows, chunks, [distance] * len(chunks))))


def _transport_rows(excess: FloatArray, distance: FloatArray) -> FloatArray:
    return np.array([_transport(row, distance) for row in excess], dtype=np.float64)


def _transport(excess: FloatArray, distance: FloatArray) -> float:
    """Cost of moving the positive entries of ``excess`` (cells,), which sums to 0, onto the negative ones."""
    sources = np.flatnonzero(excess > _ROUNDING)
    sinks = np.flatnonzero(excess < -_ROUNDING)
    if not len(sources) or not len(sinks):
        return 0.0
    supply, demand = excess[sources], -excess[sinks]
    moved = float(supply.sum())
    cost = distance[sources[:, None], sinks]
    # The simplex compares masses with an absolute epsilon: give it masses of order one.
    _, total, _, _, code = emd_c(supply / moved, demand / demand.sum(), cost, _MAX_ITERATIONS, 1)
    if code != _OPTIMAL:
        raise DataError(f"EMD solver stopped before the optimum: {check_result(code)}")
    return moved * float(total)
