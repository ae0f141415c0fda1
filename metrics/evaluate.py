"""Evaluation: the EMD of every reconstruction of the same events, summarised and binned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry
from metrics.baselines import Reconstruction
from metrics.emd import EmdResult, emd
from metrics.profiles import Profile, profile
from metrics.statistics import Summary, summarise
from metrics.variables import Variable, variables


@dataclass(frozen=True, eq=False)
class Evaluated:
    """One reconstruction with its EMD: per event, summarised, and binned in every variable of the evaluation."""

    reconstruction: Reconstruction
    result: EmdResult
    summary: Summary
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """EMDs of several reconstructions of the same n events.

    Parameters
    ----------
    entries : in the order of the reconstructions
    occupancy : int64 (n,), cells with charge in the input
    total : float64 (n,), sum of the input's charges, CALQ counts
    seed : of every bootstrap
    variables : what the profiles are binned in
    """

    entries: tuple[Evaluated, ...]
    occupancy: NDArray[np.int64]
    total: NDArray[np.float64]
    seed: int
    variables: tuple[Variable, ...] = ()

    def of(self, algorithm: str, *, elinks: int | None = None) -> tuple[Evaluated, ...]:
        """Return the entries of an algorithm, at one eLink count if given, smallest mean EMD first."""
        found = (
            e
            for e in self.entries
            if e.reconstruction.algorithm == algorithm and (elinks is None or e.reconstruction.elinks == elinks)
        )
        return tuple(sorted(found, key=lambda e: e.summary.mean.value))

    def beside(self, other: Evaluation) -> Evaluation:
        """Return this evaluation with the entries of another one after its own.

        Raises
        ------
        DataError
            When the other one is of other events, or was made with another seed.
        """
        if self.seed != other.seed or not np.array_equal(self.total, other.total):
            raise DataError(
                f"evaluations of {len(self.total)} and {len(other.total)} events with seeds {self.seed} and "
                f"{other.seed} are put beside each other; expected the same events and seed"
            )
        return replace(self, entries=(*self.entries, *other.entries))


def evaluate(
    charges: NDArray[np.generic],
    reconstructions: Sequence[Reconstruction],
    geometry: WaferGeometry,
    seed: int,
    *,
    metadata: Mapping[str, NDArray[np.generic]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Compare every reconstruction with the input images.

    Parameters
    ----------
    charges : (n, cells) input charges, CALQ counts
    seed : of the bootstrap errors
    progress : called with the number of pairs solved since its last call
    metadata : columns of the events to profile against, see ``metrics.variables.variables``

    Raises
    ------
    DataError
        When there is nothing to compare, a shape is wrong, or no pair of a reconstruction is defined.
    """
    if not reconstructions:
        raise DataError("no reconstruction to evaluate")
    image = np.asarray(charges, dtype=np.float64)
    results: dict[int, EmdResult] = {}
    for r in reconstructions:
        if id(r.charges) not in results:
            results[id(r.charges)] = emd(image, r.charges, geometry, progress=progress)
    occupancy = np.count_nonzero(image, axis=1).astype(np.int64)
    total = image.sum(axis=1)
    if not total.any():
        raise DataError(f"all {len(image)} input images are without charge: nothing has an EMD")
    by = variables(image, metadata)
    judged = {
        key: (result, summarise(result, seed), tuple(profile(result, v.values, v.edges) for v in by))
        for key, result in results.items()
    }
    return Evaluation(tuple(Evaluated(r, *judged[id(r.charges)]) for r in reconstructions), occupancy, total, seed, by)
