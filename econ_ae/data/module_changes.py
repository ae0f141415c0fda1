"""Which module every image is of, and what is drawn for each module of its own: gains, dead cells, pileup.

What is drawn for a module depends on the seed and on the module alone: it is the same in every set of rows, in every
part of a streamed set, and in another file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.errors import DataError

Charges = NDArray[np.float64]
Index = NDArray[np.int64]

_GAINS, _DEAD = 0, 2  # streams of random numbers
_PLACES = (("wafer_u", "wafer_v"), ("x", "y"), ("wafer",))
_OFFSET, _PER_CM = 1 << 20, 10  # places are counted in mm, from 100 m left of the beam


def modules(batch: Batch, *, sides: bool = True) -> tuple[Index, Index]:
    """Return what tells modules apart, int64 (modules, columns) from 0 on, and the module of every image, int64 (n,).

    Parameters
    ----------
    sides : modules at the same place of both endcaps are two

    Raises
    ------
    DataError
        When the images do not say which module they are of.
    """
    found = batch.metadata
    layer = next((name for name in ("layer", "detector_layer") if name in found), None)
    place = next((names for names in _PLACES if set(names) <= set(found)), None)
    if layer is None or place is None:
        there = ", ".join(sorted(found)) or "no columns"
        raise DataError(
            f"conditions.per_module: {batch.provenance.source} does not say which module an image is of (it has "
            f"{there}); expected layer with wafer_u and wafer_v, x and y, or wafer; leave per_module out"
        )
    names = (layer, *(["zside"] if sides and "zside" in found else []), *place)
    columns = [np.asarray(found[name], np.float64) * (_PER_CM if name in {"x", "y"} else 1) for name in names]
    keys, which = np.unique(np.rint(np.stack(columns, axis=1)).astype(np.int64), axis=0, return_inverse=True)
    return keys + _OFFSET, which.reshape(-1)


def gains(keys: Index, drift: float, cells: int, seed: int) -> Charges:
    """Return the gain of every cell of modules, float64 (modules, cells): normal around 1, at least 0."""
    drawn = [np.random.default_rng([seed, _GAINS, *key]).normal(1.0, drift, cells) for key in keys.tolist()]
    return np.maximum(np.array(drawn).reshape(-1, cells), 0.0)


def dead(keys: Index, alive: NDArray[np.bool_], count: int, seed: int) -> NDArray[np.bool_]:
    """Return ``count`` cells of every module that are dead, bool (modules, cells).

    A module with more dead cells has those that it has with fewer too.

    Parameters
    ----------
    keys : integers (modules, columns); no columns for one module of which nothing is known
    alive : bool (cells,), cells among which they are drawn
    """
    among = np.flatnonzero(alive)
    out = np.zeros((len(keys), len(alive)), np.bool_)
    for row, key in zip(out, keys.tolist(), strict=True):
        row[np.random.default_rng([seed, _DEAD, *key]).permutation(among)[:count]] = True
    return out


def overlaid(charges: Charges, factor: float, batch: Batch, rng: np.random.Generator) -> Charges:
    """Return charges (n, cells) with hits of the same module in other crossings on top, until the mean has the factor.

    Both endcaps count as the same module. No row is made for a crossing in which the module was empty, and in the
    share of crossings in which it was empty nothing is overlaid.
    """
    _, which = modules(batch, sides=False)
    count = np.bincount(which)[which]
    crossings = _crossings(batch)
    order = np.argsort(which + rng.random(len(which)) * 0.5, kind="stable")  # by module, at random within it
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first = np.searchsorted(which[order], which)
    out, left, shift = charges.copy(), factor - 1, 1
    while left > 0:
        other = order[first + (place - first + shift) % count]
        there = (rng.random(len(which)) < count / max(crossings, 1)) & (count > shift)
        added = charges[other] * there[:, None]
        out += added if left >= 1 else added * (rng.random(charges.shape) < left)
        left, shift = left - 1, shift + 1
    return out


def _crossings(batch: Batch) -> int:
    """Return how often a place was read out: crossings times sides."""
    if "event" not in batch.metadata:
        return 1  # every image is a crossing of its own, in none of which the module was empty
    sides = len(np.unique(batch.metadata["zside"])) if "zside" in batch.metadata else 1
    return len(np.unique(batch.metadata["event"])) * sides
