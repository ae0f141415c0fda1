"""Batches in the run directory: one compressed numpy file, written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance

_METADATA = "metadata."
_ROWS = "rows."


def save(path: Path, batch: Batch, rows: dict[str, NDArray[np.intp]]) -> None:
    """Write a batch and named sets of its rows."""
    arrays = {
        "charges": batch.charges,
        "provenance": np.array(json.dumps(asdict(batch.provenance))),
        **{_METADATA + name: values for name, values in batch.metadata.items()},
        **{_ROWS + name: values for name, values in rows.items()},
    }
    temporary = path.with_name(f"writing-{path.name}")
    np.savez_compressed(temporary, allow_pickle=False, **arrays)
    temporary.replace(path)


def load(path: Path, rows: str) -> Batch:
    """Return the named rows of a stored batch."""
    batch, sets = load_all(path)
    return batch[sets[rows]]


def load_all(path: Path) -> tuple[Batch, dict[str, NDArray[np.intp]]]:
    """Return a stored batch and its named sets of rows."""
    with np.load(path, allow_pickle=False) as arrays:
        provenance = json.loads(str(arrays["provenance"]))
        metadata = {n.removeprefix(_METADATA): arrays[n] for n in arrays.files if n.startswith(_METADATA)}
        batch = Batch(arrays["charges"], Provenance(**provenance | {"steps": tuple(provenance["steps"])}), metadata)
        return batch, {n.removeprefix(_ROWS): arrays[n] for n in arrays.files if n.startswith(_ROWS)}
