"""The compiled EMD engine: ``transport.c``, built with the package where there is a C compiler, called by ctypes.

The calls release the interpreter's lock, so threads share the work.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import EconAeError
from econ_ae.geometry import WaferGeometry

FloatArray = NDArray[np.float64]

NAME = "compiled transport simplex"
MAX_CELLS = 56
_ABI = 1
_COST_RANGE = 1 << 19  # of a rounded distance: potentials of 55 arcs, times 64, fit in 32 bits
_FAR = 1 << 30
_TOLERANCE = 1e-12  # of a reduced cost, in the largest distance; 55 additions are six times more exact
INTEGER_PIVOTS = 10_000  # ten times what any pair has needed; beyond, the engine goes on with Bland's rule

_Double = ctypes.POINTER(ctypes.c_double)


class _Geometry(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("cells", "stride", "pairs", "words")),
        ("tolerance", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("distance", "cost", "incident", "first", "second")),
    )


@cache
def library() -> ctypes.CDLL | None:
    """Return the engine's shared library; None when the package was installed without a C compiler."""
    for suffix in dict.fromkeys((".abi3.so", *EXTENSION_SUFFIXES)):  # what earlier versions built comes last
        path = Path(__file__).with_name(f"_transport{suffix}")
        if path.is_file():
            loaded = ctypes.CDLL(str(path))
            loaded.econ_ae_emd_abi.restype = ctypes.c_int64
            if loaded.econ_ae_emd_abi() != _ABI:  # built from older sources
                continue
            loaded.econ_ae_emd.restype = ctypes.c_int64
            loaded.econ_ae_emd.argtypes = [
                ctypes.POINTER(_Geometry), _Double, _Double, ctypes.c_int64, ctypes.c_int64, ctypes.c_double,
                ctypes.c_int64, _Double, _Double, _Double,
            ]  # fmt: skip
            return loaded
    return None


@lru_cache(maxsize=8)
def _tables(geometry: WaferGeometry) -> tuple[_Geometry, tuple[NDArray[np.generic], ...]]:
    """Return the engine's constants of a geometry, and the arrays that they point into."""
    cells, distance = geometry.cells, np.ascontiguousarray(geometry.distance)
    largest = distance.max(axis=1)
    stride = -(-cells // 8) * 8
    cost = np.full((cells, stride), _FAR, dtype=np.int32)
    scale = float(largest.max()) or 1.0  # one cell has no distance
    cost[:, :cells] = 64 * np.rint(distance * (_COST_RANGE / scale)) + np.arange(cells)[:, None]
    first, second = np.triu_indices(cells, 1)
    order = np.argsort(distance[first, second] - largest[first] - largest[second], kind="stable")
    first, second = first[order].astype(np.uint8), second[order].astype(np.uint8)
    words = -(-len(order) // 64)
    member = np.zeros((cells, 64 * words), dtype=np.uint8)
    member[first, np.arange(len(order))] = member[second, np.arange(len(order))] = 1
    incident = np.packbits(member, axis=1, bitorder="little")
    arrays = (distance, cost, incident, first, second)
    constants = (cells, stride, len(order), words, _TOLERANCE * scale)
    return _Geometry(*constants, *(a.ctypes.data for a in arrays)), arrays


def _pointer(array: FloatArray | None) -> object:
    return None if array is None else array.ctypes.data_as(_Double)


@dataclass(frozen=True, eq=False)
class Task:
    """What is solved of images, and the arrays that take it, float64 and C-contiguous.

    Parameters
    ----------
    values : (pairs,), NaN where an image is empty
    threshold : fractions of an image not above it are dropped
    flow : (pairs, cells, cells) fractions moved
    potential : (pairs, cells), mean 0: the dual of x, and the negative of the dual of y
    matrix : all n * m pairs, in the order of x, instead of pairs of rows
    """

    values: FloatArray
    threshold: float = 0.0
    flow: FloatArray | None = None
    potential: FloatArray | None = None
    matrix: bool = False


def solve(
    x: FloatArray, y: FloatArray, geometry: WaferGeometry, task: Task, integer_pivots: int = INTEGER_PIVOTS
) -> None:
    """Fill the arrays of a task.

    Parameters
    ----------
    x, y : (n, cells), (m, cells) finite charges >= 0, float64 and C-contiguous; m = n unless the task is a matrix
    geometry : of at most 56 cells
    integer_pivots : pivots before Bland's rule takes over
    """
    engine = library()
    if engine is None:
        raise EconAeError("the compiled EMD engine is not built; reinstall the package where a C compiler is")
    constants, _alive = _tables(geometry)
    columns = len(y) if task.matrix else 0
    stopped = engine.econ_ae_emd(
        constants, _pointer(x), _pointer(y), len(task.values), columns, task.threshold, integer_pivots,
        _pointer(task.values), _pointer(task.flow), _pointer(task.potential),
    )  # fmt: skip
    if stopped:
        raise EconAeError(f"the EMD engine stopped before the optimum of {stopped} pairs; please report these images")
