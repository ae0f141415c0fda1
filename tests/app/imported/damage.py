"""Files as disks and copies leave them: cut off, or with bytes changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from econ_ae.errors import EconAeError


def refusals(path: Path, whole: bytes, trials: int, reads: Callable[[], object]) -> list[str]:
    """Write damaged forms of a file one after another, every second one cut off, and return how those are refused."""
    rng, refused = np.random.default_rng(4), []
    for trial in range(trials):
        damaged = bytearray(whole)
        if trial % 2:
            damaged = damaged[: int(rng.integers(0, len(whole)))]
        for _ in range(8 * (1 - trial % 2)):
            damaged[int(rng.integers(0, len(damaged)))] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged))
        try:
            reads()
        except EconAeError as problem:
            refused.append(str(problem))
    return refused
