"""The EMD engine without a compiler: POT's network simplex, one pair at a time, same numbers."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import EconAeError
from econ_ae.geometry import WaferGeometry
from metrics.emd_compiled import Task

# POT probes every array library that it finds; importing those takes seconds and memory.
for _library in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"):
    os.environ.setdefault(f"POT_BACKEND_DISABLE_{_library}", "1")

# The solver itself: a third of the time of ot.emd2, whose checks are done for the whole batch.
from ot.lp.emd_wrap import check_result, emd_c  # noqa: E402

FloatArray = NDArray[np.float64]

NAME = "POT network simplex"
# Mass of a normalised cell that is rounding of the division, not charge: two images that are multiples of each
# other have distance exactly 0. It moves an EMD by less than 48 * 1e-15 * 14.
_ROUNDING = 1e-15
_MAX_ITERATIONS = 1_000_000
_OPTIMAL = 1  # POT's result code


def solve(x: FloatArray, y: FloatArray, geometry: WaferGeometry, task: Task) -> None:
    """Fill the arrays of a task; see ``metrics.emd_compiled.solve``."""
    distance = np.ascontiguousarray(geometry.distance)
    p, q = _fractions(x, task.threshold), _fractions(y, task.threshold)
    for k in range(len(task.values)):
        a, b = divmod(k, len(y)) if task.matrix else (k, k)
        moved = None if task.flow is None else task.flow[k]
        dual = None if task.potential is None else task.potential[k]
        task.values[k] = _pair(p[a], q[b], distance, moved, dual)


def _fractions(images: FloatArray, threshold: float) -> FloatArray:
    """Images normalised to 1; NaN where nothing is left."""
    with np.errstate(invalid="ignore"):  # 0 / 0 of an empty image
        out: FloatArray = images / images.sum(axis=1, keepdims=True)
        if threshold > 0:
            out = np.where(out > threshold, out, 0.0)
            out /= out.sum(axis=1, keepdims=True)
    return out


def _pair(
    p: FloatArray, q: FloatArray, distance: FloatArray, flow: FloatArray | None, dual: FloatArray | None
) -> float:
    for out in (flow, dual):
        if out is not None:
            out[...] = 0
    excess = p - q
    if np.isnan(excess).any():
        return float("nan")
    if flow is not None:
        np.fill_diagonal(flow, np.minimum(p, q))
    sources, sinks = np.flatnonzero(excess > _ROUNDING), np.flatnonzero(excess < -_ROUNDING)
    if not len(sources) or not len(sinks):
        return 0.0
    supply, demand = excess[sources], -excess[sinks]
    total = float(supply.sum())
    cost = distance[sources[:, None], sinks]
    # The simplex compares masses with an absolute epsilon: give it masses of order one.
    plan, value, _, v, code = emd_c(supply / total, demand / demand.sum(), cost, _MAX_ITERATIONS, 1)
    if code != _OPTIMAL:
        raise EconAeError(f"EMD solver stopped before the optimum: {check_result(code)}")
    if flow is not None:
        flow[np.ix_(sources, sinks)] = total * plan
    if dual is not None:
        # The largest potential below the sinks' that nowhere falls by more than the distance.
        dual[...] = (distance[:, sinks] - v).min(axis=1)
        dual -= dual.mean()
    return total * float(value)
