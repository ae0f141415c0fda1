"""ePortRX words: the ECON-T's 12 input words per bunch crossing, 4 trigger-cell codes of 7 bits each (spec 1 and 2)."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from econ_ae import floatcodes
from econ_ae.data.readers.table import Lines, Progress, cells, check_integers, parse, quote
from econ_ae.econt.config import Numbering
from econ_ae.econt.words import EPORTS, crossings, unpack_codes
from econ_ae.errors import DataError

_DECIMAL_BITS = 28
_WORD = r"(?:0[xX])?[0-9a-fA-F]{1,8}"
_ROW = re.compile(rf"\s*{_WORD}\s*(?:,\s*{_WORD}\s*){{{EPORTS - 1}}}")
_HEADED = re.compile(r"(?:0[xX])?[9aA][0-9a-fA-F]{7}")
_ORBIT_START, _CROSSING = 0x9, 0xA


class FieldOrder(enum.StrEnum):
    """Which field of a word is its first trigger cell (spec 1)."""

    MSB_FIRST = "msb-first"  # bits 27-21: production ECON-T
    LSB_FIRST = "lsb-first"  # bits 6-0: first prototype


class ZeroCode(enum.StrEnum):
    """What trigger-cell code 0 stands for."""

    SUPPRESSED = "suppressed"  # no charge: CALQ 0
    BIN_CENTRE = "bin-centre"  # the middle of the lowest bin, as the chip computes (spec 2)


def is_hexadecimal(row: Sequence[str]) -> bool:
    """Tell whether a line holds 12 hexadecimal words with a header nibble."""
    return len(row) == EPORTS and all(_HEADED.fullmatch(cell) for cell in row)


def decimal_codes(
    lines: Lines, names: Sequence[str], order: FieldOrder, progress: Progress | None
) -> NDArray[np.int64]:
    """Return the codes of decimal words without header nibble, int64 (rows, 48) in word order."""
    values = parse(lines, names, np.ones(EPORTS, np.bool_), progress)
    largest = (1 << _DECIMAL_BITS) - 1
    words = check_integers(lines, names, values, largest, "word", hint=" (4 codes of 7 bits; a code is at most 127)")
    return _codes(words, order)


def hexadecimal_codes(
    lines: Lines, names: Sequence[str], order: FieldOrder, progress: Progress | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (codes, crossings) of hexadecimal words with a header nibble.

    Returns
    -------
    codes : int64 (rows, 48) in word order
    crossings : int64 (rows,), bunch crossing 0..3563 of every row, counted from the rows with header 9

    Raises
    ------
    DataError
        When a row has not 12 words, a word is no hexadecimal number of 32 bits, or a header is neither 9 nor A.
    """
    for i, line in enumerate(lines.rows):
        if not _ROW.fullmatch(line):
            _raise_bad_word(lines, names, i)
    words = np.array([[int(cell, 16) for cell in line.split(",")] for line in lines.rows], np.int64)
    headers = words >> 28
    bad = (headers != _CROSSING) & (headers != _ORBIT_START)
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        raise DataError(
            f"{lines.where(i)}, column {names[j]}: header nibble {headers[i, j]:X} of {quote(f'{words[i, j]:08x}')}; "
            "expected 9 (BX 0) or A"
        )
    if progress is not None:
        progress(len(lines.rows), len(lines.rows))
    return _codes(words, order), crossings(words)


def _raise_bad_word(lines: Lines, names: Sequence[str], row: int) -> None:
    found = cells(lines.rows[row])
    if len(found) != EPORTS:
        raise DataError(f"{lines.where(row)}: {len(found)} columns; expected {EPORTS}")
    j = next(k for k, cell in enumerate(found) if not re.fullmatch(_WORD, cell))
    raise DataError(
        f"{lines.where(row)}, column {names[j]}: {quote(found[j])} is no word; expected up to 8 hexadecimal digits"
    )


def _codes(words: NDArray[np.int64], order: FieldOrder) -> NDArray[np.int64]:
    numbering = Numbering.PRODUCTION if order is FieldOrder.MSB_FIRST else Numbering.PROTOTYPE
    return unpack_codes(words, numbering)


def code_charges(codes: NDArray[np.int64], density: int, zero_code: ZeroCode) -> NDArray[np.int64]:
    """Return CALQ at unit calibration of 4E3M codes (any shape)."""
    charges = floatcodes.decode_4e3m(codes, density)
    return np.where(codes == 0, 0, charges) if zero_code is ZeroCode.SUPPRESSED else charges
