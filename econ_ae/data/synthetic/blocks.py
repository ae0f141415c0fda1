"""Blocks of images, each with its own random stream, put together to batches of any size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance
from econ_ae.errors import ConfigError

BLOCK = 512
"""Images that share a random stream; small enough for the spots of a block to stay in the cache."""

Block = tuple[NDArray[np.uint32], dict[str, NDArray[np.generic]]]
"""Charges and metadata of ``BLOCK`` images."""


def check_counts(what: str, n: int, seed: int, size: int) -> None:
    """Raise ConfigError when no images, a negative seed or an empty batch are asked for."""
    if n < 1 or seed < 0 or size < 1:
        raise ConfigError(
            f"{n} {what} with seed {seed} in chunks of {size}; expected at least 1 event, a seed of 0 "
            "or more and chunks of at least 1"
        )


def batches(blocks: Iterator[Block], n: int, size: int, provenance: Provenance) -> Iterator[Batch]:
    """Return the first ``n`` images of blocks in batches of ``size``; the last may be smaller."""
    ready: list[Block] = []
    held = sent = 0
    while sent < n:
        wanted = min(size, n - sent)
        while held < wanted:
            ready.append(next(blocks))
            held += len(ready[-1][0])
        charges = np.concatenate([c for c, _ in ready])
        columns = {name: np.concatenate([m[name] for _, m in ready]) for name in ready[0][1]}
        yield Batch(charges[:wanted], provenance, {name: values[:wanted] for name, values in columns.items()})
        ready = [(charges[wanted:], {name: values[wanted:] for name, values in columns.items()})]
        held, sent = held - wanted, sent + wanted
