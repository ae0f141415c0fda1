"""Writing dataset files: batches are appended, and the file is whole or absent."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import BLOCK, FORMAT, VERSION, combined
from econ_ae.errors import DataError

# gzip is in every HDF5 library; its fastest level with byte shuffling halves the file of a better but slower one.
_STORAGE = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class DatasetWriter:
    """Writes batches one after the other; the file gets its name when everything is in it.

    Use it in a ``with`` statement: an exception inside removes what was written.

    Parameters
    ----------
    path : the file to make; an existing one is replaced at the end

    Attributes
    ----------
    rows : of all sets so far
    provenance : of every set, which may be set until the end; None takes that of a set's first batch

    Raises
    ------
    OSError
        When the file cannot be written.
    DataError
        At the end, when a set has no rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.provenance: Provenance | None = None
        self._temporary = path.with_name(f"writing-{path.name}")
        self._sets: dict[str, _Set] = {}

    def __enter__(self) -> Self:
        with self._named():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._disk = _Disk(self._temporary, "w+")
        self._file = h5py.File(self._disk, "w")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
            self._file.close()
            self._disk.close()
            if kind is None:
                with self._named():
                    self._disk.check()
                    self._temporary.replace(self.path)
        finally:
            self._file.close()
            self._disk.close()
            self._temporary.unlink(missing_ok=True)

    @property
    def rows(self) -> int:
        """Rows of all sets so far."""
        return sum(one.rows for one in self._sets.values())

    def append(self, batch: Batch, name: str = "") -> None:
        """Add the rows of a batch, to the set ``name`` of a file of sets.

        Raises
        ------
        DataError
            When it has other cells or columns than the batches before, or a column without numbers.
        """
        if name not in self._sets:
            self._sets[name] = _Set(self._file.require_group(name or "/"))
        self._sets[name].append(batch)
        with self._named():
            self._disk.check()

    def hold(self, name: str, rows: int) -> None:
        """Note that of a set that does not fit in memory the first ``rows`` rows may be held, see ``Dataset.held``."""
        self._sets[name].group.attrs["held"] = rows

    def _finish(self) -> None:
        if empty := [name for name, one in self._sets.items() if not one.rows] or ([] if self._sets else [""]):
            where = f"set {empty[0]!r} of {self.path.name}" if empty[0] else self.path.name
            raise DataError(f"no rows for {where}; expected at least one image")
        for one in self._sets.values():
            one.finish(self.provenance)
        self._file.attrs["format"], self._file.attrs["version"] = FORMAT, VERSION

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file, not its temporary neighbour, in errors of the file system."""
        try:
            yield
        except OSError as problem:
            raise OSError(problem.errno, f"cannot write: {problem.strerror}", str(self.path)) from problem


class _Disk(io.FileIO):
    """A file that keeps its first error for ``check``: a write that fails inside HDF5 ends the whole process."""

    problem: OSError | None = None

    def write(self, content: Any, /) -> int:
        """Write everything, or nothing more after an error."""
        left = memoryview(content).cast("B")
        try:
            while left and self.problem is None:
                left = left[super().write(left) :]
        except OSError as problem:
            self.problem = problem
        return len(content)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, unless there was an error."""
        try:
            return super().truncate(size) if self.problem is None else 0
        except OSError as problem:
            self.problem = problem
            return 0

    def check(self) -> None:
        """Raise the first error."""
        if self.problem is not None:
            raise self.problem


class _Set:
    """The rows of one group, as they are appended."""

    def __init__(self, group: Any) -> None:
        self.group = group
        self.rows = 0
        self._columns: dict[str, Any] = {}
        self._digests: dict[str, Any] = {}
        group.create_group("metadata")

    def append(self, batch: Batch) -> None:
        parts = {"charges": np.ascontiguousarray(batch.charges)}
        for name, values in batch.metadata.items():
            if values.dtype.kind not in "iufb":
                raise DataError(f"metadata {name!r} is of type {values.dtype}; a dataset file holds numbers only")
            parts[f"metadata/{name}"] = np.ascontiguousarray(values)
        if not self._columns:
            self._provenance = batch.provenance
            for name, values in parts.items():
                shape, row = (0, *values.shape[1:]), values.shape[1:]
                self._columns[name] = self.group.create_dataset(
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

    def finish(self, provenance: Provenance | None) -> None:
        self.group.attrs["provenance"] = json.dumps(asdict(provenance or self._provenance))
        self.group.attrs["content_sha256"] = combined(self._digests)
