"""A CSV file as a matrix of numbers: parsed in bulk, and cell by cell only to say where it is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.readers.text import text_of
from econ_ae.errors import DataError

Progress = Callable[[int, int], None]
"""Called with (rows read, rows to read)."""

_CHUNK = 20_000  # rows between two calls of a Progress
_SHOWN = 24  # characters of a bad cell that a message quotes


class Located(Protocol):
    """Rows of a file that can say where they stand."""

    @property
    def file(self) -> str:
        """Name of the file."""

    def where(self, row: int) -> str:
        """Return file and place of a 0-based row."""


@dataclass(frozen=True)
class Lines:
    """The rows of a CSV file, not parsed yet.

    Parameters
    ----------
    file : file name without the path
    sha256 : of the whole file
    header : cells of the header line, stripped and unquoted; empty when the file has none
    rows : data lines without line ends; blank lines are left out
    numbers : 1-based line number of every row
    detected : what was found instead of plain UTF-8 with commas
    """

    file: str
    sha256: str
    header: tuple[str, ...]
    rows: Sequence[str]
    numbers: Sequence[int]
    detected: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Return ``file, row r (line l)`` of a 0-based row, counted from 1 as people do."""
        return f"{self.file}, row {row + 1} (line {self.numbers[row]})"


def read_lines(path: Path, is_data: Callable[[Sequence[str]], bool], limit: int | None) -> Lines:
    """Read a CSV file's lines.

    Parameters
    ----------
    path : the file
    is_data : tells whether the cells of the first line are data, so that the file has no header
    limit : most rows to keep; None keeps all

    Raises
    ------
    DataError
        When the file is missing, unreadable, no text, empty, or has a header only.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise DataError(f"cannot read {path.name}: {problem.strerror}; expected a CSV file") from problem
    text = text_of(data, path.name)
    lines = text.lines
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if not filled:
        raise DataError(f"{path.name} is empty; expected CSV with trigger-cell charges or ePortRX words")
    first = cells(lines[filled[0]])
    header = () if is_data(first) else tuple(first)
    kept = filled[1:] if header else filled
    if not kept:
        raise DataError(f"{path.name} has a header line and no rows; expected one row per bunch crossing")
    kept = kept[:limit]
    digest, rows = hashlib.sha256(data).hexdigest(), [lines[i] for i in kept]
    return Lines(path.name, digest, header, rows, [i + 1 for i in kept], text.detected)


def cells(line: str) -> list[str]:
    """Return the stripped cells of a CSV line, quotes removed."""
    return [cell.strip().strip('"').strip() for cell in line.split(",")]


def is_number(cell: str) -> bool:
    """Tell whether a cell reads as a number (``nan`` and ``inf`` included)."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # float() takes 1_000


def parse(
    lines: Lines, names: Sequence[str], required: NDArray[np.bool_], progress: Progress | None
) -> NDArray[np.float64]:
    """Return the cells as float64 (rows, columns).

    Parameters
    ----------
    lines : of ``read_lines``
    names : of the columns, for messages
    required : bool (columns,), where every cell must be a number; elsewhere an empty cell reads as NaN and a column
        whose first cell is no number (a label) reads as NaN

    Raises
    ------
    DataError
        When a row has another number of columns than ``names`` or a cell is no number.
    """
    parts = []
    for start in range(0, len(lines.rows), _CHUNK):
        rows = lines.rows[start : start + _CHUNK]
        try:
            part = np.loadtxt(rows, delimiter=",", dtype=np.float64, ndmin=2, comments=None)
        except ValueError:
            part = _parse_slowly(lines, start, rows, names, required)
        if part.shape[1] != len(names):
            raise DataError(f"{lines.where(start)}: {part.shape[1]} columns; expected {len(names)}")
        parts.append(part)
        if progress is not None:
            progress(start + len(rows), len(lines.rows))
    return np.concatenate(parts)


def _parse_slowly(
    lines: Lines, start: int, rows: Sequence[str], names: Sequence[str], required: NDArray[np.bool_]
) -> NDArray[np.float64]:
    out = np.full((len(rows), len(names)), np.nan)
    first = cells(lines.rows[0])
    labels = [not needed and not is_number(cell) and cell != "" for cell, needed in zip(first, required, strict=False)]
    for i, line in enumerate(rows):
        row = cells(line)
        if len(row) != len(names):
            raise DataError(f"{lines.where(start + i)}: {len(row)} columns; expected {len(names)}")
        for j, cell in enumerate(row):
            if is_number(cell):
                out[i, j] = float(cell)
            elif not labels[j] and (required[j] or cell):
                raise DataError(f"{lines.where(start + i)}, column {names[j]}: {quote(cell)} is no number")
    return out


def quote(cell: str) -> str:
    """Return the cell in quotes, shortened for a one-line message."""
    return repr(cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "...")


def check_integers(
    lines: Located, names: Sequence[str], values: NDArray[np.float64], largest: int, what: str, *, hint: str = ""
) -> NDArray[np.int64]:
    """Return ``values`` as int64; DataError that names the first one that is no integer of ``0..largest``.

    Parameters
    ----------
    lines, names : for the message: the rows, and a name per column of ``values``
    values : float64 (rows, columns)
    largest : largest allowed value
    what : what a value is, for example ``charge``
    hint : appended to the message about a value above ``largest``
    """
    with np.errstate(invalid="ignore"):
        bad = ~((values >= 0) & (values <= largest) & (values == np.floor(values)))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        value = float(values[row, column])
        at = f"{lines.where(row)}, column {names[column]}"
        shown = f"{value:.0f}" if value.is_integer() and abs(value) < 1e18 else f"{value:g}"
        if not np.isfinite(value):
            reason = "is not finite"
        elif value < 0:
            reason = "is negative"
        elif value > largest:
            reason = f"is above {largest}{hint}"
        else:
            reason = "is no integer"
        raise DataError(f"{at}: {what} {shown} {reason}; expected an integer of 0..{largest}")
    return values.astype(np.int64)
