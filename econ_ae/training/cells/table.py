"""The decoder without a network: levels of the charge fraction for every mode and number of pulses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import RunDirectoryError
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import FloatArray, WaferGeometry
from econ_ae.ir.cells import Mode
from econ_ae.training.cells.candidates import Candidates

FILE = "table.npz"
LEVELS = 13
"""Numbers of pulses with a level of their own; beyond, the level is the number plus a constant of the mode."""
CONTEXTS = 5
_ENOUGH = 4  # cells that a level is made of; with fewer it is half a pulse below the number
_ENOUGH_EVENTS = 40  # of those that would choose a mode; with fewer all that could have it count
LEAST = 0.05  # pulses, of a cell that is sent


@dataclass(frozen=True, eq=False)
class Table:
    """Levels in pulses.

    Parameters
    ----------
    levels : float64 (modes, LEVELS), of cells with 1, 2, ... pulses
    beyond : float64 (modes,), what is added to more pulses than these
    unsent : float64 (modes, 5), of a cell without pulses, by how many cells of its 2x2 group have some
    groups : intp (groups, 4), the 2x2 groups
    """

    levels: FloatArray
    beyond: FloatArray
    unsent: FloatArray
    groups: NDArray[np.intp]

    @classmethod
    def fitted(cls, modes: tuple[Mode, ...], seen: Candidates, geometry: WaferGeometry) -> Table:
        """Return the table of events: medians where cells are sent, means where they are not.

        Every mode is fitted to the events that it suits best, those for which its image is nearest by the sum of
        absolute differences: fitted to the events that choose it by their cost, it would follow the choice.
        """
        every = np.ones(len(seen.row), np.bool_)
        first = cls._fit(modes, seen, geometry, every)
        differences = np.abs(seen.fractions[seen.row] - first.fractions(seen.mode, seen.pulses)).sum(axis=1)
        nearest = np.argmin(seen.of_pairs(differences), axis=1)
        return cls._fit(modes, seen, geometry, nearest[seen.row] == seen.mode)

    @classmethod
    def _fit(cls, modes: tuple[Mode, ...], seen: Candidates, geometry: WaferGeometry, used: NDArray[np.bool_]) -> Table:
        groups = np.asarray(geometry.stc4)
        levels = np.tile(np.arange(1, LEVELS + 1) - 0.5, (len(modes), 1))
        beyond, unsent = np.full(len(modes), -0.5), np.zeros((len(modes), CONTEXTS))
        for number, mode in enumerate(modes):
            pairs = seen.mode == number
            own = pairs & used if (pairs & used).sum() >= _ENOUGH_EVENTS else pairs
            pulses = seen.pulses[own]
            charge = seen.fractions[seen.row[own]] * mode.pulses
            near = _context(pulses, groups)
            for n in range(1, LEVELS + 1):
                if (pulses == n).sum() >= _ENOUGH:
                    levels[number, n - 1] = np.median(charge[pulses == n])
            if (pulses > LEVELS).any():
                beyond[number] = np.median((charge - pulses)[pulses > LEVELS])
            for c in range(CONTEXTS):
                cells = (pulses == 0) & (near == c)
                unsent[number, c] = charge[cells].mean() if cells.any() else 0.0
        return cls(levels, beyond, unsent, groups)

    def fractions(self, mode: IntArray, pulses: NDArray[np.integer]) -> FloatArray:
        """Return charge fractions, float64 (n, cells), summing to 1, of events with pulses."""
        level = self.levels[mode[:, None], np.clip(pulses, 1, LEVELS) - 1]
        sent = np.maximum(np.where(pulses > LEVELS, pulses + self.beyond[mode][:, None], level), LEAST)
        rest = np.maximum(self.unsent[mode[:, None], _context(pulses, self.groups)], 0.0)
        image = np.where(pulses > 0, sent, rest)
        out: FloatArray = image / image.sum(axis=1, keepdims=True)
        return out

    def save(self, path: Path) -> None:
        """Write the table."""
        temporary = path.with_name(f"writing-{path.name}")
        np.savez(temporary, levels=self.levels, beyond=self.beyond, unsent=self.unsent, groups=self.groups)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Table:
        """Read a table; RunDirectoryError when it is missing or damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(*(arrays[name] for name in ("levels", "beyond", "unsent", "groups")))
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as problem:
            raise RunDirectoryError(f"{path} is missing or damaged; train this run anew") from problem


def _context(pulses: NDArray[np.integer], groups: NDArray[np.intp]) -> IntArray:
    """Return how many cells of each cell's group have pulses, int64 (n, cells)."""
    out = np.zeros(pulses.shape, np.int64)
    out[:, groups] = (pulses > 0)[:, groups].sum(axis=2)[:, :, None]
    return out
