"""What every possible mode would send of events: what the choice of the mode is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from econ_ae.emulator import encode_pulses
from econ_ae.emulator.cells import above, apportion, merge, order
from econ_ae.emulator.layers import normalise
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import FloatArray
from econ_ae.ir.model import EncoderModel

_CHUNK = 8192  # events


@dataclass(frozen=True, eq=False)
class Candidates:
    """Events that cannot be sent without loss, and the pulses of every mode that each of them may have.

    Parameters
    ----------
    charges : (n, cells)
    hit : cells with normalised charge, int64 (n,)
    dropped : normalised charge that each mode would not send, int64 (n, modes)
    total : normalised charge of all cells, int64 (n,)
    row, mode : of every pair of event and possible mode, int64 (p,), by mode
    pulses : of the pairs, int32 (p, cells)
    """

    charges: NDArray[np.integer]
    hit: IntArray
    dropped: IntArray
    total: IntArray
    row: IntArray
    mode: IntArray
    pulses: NDArray[np.int32]

    @cached_property
    def fractions(self) -> FloatArray:
        """Charges divided by their sums, float64 (n, cells)."""
        out: FloatArray = self.charges / self.charges.sum(axis=1, keepdims=True)
        return out

    def of_pairs(self, values: NDArray[np.floating]) -> FloatArray:
        """Return values of the pairs (p,) as float64 (n, modes), infinite where a mode is impossible."""
        out = np.full(self.dropped.shape, np.inf)
        out[self.row, self.mode] = values
        return out


def lossy(model: EncoderModel, charges: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return which events (n, cells) have charge and cannot be sent without loss; no bias changes that."""
    return ~encode_pulses(model, charges).exact


def candidates(model: EncoderModel, charges: NDArray[np.integer]) -> Candidates:
    """Return what every mode would send of the events (n, cells) that cannot be sent without loss."""
    code = model.cell_code
    kept = np.asarray(charges)[lossy(model, charges)]
    x = np.concatenate([normalise(model, kept[i : i + _CHUNK]) for i in range(0, max(len(kept), 1), _CHUNK)])
    rank, hit = order(x), (x > 0).sum(axis=1)
    sizes = np.array([mode.cells for mode in code.choose.modes])
    rows, numbers, parts = [], [], []
    for number, mode in enumerate(code.choose.modes):
        row = np.flatnonzero(hit >= mode.cells)
        sent, total = np.full(len(row), mode.cells), np.full(len(row), mode.pulses)
        own = rank[row]
        charge = np.where(own < mode.cells, x[row], 0) if code.merge is None else merge(code.merge, x[row], own, sent)
        rows.append(row)
        numbers.append(np.full(len(row), number))
        parts.append(apportion(code.apportion, charge, own, sent, total).astype(np.int32))
    return Candidates(
        kept,
        hit,
        above(x, rank)[:, sizes],
        x.sum(axis=1),
        np.concatenate(rows),
        np.concatenate(numbers),
        np.concatenate(parts),
    )
