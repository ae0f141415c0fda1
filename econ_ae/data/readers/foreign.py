"""HDF5 and Parquet files that others wrote: one column per trigger cell, or one array of all, and metadata beside it.

In one group of an HDF5 file, or the columns of a Parquet file:

- ``CALQ_0..47`` (charges) or ``CODE_0..47`` (7-bit codes), each (n,), as of a CSV file, or
- ``charges``, ``CALQ`` or ``CODE``: (n, 48), or in Parquet lists of 48,

integers, or floats that are whole. HDF5 also as one table with such fields. Other columns of numbers (n,) become
metadata under the names that they get in CSV; everything else is left out and named in the provenance.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.readers.columns import CHARGE_PREFIX, CODE_PREFIX, column_values, has_cells
from econ_ae.errors import DataError, PackageMissingError

PARQUET = (".parquet", ".pq")
_ARRAYS = {"charges": CHARGE_PREFIX, "calq": CHARGE_PREFIX, "code": CODE_PREFIX, "codes": CODE_PREFIX}
_EXPECTED = "expected CALQ_0..47, CODE_0..47, or one array charges, CALQ or CODE of (n, 48)"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_DEPTH = 4
_OURS = {"format", "version", "content_sha256"}  # whoever has one of them is a dataset file, perhaps a damaged one

Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Place:
    """Says where a value stands.

    Parameters
    ----------
    file : its name
    """

    file: str

    def where(self, row: int) -> str:
        """Return file and row, counted from 1."""
        return f"{self.file}, row {row + 1}"


@dataclass(frozen=True)
class Foreign:
    """What a file holds.

    Parameters
    ----------
    prefix : ``CALQ_`` of charges or ``CODE_`` of codes
    values : int64 (n, cells)
    metadata : columns (n,)
    ignored : what is not read
    found : what was detected, for the provenance
    sha256 : of the file
    """

    prefix: str
    values: NDArray[np.int64]
    metadata: Mapping[str, NDArray[np.generic]]
    ignored: tuple[str, ...]
    found: str
    sha256: str


def is_foreign(path: Path) -> bool:
    """Tell whether a file is HDF5, and none of this package."""
    import h5py

    try:
        with path.open("rb") as stream:
            if stream.read(len(_HDF5)) != _HDF5:
                return False
        with h5py.File(path, "r") as file:
            return not _OURS & set(file.attrs)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return False  # what is wrong with it is said by who reads it


def read_foreign(path: Path, cells: int, limit: int | None) -> Foreign:
    """Return the first ``limit`` rows of a file.

    Raises
    ------
    DataError
        When it is damaged, has no such columns, or a value is no charge or code; names file, row and column.
    PackageMissingError
        When it is Parquet and pyarrow is not installed.
    """
    if not path.is_file():
        raise DataError(f"cannot read {path.name}: no such file; expected HDF5 or Parquet with trigger-cell charges")
    try:
        columns, ignored, found = (_parquet if path.suffix in PARQUET else _hdf5)(path, cells, limit)
    except MemoryError as problem:
        raise DataError(f"{path.name} holds more rows than fit in memory; read fewer (data.limit)") from problem
    if not columns:
        raise DataError(f"{path.name}: {found}; {_EXPECTED}")
    names = list(columns)
    prefix = CHARGE_PREFIX if has_cells(names, CHARGE_PREFIX) else CODE_PREFIX
    if not len(columns[names[0]]):
        raise DataError(f"{path.name}: {found} has no rows; expected one row per module and bunch crossing")
    table = np.column_stack([np.asarray(column, np.float64) for column in columns.values()])
    values, metadata, empty = column_values(Place(path.name), names, table, prefix, cells)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Foreign(prefix, values, metadata, (*ignored, *empty), found, digest)


def _spread(name: str, values: NDArray[np.generic], cells: int) -> Columns:
    """Return an array of all cells as a column per cell."""
    return {f"{_ARRAYS[name.lower()]}{i}": values[:, i] for i in range(cells)}


def _hdf5(path: Path, cells: int, limit: int | None) -> tuple[Columns, list[str], str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            groups = _groups(file)
            for name, members in groups.items():
                columns, ignored = _of_group(members, cells, limit)
                if columns:
                    return columns, ignored, f"HDF5, {name}"
            there = ", ".join(f"{g}/{m}".replace("//", "/") for g, ms in groups.items() for m in ms)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as problem:
        if isinstance(problem, PermissionError):
            raise
        text = " ".join(str(problem).split())[:100]
        raise DataError(f"{path.name} is no HDF5 file, or damaged ({text}); copy it again") from problem
    return {}, [], f"HDF5 without columns that are understood (found {there[:100] or 'nothing'})"


def _groups(file: Any) -> dict[str, dict[str, Any]]:
    """Return the datasets of every group by its path, of this file alone: links to other files are not followed."""
    import h5py

    found: dict[str, dict[str, Any]] = {}
    waiting = [("/", file["/"], 0)]
    while waiting:
        name, group, depth = waiting.pop(0)
        inner = {key: group[key] for key in group if isinstance(group.get(key, getlink=True), h5py.HardLink)}
        found[name] = {key: one for key, one in inner.items() if isinstance(one, h5py.Dataset)}
        if depth < _DEPTH:  # hard links may go in circles
            waiting += [
                (f"{name.rstrip('/')}/{key}", one, depth + 1)
                for key, one in inner.items()
                if isinstance(one, h5py.Group)
            ]
    return found


def _of_group(members: Mapping[str, Any], cells: int, limit: int | None) -> tuple[Columns, list[str]]:
    rows = slice(0, limit)
    for one in members.values():  # a table
        if one.dtype.names and (has_cells(one.dtype.names, CHARGE_PREFIX) or has_cells(one.dtype.names, CODE_PREFIX)):
            table = one[rows]
            return _numbers({name: table[name] for name in one.dtype.names}, len(table))
    columns: Columns = {}
    for name, one in members.items():
        if name.lower() in _ARRAYS and one.ndim == 2 and one.shape[1] == cells and _is_number(one.dtype):
            columns = _spread(name, one[rows], cells)
            break
    else:
        if not (has_cells(list(members), CHARGE_PREFIX) or has_cells(list(members), CODE_PREFIX)):
            return {}, []
    count = next((len(column) for column in columns.values()), None)
    others = {n: one[rows] for n, one in members.items() if one.ndim == 1 and not (columns and n.lower() in _ARRAYS)}
    if count is None:
        count = next(len(v) for n, v in others.items() if re.fullmatch(r"(CALQ|CODE)_\d+", n, re.IGNORECASE))
    told, ignored = _numbers(others, count)
    ignored += [n for n, one in members.items() if one.ndim != 1 and not (columns and n.lower() in _ARRAYS)]
    return columns | told, ignored


def _numbers(columns: Mapping[str, NDArray[np.generic]], count: int) -> tuple[Columns, list[str]]:
    """Return the columns of numbers with as many rows, and the names of the others."""
    kept = {n: v for n, v in columns.items() if v.ndim == 1 and len(v) == count and _is_number(v.dtype)}
    return kept, [name for name in columns if name not in kept]


def _is_number(kind: np.dtype[Any]) -> bool:
    return kind.kind in "iufb"


def _parquet(path: Path, cells: int, limit: int | None) -> tuple[Columns, list[str], str]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise PackageMissingError(
            "reading Parquet needs pyarrow; install it with: pip install 'econ-ae[parquet]'"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            kinds = {field.name: field.type for field in file.schema_arrow}
            wanted = [n for n, kind in kinds.items() if _is_column(kind) or (n.lower() in _ARRAYS and _is_list(kind))]
            ignored = [name for name in kinds if name not in wanted]
            parts, left = [], limit
            for batch in file.iter_batches(columns=wanted):
                parts.append(batch if left is None else batch[:left])
                left = None if left is None else left - len(parts[-1])
                if left == 0:
                    break
            table = pyarrow.Table.from_batches(parts, pyarrow.schema([file.schema_arrow.field(n) for n in wanted]))
    except (pyarrow.ArrowException, OSError, ValueError) as problem:
        if isinstance(problem, PermissionError):
            raise
        text = " ".join(str(problem).split())[:100]
        raise DataError(f"{path.name} is no Parquet file, or damaged ({text}); copy it again") from problem
    columns: Columns = {}
    for name in wanted:
        column = table.column(name).combine_chunks()
        if _is_list(kinds[name]):
            columns |= _spread(name, _matrix(path.name, name, column, cells), cells)
        else:
            columns[name] = column.to_numpy(zero_copy_only=False)  # nulls become NaN
    if not (has_cells(list(columns), CHARGE_PREFIX) or has_cells(list(columns), CODE_PREFIX)):
        there = ", ".join(kinds)[:100]
        return {}, [], f"Parquet without columns that are understood (found {there or 'nothing'})"
    return columns, ignored, "Parquet"


def _is_column(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow

    lists = (pyarrow.types.is_list, pyarrow.types.is_large_list, pyarrow.types.is_fixed_size_list)
    return any(one(kind) for one in lists) and _is_column(kind.value_type)


def _matrix(file: str, name: str, column: Any, cells: int) -> NDArray[np.float64]:
    lengths = [len(row) if row.is_valid else 0 for row in column]
    wrong = next((i for i, length in enumerate(lengths) if length != cells), None)
    if wrong is not None:
        raise DataError(f"{Place(file).where(wrong)}, column {name}: {lengths[wrong]} values; expected {cells}")
    values = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float64).reshape(-1, cells)
