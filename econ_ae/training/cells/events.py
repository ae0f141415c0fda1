"""Training events of an encoder of cells, encoded as the silicon does while they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.emulator import encode_pulses
from econ_ae.geometry import FloatArray
from econ_ae.ir.model import EncoderModel
from econ_ae.training.cells.network import features
from econ_ae.training.cells.table import Table
from econ_ae.training.sample import received_sums

Array = NDArray[np.float32]
_AT_ONCE = 64  # batches that are encoded together


@dataclass(frozen=True, eq=False)
class LossyEvents:
    """Events that cannot be sent without loss: all that a decoder can learn from.

    Parameters
    ----------
    charges : (n, cells)
    known : float32 (n, features), of the decoder's conditions
    seed : of the order in which they are drawn
    """

    charges: NDArray[np.integer]
    known: Array
    seed: int

    def __len__(self) -> int:
        return len(self.charges)

    def batches(
        self, model: EncoderModel, table: Table, epoch: int, size: int, steps: int
    ) -> Iterator[tuple[tuple[Array, Array, Array], Array]]:
        """Return the batches of an epoch: the network's inputs, and the fractions that were encoded.

        They depend on the seed, the epoch and the model alone, so that a resumed run repeats them.
        """
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self))[: steps * size]
        for start in range(0, len(order), _AT_ONCE * size):
            drawn = order[start : start + _AT_ONCE * size]
            inputs, true = encoded(model, table, self.charges[drawn], self.known[drawn])
            for first in range(0, len(true), size):
                rows = slice(first, first + size)
                yield (inputs[0][rows], inputs[1][rows], inputs[2][rows]), true[rows].astype(np.float32)


def encoded(
    model: EncoderModel, table: Table, charges: NDArray[np.integer], known: Array
) -> tuple[tuple[Array, Array, Array], FloatArray]:
    """Return what a receiver's network sees of lossy events, and their charge fractions, float64 (n, cells)."""
    sent = encode_pulses(model, charges)
    inputs = features(model.cell_code.choose.modes, table, sent.mode, sent.pulses, received_sums(charges), known=known)
    true: FloatArray = charges / charges.sum(axis=1, keepdims=True)
    return inputs, true
