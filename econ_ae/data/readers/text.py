"""Bytes of a CSV file as text with commas: gzip, UTF-8, UTF-16, Latin-1, semicolons, tabs, and no decimal commas."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from dataclasses import dataclass

from econ_ae.econt.words import EPORTS
from econ_ae.errors import DataError

_GZIP = b"\x1f\x8b"
_MOST = 1 << 31  # bytes of text: ten million events of 48 charges
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = {"\t": "tabs", ";": "semicolons"}
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DECIMAL_COMMA = re.compile(r'(?:^|[;\t])[ "]*([+-]?\d*,\d+(?:[eE][+-]?\d+)?)[ "]*(?=$|[;\t\r\n])', re.MULTILINE)
_QUOTED_DECIMAL_COMMA = re.compile(r'"\s*([+-]?\d+,\d+(?:[eE][+-]?\d+)?)\s*"')


@dataclass(frozen=True)
class Text:
    """The text of a file.

    Parameters
    ----------
    lines : with commas between the cells
    detected : what the file has instead of UTF-8, a plain file and commas
    """

    lines: list[str]
    detected: tuple[str, ...]


def text_of(data: bytes, name: str) -> Text:
    """Return a file's text.

    Parameters
    ----------
    data : the whole file
    name : for messages

    Raises
    ------
    DataError
        When it is no text, its compression is damaged or hides too much, or numbers have decimal commas.
    """
    detected = []
    if data.startswith(_GZIP):
        data = _unpacked(data, name)
        detected.append("gzip")
    text, encoding = _decoded(data)
    if encoding != "UTF-8":
        detected.append(encoding)
    if _NO_TEXT.search(text):
        inside = " inside gzip" if "gzip" in detected else ""
        raise DataError(f"{name} is no text file{inside}; expected CSV with trigger-cell charges or ePortRX words")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = _separator(text)
    _refuse_decimal_commas(text, separator, name)
    if separator != ",":
        detected.append(_SEPARATORS[separator])
        text = text.replace(",", " ").replace(separator, ",")  # what commas there are stand in labels
    return Text(text.split("\n"), tuple(detected))


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            found = file.read(_MOST + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise DataError(f"{name} is cut off or damaged (gzip: {problem}); copy it again") from problem
    if len(found) > _MOST:
        raise DataError(f"{name} holds more than {_MOST >> 30} GiB of text; divide it into several files")
    return found


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the text, and the name of its encoding; NUL where it has none."""
    for mark, encoding in _WIDE.items():
        if data.startswith(mark):
            return _strictly(data, encoding), "UTF-16"
    start = data[:400]
    if len(start) >= 4 and start.count(0) * 2 >= len(start) - 1:  # ASCII in UTF-16 without a mark
        encoding = "utf-16-be" if start[0] == 0 else "utf-16-le"
        return _strictly(data, encoding), "UTF-16 without a byte order mark"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return "\0"


def _separator(text: str) -> str:
    """Return what stands between the cells of the first line: what could be there between 12 words or more."""
    first = next((line for line in text.split("\n", 1000) if line.strip()), "")
    return next((one for one in _SEPARATORS if first.count(one) >= EPORTS - 1), ",")


def _refuse_decimal_commas(text: str, separator: str, name: str) -> None:
    pattern = _QUOTED_DECIMAL_COMMA if separator == "," else _DECIMAL_COMMA
    if "," not in text or (found := pattern.search(text)) is None:
        return
    line = text.count("\n", 0, found.start(1)) + 1
    told = f" (detected: {_SEPARATORS[separator]} between cells)" if separator != "," else ""
    raise DataError(
        f"{name}, line {line}: {found[1][:24]!r} has a decimal comma{told}; expected integers, and points in decimals: "
        "export the file with points"
    )
