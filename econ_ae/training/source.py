"""Where training batches come from: samples in memory, or a dataset file that is larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, concatenated
from econ_ae.data.dataset import BLOCK, Dataset
from econ_ae.data.module_conditions import NONE, Conditions
from econ_ae.data.store import Rows
from econ_ae.geometry import IndexArray
from econ_ae.ir.model import Input, Normalise
from econ_ae.training.sample import Sample, make_sample

Array = NDArray[np.float32]
Arrays = tuple[Array, Array, Array]
"""Images, what is known beside them, and fractions of one batch, see ``Sample``."""


_LEAST_BLOCKS = 4  # in the shuffle buffer
_COPIES = 4  # of the buffer's charges at a time: blocks, joined, shuffled, the remainder
_SLICE = 8192  # events whose images are made at a time


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
                self.views[0].beside[rows],
                _pick([v.fractions for v in self.views], view[rows], rows),
            )


@dataclass(frozen=True)
class Streamed:
    """Events of a dataset file, of which a buffer is in memory.

    The file's blocks come in a random order and are joined to buffers; the events of a buffer are shuffled. So two
    events meet in a batch only when their blocks meet in a buffer, which another epoch draws anew.

    Parameters
    ----------
    rows : a set of rows with charge in a dataset file
    turns : intp (views, cells), turns of the module; every epoch draws one per event
    source, normalise : the encoder's input
    seed : of blocks, order and views
    memory_mb : half of it is for the buffer, which has at least four blocks
    conditions : of the decoder, whose columns are read too
    """

    rows: Rows
    turns: IndexArray
    source: Input
    normalise: Normalise
    seed: int
    memory_mb: int
    conditions: Conditions = NONE

    def __len__(self) -> int:
        with self.rows.open() as data:
            return data.rows

    def batches(self, epoch: int, size: int) -> Iterator[Arrays]:
        """Return the whole batches of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        with self.rows.open() as data:
            blocks = rng.permutation(data.blocks)
            block_bytes = BLOCK * (data.cells * np.dtype(np.uint32).itemsize + 8 * len(self.conditions.columns))
            at_once = max(_LEAST_BLOCKS, (self.memory_mb << 19) // (_COPIES * block_bytes))
            rest = self._read(data, 0, 0)
            for start in range(0, len(blocks), at_once):
                chosen = blocks[start : start + at_once]
                parts = [rest, *(self._read(data, int(n) * BLOCK, (int(n) + 1) * BLOCK) for n in chosen)]
                buffer = concatenated(parts)
                buffer = buffer[rng.permutation(len(buffer))]
                whole = len(buffer) // size * size
                yield from self._batches(buffer[:whole], size, rng)
                rest = buffer[np.arange(whole, len(buffer))]  # a copy, so that the buffer can go

    def _read(self, data: Dataset, start: int, stop: int) -> Batch:
        return data.read(start, stop, columns=self.conditions.columns)

    def _batches(self, events: Batch, size: int, rng: np.random.Generator) -> Iterator[Arrays]:
        step = max(1, _SLICE // size) * size
        for start in range(0, len(events), step):
            part = events[start : start + step]
            if len(self.turns) > 1:
                turn = self.turns[rng.integers(0, len(self.turns), len(part))]
                part = replace(part, charges=np.take_along_axis(part.charges, turn, axis=1))
            sample = make_sample(part, self.source, self.normalise, self.conditions)
            for first in range(0, len(sample), size):
                rows = slice(first, first + size)
                yield sample.images[rows], sample.beside[rows], sample.fractions[rows]


def _pick(views: Sequence[Array], view: NDArray[np.int64], rows: NDArray[np.int64]) -> Array:
    """Return row ``rows[i]`` of ``views[view[i]]`` for every i."""
    out = views[0][rows]
    for i, values in enumerate(views[1:], start=1):
        out[view == i] = values[rows[view == i]]
    return out


@dataclass(frozen=True)
class Mixed:
    """Events of a source, of which every batch gets some others besides.

    Parameters
    ----------
    main : says what an epoch is
    others : drawn at random
    share : of every batch that is drawn from ``others``
    seed : of the drawing
    """

    main: Source
    others: Sample
    share: float
    seed: int

    def __len__(self) -> int:
        return len(self.main)

    def batches(self, epoch: int, size: int) -> Iterator[Arrays]:
        """Return the whole batches of an epoch; it has ``len(main)`` events of the source and others besides."""
        rng = np.random.default_rng([self.seed, epoch, 1])
        foreign = round(self.share * size)
        for images, beside, fractions in self.main.batches(epoch, size - foreign):
            rows = rng.integers(0, len(self.others), foreign)
            yield (
                np.concatenate([images, self.others.images[rows]]),
                np.concatenate([beside, self.others.beside[rows]]),
                np.concatenate([fractions, self.others.fractions[rows]]),
            )
