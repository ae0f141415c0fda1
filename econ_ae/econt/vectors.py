"""The collaboration's CSV vectors: 12 input or 13 output words of 8 hexadecimal digits per bunch crossing.

A header line, quotes, spaces, ``0x``, either case, missing leading zeros and blank lines around the rows are read.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.econt.frame import ETX
from econ_ae.econt.words import EPORTS
from econ_ae.errors import DataError

_DIGITS = 8
_WORD = re.compile(r"(?:0[xX])?[0-9a-fA-F]{1,8}")


def read_input(path: Path) -> NDArray[np.uint32]:
    """Return the ePortRX words of a ``testInput.csv``, uint32 (n, 12); DataError that names file, row and column."""
    return _read(path, "RX_DATA", EPORTS)


def read_output(path: Path) -> NDArray[np.uint32]:
    """Return the eTX words of a ``testOutput.csv``, uint32 (n, 13); DataError that names file, row and column."""
    return _read(path, "TX_DATA", ETX)


def _read(path: Path, name: str, columns: int) -> NDArray[np.uint32]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise DataError(f"{path}: cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise DataError(f"{path}: not a text file; expected {columns} hexadecimal words per row") from problem
    rows = [line.strip() for line in text.splitlines()]
    while rows and not rows[-1]:
        rows.pop()
    header = next((i for i, row in enumerate(rows) if row), 0)
    header += _is_header(rows[header], columns) if rows else 0
    rows = rows[header:]
    if not rows:
        raise DataError(f"{path}: no data rows; expected {columns} hexadecimal words per row")
    commas = "," * (columns - 1)
    width = columns * (_DIGITS + 1) - 1
    if all(len(row) == width and row[_DIGITS :: _DIGITS + 1] == commas for row in rows):
        digits = "".join(rows).replace(",", "")
        # fromhex skips white space, which no word may contain.
        if digits.isalnum():
            try:
                return np.frombuffer(bytes.fromhex(digits), dtype=">u4").astype(np.uint32).reshape(-1, columns)
            except ValueError:
                pass  # the row by row reader names the place
    return _row_by_row(path, rows, header, name, columns)


def _is_header(row: str, columns: int) -> bool:
    """Whether a row names columns: no cell is a word, or the cells count from 0 as unnamed columns are saved."""
    words = _cells(row)
    named = ("DATA" in row.upper() or len(words) == columns) and not any(map(_WORD.fullmatch, words))
    return named or words == [str(i) for i in range(columns)]


def _cells(row: str) -> list[str]:
    words = [word.strip() for word in row.split(",")]
    return [word[1:-1].strip() if word[:1] in ("'", '"') and word[:1] == word[-1:] else word for word in words]


def _row_by_row(path: Path, rows: list[str], header: int, name: str, columns: int) -> NDArray[np.uint32]:
    out = np.empty((len(rows), columns), np.uint32)
    for r, row in enumerate(rows):
        where = f"{path}: row {r} (line {r + header + 1})"
        words = _cells(row) if row else []
        if len(words) != columns:
            raise DataError(f"{where} has {len(words)} columns; expected {columns} ({name}_0..{name}_{columns - 1})")
        for c, word in enumerate(words):
            if not _WORD.fullmatch(word):
                raise DataError(f"{where}, column {name}_{c}: {word!r} is no word of up to 8 hexadecimal digits")
            out[r, c] = int(word, 16)
    return out
