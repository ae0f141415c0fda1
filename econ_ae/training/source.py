"""Where training batches come from: samples in memory, or a dataset file that is larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from econ_ae.training.sample import Sample

Array = NDArray[np.float32]
Arrays = tuple[Array, Array, Array]
"""Images, sums and fractions of one batch, see ``Sample``."""


class Source(Protocol):
    """Training events in batches."""

    def __len__(self) -> int:
        """Return the number of events."""

    def batches(self, epoch: int, size: int) -> Iterator[Arrays]:
        """Return the whole batches of an epoch.

        Order and views depend on the seed and the epoch alone, so that a resumed run repeats them.
        """


@dataclass(frozen=True)
class InMemory:
    """Samples that are all in memory, drawn in a random order.

    Parameters
    ----------
    views : the same events in one or more views (turned on the module); every epoch draws one view per event
    seed : of order and views
    """

    views: Sequence[Sample]
    seed: int

    def __len__(self) -> int:
        return len(self.views[0])

    def batches(self, epoch: int, size: int) -> Iterator[Arrays]:
        """Return the whole batches of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self))
        view = rng.integers(0, len(self.views), len(self))
        for start in range(0, len(self) - size + 1, size):
            rows = order[start : start + size]
            yield (
                _pick([v.images for v in self.views], view[rows], rows),
                self.views[0].sums[rows],
                _pick([v.fractions for v in self.views], view[rows], rows),
            )


def _pick(views: Sequence[Array], view: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
    """Return row ``rows[i]`` of ``views[view[i]]`` for every i."""
    out = views[0][rows]
    for i, values in enumerate(views[1:], start=1):
        out[view == i] = values[rows[view == i]]
    return out
