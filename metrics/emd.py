"""Earth mover's distance between trigger-cell images: exact, batched, with undefined pairs counted apart.

Both images of a pair are normalised to a sum of 1; the ground distance is the Euclidean distance of the cell
centres in EMD units (1 unit is half a trigger-cell pitch, 1.2084 cm).

The ground distance is a metric, so some optimal transport plan leaves the mass that both images share in place.
Only the remainder, often a small fraction of the cells, goes to a solver: a compiled transport simplex, or POT's
network simplex where the package was installed without a C compiler (`engine` says which; the numbers are equal).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY, WaferGeometry
from metrics import emd_compiled
from metrics.emd_compiled import Task

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_CHUNK_PAIRS = 8192  # 6 MB of images, about 40 ms
_SAFE_CHARGE = 1e300  # sums of images below it do not overflow


@dataclass(frozen=True, eq=False)
class EmdResult:
    """EMDs of n pairs, or of all pairs of n and m images.

    Parameters
    ----------
    values : float64 (n,) or (n, m), EMD units; NaN where undefined
    defined : bool, the shape of ``values``; False where one of the images has no charge
    flow : float64 (n, cells, cells) or None, fraction of the charge moved from a cell of x to a cell of y, mass that
        stays on the diagonal; its sums are the normalised images. Zero where undefined
    """

    values: FloatArray
    defined: BoolArray
    flow: FloatArray | None = None

    def __post_init__(self) -> None:
        for array in (self.values, self.defined, self.flow):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_undefined(self) -> int:
        """Number of pairs without an EMD."""
        return int(np.count_nonzero(~self.defined))

    @property
    def of_defined(self) -> FloatArray:
        """float64 (pairs - n_undefined,): the values that averages and quantiles are made of."""
        return self.values[self.defined]


class EmdDuals(NamedTuple):
    """Dual potentials of n pairs: the best prices of moving charge.

    Attributes
    ----------
    u : float64 (n, cells), of the cells of x; EMD units, mean 0, NaN where undefined
    v : float64 (n, cells), of the cells of y
    """

    u: FloatArray
    v: FloatArray


_Solve = Callable[[FloatArray, FloatArray, WaferGeometry, Task], None]


def engine(geometry: WaferGeometry = LOW_DENSITY) -> str:
    """Return the name of the solver that is used for a geometry, for reports and notices."""
    return _engine(geometry)[0]


def _engine(geometry: WaferGeometry) -> tuple[str, _Solve]:
    if geometry.cells <= emd_compiled.MAX_CELLS and emd_compiled.library() is not None:
        return emd_compiled.NAME, emd_compiled.solve
    from metrics import emd_pot  # noqa: PLC0415  # importing POT takes a second that the compiled engine saves

    return emd_pot.NAME, emd_pot.solve


def emd(
    x: ArrayLike,
    y: ArrayLike,
    geometry: WaferGeometry,
    jobs: int | None = None,
    *,
    return_flow: bool = False,
    threshold: float = 0.0,
    progress: Callable[[int], object] | None = None,
) -> EmdResult:
    """Return the exact earth mover's distance of every pair of images.

    Parameters
    ----------
    x, y : numbers >= 0, shape (n, cells); any scale, every image is normalised to a sum of 1
    geometry : the cells' positions
    jobs : threads; None takes one per CPU. The numbers do not depend on it, bit for bit.
    return_flow : also return what moves where; 18 kB per pair of 48 cells
    threshold : drop cells with a fraction of their image's charge not above it, and normalise again
    progress : called in this thread with the number of pairs done since the last call, about every 40 ms

    Returns
    -------
    EmdResult with float64 values in EMD units. A pair with an empty image is undefined: it has no value.

    Raises
    ------
    DataError
        Before anything is solved, when a shape is wrong, or a charge is negative, infinite or NaN; names the first
        such row.
    """
    a, b = _pairs(x, y, geometry)
    values = np.empty(len(a))
    flow = np.empty((len(a), geometry.cells, geometry.cells)) if return_flow else None

    def part(rows: slice) -> None:
        plans = None if flow is None else flow[rows]
        _solve(geometry, a[rows], b[rows], Task(values[rows], threshold, plans))

    _check_options(jobs, threshold)
    _spread(part, len(a), jobs, progress=progress)
    return EmdResult(values, ~np.isnan(values), flow)


def emd_matrix(x: ArrayLike, y: ArrayLike, geometry: WaferGeometry, *, threshold: float = 0.0) -> EmdResult:
    """Return the exact earth mover's distances of all images of x (n, cells) from all of y (m, cells), as (n, m).

    Parameters, errors and undefined pairs as for ``emd``.
    """
    a, b = _images(x, "x", geometry), _images(y, "y", geometry)
    _check_options(None, threshold)
    values = np.empty((len(a), len(b)))
    columns = np.ascontiguousarray(b, dtype=np.float64)

    def part(rows: slice) -> None:
        _solve(geometry, a[rows], columns, Task(values[rows].reshape(-1), threshold, matrix=True))

    if values.size:
        size = max(1, _CHUNK_PAIRS // len(b))
        _spread(part, len(a), None, size=size)
    return EmdResult(values, ~np.isnan(values))


def emd_duals(x: ArrayLike, y: ArrayLike, geometry: WaferGeometry, jobs: int | None = None) -> EmdDuals:
    """Return optimal dual potentials (u, v), float64 (n, cells) each: the exact subgradient of every pair's EMD.

    With p and q the images normalised to 1, ``(u * p).sum() + (v * q).sum()`` is the EMD, and
    ``u[i] + v[j] <= distance[i, j]`` for all pairs of cells, also those without charge (both up to rounding). u is
    a subgradient of the EMD in p: no image p' of sum 1 has an EMD below ``EMD + (u * (p' - p)).sum()``; likewise v
    in q. In terms of the charges the gradient is ``(u - (u * p).sum()) / x.sum()``, likewise for y. A constant may
    move between u and v; here v = -u, and u has mean 0.

    Parameters and errors as for ``emd``; a pair with an empty image has NaN potentials.
    """
    a, b = _pairs(x, y, geometry)
    _check_options(jobs, 0.0)
    u = np.empty((len(a), geometry.cells))

    def part(rows: slice) -> None:
        values = np.empty(rows.stop - rows.start)
        _solve(geometry, a[rows], b[rows], Task(values, potential=u[rows]))
        u[rows][np.isnan(values)] = np.nan

    _spread(part, len(a), jobs)
    return EmdDuals(u, -u)


def _solve(geometry: WaferGeometry, x: NDArray[np.generic], y: NDArray[np.generic], task: Task) -> None:
    # Converting here, per chunk, keeps the memory flat.
    solve = _engine(geometry)[1]
    solve(np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64), geometry, task)


def _chunks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _spread(
    part: Callable[[slice], None],
    n: int,
    jobs: int | None,
    *,
    size: int = _CHUNK_PAIRS,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Call ``part`` for all chunks of n rows, in threads when there are several of both."""
    report = progress or (lambda _: None)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(jobs or cpus, -(-n // size))
    if threads <= 1:
        for rows in _chunks(n, size):
            part(rows)
            report(rows.stop - rows.start)
        return
    with ThreadPoolExecutor(threads) as pool:
        todo = {pool.submit(part, rows): rows for rows in _chunks(n, size)}
        try:
            for done in as_completed(todo):
                done.result()
                report(todo[done].stop - todo[done].start)
        finally:
            pool.shutdown(cancel_futures=True)


def _check_options(jobs: int | None, threshold: float) -> None:
    if jobs is not None and jobs < 1:
        raise DataError(f"jobs must be at least 1 (or None), not {jobs}")
    if not 0 <= threshold < 1:
        raise DataError(f"threshold is a fraction of an image's charge, 0 <= threshold < 1, not {threshold}")


def _pairs(x: ArrayLike, y: ArrayLike, geometry: WaferGeometry) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    a, b = _images(x, "x", geometry), _images(y, "y", geometry)
    if len(a) != len(b):
        raise DataError(f"x has {len(a)} images and y {len(b)}; EMD takes pairs, so both must have the same number")
    return a, b


def _images(values: ArrayLike, name: str, geometry: WaferGeometry) -> NDArray[np.generic]:
    """Return the images as an array, every charge checked."""
    array = np.asarray(values)
    if array.dtype.kind not in "uifb":
        raise DataError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] != geometry.cells:
        raise DataError(
            f"{name} has shape {array.shape}; expected (n, {geometry.cells}), the cells of the {geometry.name}"
        )
    for rows in _chunks(len(array), _CHUNK_PAIRS):
        chunk = array[rows]
        # One comparison of the extremes is enough for nearly all chunks; NaN fails it too.
        if not (chunk.min() >= 0 and float(chunk.max()) <= _SAFE_CHARGE):
            _name_bad_row(chunk, rows.start, name)
    return array


def _name_bad_row(chunk: NDArray[np.generic], start: int, name: str) -> None:
    charges = chunk.astype(np.float64)
    bad = ~np.isfinite(charges) | (charges < 0)
    if bad.any():
        row, cell = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{name} row {start + row}, trigger cell {cell} is {charges[row, cell]}; expected a finite charge >= 0"
        )
    with np.errstate(over="ignore"):
        overflow = ~np.isfinite(charges.sum(axis=1))
    if overflow.any():
        row = start + int(np.argmax(overflow))
        raise DataError(f"{name} row {row} has a sum above the float64 range; scale the charges")
