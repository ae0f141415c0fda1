"""Dataset files: trigger-cell images of any number in HDF5, read in blocks; ``dataset_writer`` makes them.

``/charges`` is uint32 (n, cells), ``/metadata/<name>`` a column (n,); both are stored in compressed blocks of
``BLOCK`` rows. The attributes tell provenance (JSON) and the sha256 of the content; the root's also format and version.
A file may hold several sets of rows instead, each a group of that form: ``/train/charges``, ``/report/charges``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from econ_ae.data.batch import Batch, Provenance
from econ_ae.errors import DataError

BLOCK = 1024
"""Rows of an HDF5 chunk: 192 KiB of charges, what is read at once."""

SUFFIXES = (".h5", ".hdf5")

FORMAT = "econ-ae dataset"
VERSION = 1
_HOW = "make one with: econ-ae data convert SOURCE --out FILE.h5"
_HOW_SETS = "make the run anew with: econ-ae run"
_DAMAGE = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, DataError)
"""What HDF5 raises on changed bytes, depending on where they are."""


def combined(digests: dict[str, Any]) -> str:
    """Return the hash of a set's content, given those of its columns by name."""
    text = "".join(f"{name} {digests[name].hexdigest()}\n" for name in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """An open dataset file, or one set of it; close it, or use it in a ``with`` statement.

    Parameters
    ----------
    path : of the file
    group : the open HDF5 group
    rows, cells : shape of the charges
    provenance : as it was written
    content_sha256 : of charges and columns, as it was written; ``check`` compares
    held : how many of the first rows may be in memory, when all of them do not fit; None for any number
    """

    path: Path
    group: Any
    rows: int
    cells: int
    provenance: Provenance
    content_sha256: str
    held: int | None = None

    @classmethod
    def open(cls, path: Path, name: str = "") -> Dataset:
        """Open a file, or the set ``name`` of it; DataError when it is missing, cut off, or no dataset file."""
        how = _HOW_SETS if name else _HOW
        try:
            file = h5py.File(path, "r")
        except _DAMAGE as problem:
            if isinstance(problem, FileNotFoundError) or not path.is_file():
                raise DataError(f"cannot read {path if name else path.name}: no such file; {how}") from problem
            if isinstance(problem, PermissionError):
                raise
            with path.open("rb") as stream:
                hdf5 = stream.read(8) == b"\x89HDF\r\n\x1a\n"
            what = "is cut off or damaged" if hdf5 else "is no HDF5 file"
            raise DataError(f"{path} {what}; {how}") from problem
        try:
            return _described(file, path, name, how)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.group.file.close()

    @property
    def blocks(self) -> int:
        """Blocks of ``BLOCK`` rows, the last one perhaps shorter."""
        return -(-self.rows // BLOCK)

    def read(self, start: int = 0, stop: int | None = None, *, columns: Collection[str] | None = None) -> Batch:
        """Return rows ``start:stop``; DataError when the file is damaged there.

        Parameters
        ----------
        columns : metadata to read, those of them that there are; None reads all
        """
        rows = slice(start, self.rows if stop is None else min(stop, self.rows))
        try:
            stored = self.group["metadata"]
            names = list(stored) if columns is None else [name for name in stored if name in columns]
            read = {name: stored[name][rows] for name in names}
            return Batch(self.group["charges"][rows], self.provenance, read)
        except _DAMAGE as problem:
            raise DataError(f"{self.path}: rows {rows.start}:{rows.stop} are damaged; {self._how}") from problem

    def batches(self, rows: int = 64 * BLOCK, limit: int | None = None) -> Iterator[Batch]:
        """Return the rows in order, in batches of ``rows`` (a multiple of ``BLOCK`` reads every block once)."""
        end = self.rows if limit is None else min(limit, self.rows)
        for start in range(0, end, rows):
            yield self.read(start, min(start + rows, end))

    def check(self) -> None:
        """Compare the content with its hash; DataError when it was changed since it was written."""
        digests: dict[str, Any] = {"charges": hashlib.sha256()}
        for batch in self.batches():
            digests["charges"].update(np.ascontiguousarray(batch.charges).tobytes())
            for name, values in batch.metadata.items():
                column = digests.setdefault(f"metadata/{name}", hashlib.sha256())
                column.update(np.ascontiguousarray(values).tobytes())
        if (found := combined(digests)) != self.content_sha256:
            raise DataError(
                f"{self.path} was changed after it was written: its content has sha256 "
                f"{found[:12]}, its record says {self.content_sha256[:12]}; {self._how}"
            )

    @property
    def _how(self) -> str:
        return _HOW if self.group.name == "/" else _HOW_SETS


def load(path: Path, limit: int | None = None) -> Batch:
    """Return a whole dataset file, or its first rows, as one batch; DataError when it is none or was changed."""
    with Dataset.open(path) as data:
        if limit is None:
            data.check()
            return data.read()
        batch = data.read(0, limit)
        return batch if limit >= data.rows else batch.after(f"first {limit} rows")


def _described(file: Any, path: Path, name: str, how: str) -> Dataset:
    try:
        wrong = _what_is_wrong(file, name)
        if not wrong:
            group = file[name or "/"]
            told = json.loads(group.attrs["provenance"])
            provenance = Provenance(**told | {"steps": tuple(told["steps"])})
            held = int(group.attrs["held"]) if "held" in group.attrs else None
            rows, cells = group["charges"].shape
            return Dataset(path, group, rows, cells, provenance, str(group.attrs["content_sha256"]), held)
    except _DAMAGE as problem:
        raise DataError(f"{path} is damaged; {how}") from problem
    raise DataError(f"{path} {wrong}; {how}")


def _what_is_wrong(file: Any, name: str) -> str:
    """Return why a file, or the set ``name`` of it, is none of ours; empty when it is."""
    found = ", ".join(list(file)[:3]) or "nothing"
    if file.attrs.get("format") != FORMAT:
        return f"is HDF5 but no econ-ae dataset (found {found})"
    if file.attrs["version"] != VERSION:
        return f"has dataset version {file.attrs['version']}; this econ-ae reads {VERSION}"
    if (name or "charges") not in file:
        return f"has no set {name!r} (found {found})" if name else f"holds sets of rows, not one set (found {found})"
    group = file[name or "/"]
    if "metadata" not in group:
        return "has no group 'metadata'"
    charges = group["charges"]
    lengths = {column.shape for column in group["metadata"].values()}
    if charges.ndim != 2 or charges.dtype != np.uint32 or lengths - {(len(charges),)}:
        return f"has charges {charges.dtype} {charges.shape} that do not fit their columns"
    return ""
