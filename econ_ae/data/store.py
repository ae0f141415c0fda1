"""The rows of a run: a dataset file with the sets ``train``, ``validation`` and ``report``.

Runs of earlier versions hold ``dataset.npz`` (all rows, and which of them are in which set; of a streamed run a sample
of its training rows) and, when they were streamed, ``train.h5`` with all training rows. They can be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import Dataset
from econ_ae.errors import DataError
from econ_ae.files import BROKEN_ARCHIVE

DATASET = "dataset.h5"
SETS = ("train", "validation", "report")

_OLD_DATASET = "dataset.npz"
_OLD_TRAINING_ROWS = "train.h5"
_DAMAGE = (*BROKEN_ARCHIVE, KeyError, TypeError)


@dataclass(frozen=True)
class Rows:
    """A set of rows in a dataset file.

    Parameters
    ----------
    path : the file
    name : of the set in it; empty for the rows of a file without sets
    """

    path: Path
    name: str = ""

    def open(self) -> Dataset:
        """Open the set; close it, or use it in a ``with`` statement."""
        return Dataset.open(self.path, self.name)


def load(folder: Path, name: str) -> Batch:
    """Return a set of the run in ``folder``; of training rows that do not fit in memory, the first ones.

    Raises
    ------
    DataError
        When the file is missing, damaged, or was changed after it was written.
    """
    old = folder / _OLD_DATASET
    if old.is_file() and not (folder / DATASET).is_file():
        return _load_old(old, name)
    with Rows(folder / DATASET, name).open() as data:
        if data.held is not None:
            return data.read(0, data.held)
        data.check()
        return data.read()


def streamed(folder: Path) -> Rows | None:
    """Return where the training rows of the run in ``folder`` are when they do not fit in memory."""
    old = folder / _OLD_TRAINING_ROWS
    if not (folder / DATASET).is_file():
        return Rows(old) if old.is_file() else None
    rows = Rows(folder / DATASET, SETS[0])
    with rows.open() as data:
        return None if data.held is None else rows


def _load_old(path: Path, name: str) -> Batch:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rows = arrays[f"rows.{name}"]
            provenance = json.loads(str(arrays["provenance"]))
            names = [n for n in arrays.files if n.startswith("metadata.")]
            metadata = {n.removeprefix("metadata."): arrays[n][rows] for n in names}
            steps = tuple(provenance["steps"])
            return Batch(arrays["charges"][rows], Provenance(**provenance | {"steps": steps}), metadata)
    except (*_DAMAGE, DataError) as problem:
        raise DataError(f"{path} is damaged: {problem}; make the run anew") from problem
