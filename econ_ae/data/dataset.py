"""Dataset files: trigger-cell images of any number in HDF5, appended and read in blocks.

``/charges`` is uint32 (n, cells), ``/metadata/<name>`` a column (n,); both are stored in compressed blocks of
``BLOCK`` rows. The root attributes tell format, version, provenance (JSON) and the sha256 of the content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance
from econ_ae.errors import DataError

BLOCK = 1024
"""Rows of an HDF5 chunk: 192 KiB of charges, what is read at once."""

SUFFIXES = (".h5", ".hdf5")

_FORMAT = "econ-ae dataset"
_VERSION = 1
_HOW = "make one with: econ-ae data convert SOURCE --out FILE.h5"
# gzip is in every HDF5 library; its fastest level with byte shuffling halves the file of a better but slower one.
_STORAGE = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class DatasetWriter:
    """Writes batches one after the other; the file gets its name when everything is in it.

    Use it in a ``with`` statement: an exception inside removes what was written.

    Parameters
    ----------
    path : the file to make; an existing one is replaced at the end
    provenance : of the whole set, which may be changed until the end; None takes that of the first batch
    """

    def __init__(self, path: Path, provenance: Provenance | None = None) -> None:
        self.path = path
        self.rows = 0
        self.provenance = provenance
        self._temporary = path.with_name(f"writing-{path.name}")
        self._columns: dict[str, Any] = {}
        self._digests: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = h5py.File(self._temporary, "w")
            self._file.create_group("metadata")
        except OSError as problem:
            raise DataError(f"cannot write {self.path}: {problem.strerror or problem}") from problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.rows:
            self._finish()
        self._file.close()
        if kind is None and self.rows:
            self._temporary.replace(self.path)
            return
        self._temporary.unlink()
        if kind is None:
            raise DataError(f"no rows for {self.path.name}; expected at least one image")

    def append(self, batch: Batch) -> None:
        """Add the rows of a batch.

        Raises
        ------
        DataError
            When it has other cells or columns than the batches before, or a column without numbers.
        """
        parts = {"charges": np.ascontiguousarray(batch.charges)}
        for name, values in batch.metadata.items():
            if values.dtype.kind not in "iufb":
                raise DataError(f"metadata {name!r} is of type {values.dtype}; a dataset file holds numbers only")
            parts[f"metadata/{name}"] = np.ascontiguousarray(values)
        if not self._columns:
            self.provenance = self.provenance or batch.provenance
            for name, values in parts.items():
                shape, row = (0, *values.shape[1:]), values.shape[1:]
                self._columns[name] = self._file.create_dataset(
                    name, shape, values.dtype, maxshape=(None, *row), chunks=(BLOCK, *row), **_STORAGE
                )
                self._digests[name] = hashlib.sha256()
        if odd := sorted(set(parts) ^ set(self._columns)):
            raise DataError(f"batches differ in column {odd[0]!r}; expected the same columns in all")
        if (cells := self._columns["charges"].shape[1]) != batch.cells:
            raise DataError(f"images of {batch.cells} cells after images of {cells}; expected the same in all")
        for name, column in self._columns.items():
            values = parts[name].astype(column.dtype, casting="same_kind", copy=False)
            column.resize(self.rows + len(batch), axis=0)
            column[self.rows :] = values
            self._digests[name].update(values.tobytes())
        self.rows += len(batch)

    def _finish(self) -> None:
        assert self.provenance is not None
        attributes = self._file.attrs
        attributes["format"], attributes["version"] = _FORMAT, _VERSION
        attributes["provenance"] = json.dumps(asdict(self.provenance))
        attributes["content_sha256"] = _combined(self._digests)


def _combined(digests: dict[str, Any]) -> str:
    text = "".join(f"{name} {digests[name].hexdigest()}\n" for name in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """An open dataset file; close it, or use it in a ``with`` statement.

    Parameters
    ----------
    file : the open HDF5 file
    rows, cells : shape of the charges
    provenance : as it was written
    content_sha256 : of charges and columns, as it was written; ``check`` compares
    """

    file: Any
    rows: int
    cells: int
    provenance: Provenance
    content_sha256: str

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Open a file; DataError when it is missing, cut off, or no dataset file."""
        try:
            file = h5py.File(path, "r")
        except OSError as problem:
            if isinstance(problem, FileNotFoundError) or not path.is_file():
                raise DataError(f"cannot read {path.name}: no such file; {_HOW}") from problem
            with path.open("rb") as stream:
                hdf5 = stream.read(8) == b"\x89HDF\r\n\x1a\n"
            what = "is cut off or damaged" if hdf5 else "is no HDF5 file"
            raise DataError(f"{path.name} {what}; {_HOW}") from problem
        try:
            return cls(file, *_described(file, path.name))
        except DataError:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    @property
    def blocks(self) -> int:
        """Blocks of ``BLOCK`` rows, the last one perhaps shorter."""
        return -(-self.rows // BLOCK)

    def read(self, start: int = 0, stop: int | None = None, *, metadata: bool = True) -> Batch:
        """Return rows ``start:stop``; DataError when the file is damaged there."""
        rows = slice(start, self.rows if stop is None else min(stop, self.rows))
        try:
            columns = {name: values[rows] for name, values in self.file["metadata"].items()} if metadata else {}
            return Batch(self.file["charges"][rows], self.provenance, columns)
        except OSError as problem:
            raise DataError(f"{self.file.filename}: rows {rows.start}:{rows.stop} are damaged; {_HOW}") from problem

    def block(self, number: int) -> NDArray[np.uint32]:
        """Return the charges of one block, uint32 (rows, cells)."""
        return self.read(number * BLOCK, (number + 1) * BLOCK, metadata=False).charges

    def batches(self, rows: int = 64 * BLOCK, limit: int | None = None) -> Iterator[Batch]:
        """Return the rows in order, in batches of ``rows`` (a multiple of ``BLOCK`` reads every block once)."""
        end = self.rows if limit is None else min(limit, self.rows)
        for start in range(0, end, rows):
            yield self.read(start, min(start + rows, end))

    def check(self) -> None:
        """Compare the content with its hash; DataError when it was changed since it was written."""
        digests = {"charges": hashlib.sha256()}
        digests |= {f"metadata/{name}": hashlib.sha256() for name in self.file["metadata"]}
        for batch in self.batches():
            digests["charges"].update(np.ascontiguousarray(batch.charges).tobytes())
            for name, values in batch.metadata.items():
                digests[f"metadata/{name}"].update(np.ascontiguousarray(values).tobytes())
        if (found := _combined(digests)) != self.content_sha256:
            raise DataError(
                f"{Path(self.file.filename).name} was changed after it was written: its content has sha256 "
                f"{found[:12]}, its record says {self.content_sha256[:12]}; {_HOW}"
            )


def load(path: Path, limit: int | None = None) -> Batch:
    """Return a whole dataset file, or its first rows, as one batch; DataError when it is none or was changed."""
    with Dataset.open(path) as data:
        if limit is None:
            data.check()
            return data.read()
        batch = data.read(0, limit)
        return batch if limit >= data.rows else batch.after(f"first {limit} rows")


def _described(file: Any, name: str) -> tuple[int, int, Provenance, str]:
    if file.attrs.get("format") != _FORMAT or "charges" not in file:
        raise DataError(
            f"{name} is HDF5 but no econ-ae dataset (found {', '.join(list(file)[:3]) or 'nothing'}); {_HOW}"
        )
    if file.attrs["version"] != _VERSION:
        raise DataError(f"{name} has dataset version {file.attrs['version']}; this econ-ae reads {_VERSION}; {_HOW}")
    charges = file["charges"]
    lengths = {column.shape for column in file.get("metadata", {}).values()}
    if charges.ndim != 2 or charges.dtype != np.uint32 or lengths - {(len(charges),)}:
        raise DataError(f"{name}: charges {charges.dtype} {charges.shape} do not fit their columns; {_HOW}")
    if "metadata" not in file:
        raise DataError(f"{name} has no group 'metadata'; {_HOW}")
    provenance = json.loads(file.attrs["provenance"])
    steps = tuple(provenance["steps"])
    return (*charges.shape, Provenance(**provenance | {"steps": steps}), str(file.attrs["content_sha256"]))
