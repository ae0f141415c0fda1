"""What a Liberty file says about its cells: area, pins, functions, flip-flops, clock gates; the timing is left out."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lark.exceptions import LarkError
from liberty.parser import ExceptionWithLineNum, parse_liberty

from econ_ae.errors import LibertyError

_ROLES = {
    "clock": "clock_gate_clock_pin",
    "enable": "clock_gate_enable_pin",
    "test": "clock_gate_test_pin",
    "out": "clock_gate_out_pin",
}
_TABLES = re.compile(r"\b(?:values|index_\d)\s*\([^)]*\)\s*;")


@dataclass(frozen=True)
class Flop:
    """A flip-flop, by the expressions of its ``ff`` group.

    Parameters
    ----------
    state : names of the stored value and its complement, which the functions of the outputs use
    clocked_on, next_state, clear, preset : expressions of the pins; empty where there is none
    """

    state: tuple[str, ...]
    clocked_on: str
    next_state: str
    clear: str = ""
    preset: str = ""


@dataclass(frozen=True)
class Cell:
    """A standard cell.

    Parameters
    ----------
    area : in the library's unit (um2 by convention)
    inputs : names of the input pins, the clock included
    outputs : function of every output pin, as written in the file; empty where it has none
    flop : when it is a flip-flop
    clock_gate : kind of integrated clock gate (``latch_posedge``), or empty
    roles : pins of a clock gate by what they do: ``clock``, ``enable``, ``test``, ``out``
    hidden : marked ``dont_use``, so that only what is placed on purpose may be such a cell
    latch : holds a state without being a flip-flop
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    outputs: Mapping[str, str]
    flop: Flop | None = None
    clock_gate: str = ""
    roles: Mapping[str, str] | None = None
    hidden: bool = False
    latch: bool = False


@dataclass(frozen=True)
class Library:
    """A cell library.

    Parameters
    ----------
    name : as the file calls it
    path : the file, unpacked
    cells : by name
    """

    name: str
    path: Path
    cells: Mapping[str, Cell]


def read(path: Path, folder: Path) -> Library:
    """Read a Liberty file, plain or gzip.

    Parameters
    ----------
    path : the file
    folder : where the plain text is written when the file is compressed; the synthesis needs it plain

    Raises
    ------
    LibertyError
        When the file does not exist, is no Liberty file, or holds no cell with an area.
    """
    text, plain = _text(path, folder)
    try:
        library = parse_liberty(_TABLES.sub("", text))
    except (LarkError, ExceptionWithLineNum) as problem:
        where = " ".join(str(problem).split())[:120]
        raise LibertyError(f"{path} is no Liberty file: {where}; expected library (NAME) {{ cell ... }}") from problem
    if library.group_name != "library":
        raise LibertyError(f"{path} starts with {library.group_name!r}; expected library (NAME) {{ cell ... }}")
    cells = {cell.name: cell for cell in map(_cell, library.get_groups("cell"))}
    if not any(cell.area for cell in cells.values()):
        raise LibertyError(f"{path} has no cell with an area; expected cell (NAME) {{ area : ...; pin ... }}")
    return Library(_word(library.args[0]) if library.args else path.stem, plain, cells)


def _text(path: Path, folder: Path) -> tuple[str, Path]:
    if not path.is_file():
        raise LibertyError(f"{path} does not exist; expected a Liberty file (.lib or .lib.gz)")
    content = path.read_bytes()
    plain = path
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as problem:
            raise LibertyError(f"{path} cannot be unpacked: {problem}; is the download complete?") from problem
        plain = folder / path.name.removesuffix(".gz")
        folder.mkdir(parents=True, exist_ok=True)
        plain.write_bytes(content)
    return content.decode("utf-8", errors="replace"), plain


def _word(value: Any) -> str:
    """Return an attribute's value as text without quotes; the parser gives words, numbers or quoted strings."""
    return str(value).strip().strip('"')


def _get(group: Any, name: str) -> str:
    return _word(group[name]) if name in group else ""


def _cell(group: Any) -> Cell:
    pins = {_word(pin.args[0]): pin for pin in group.get_groups("pin")}
    inputs = tuple(name for name, pin in pins.items() if _get(pin, "direction") == "input")
    flops = group.get_groups("ff")
    gate = _get(group, "clock_gating_integrated_cell")
    return Cell(
        _word(group.args[0]),
        float(_get(group, "area") or 0),
        inputs,
        {name: _get(pin, "function") for name, pin in pins.items() if _get(pin, "direction") == "output"},
        flop=_flop(flops[0]) if flops else None,
        clock_gate=gate,
        roles=_roles(pins) if gate else None,
        hidden=_get(group, "dont_use") == "true",
        latch=bool(group.get_groups("latch") or group.get_groups("statetable")),
    )


def _flop(group: Any) -> Flop:
    return Flop(
        tuple(_word(name) for name in group.args),
        _get(group, "clocked_on"),
        _get(group, "next_state"),
        _get(group, "clear"),
        _get(group, "preset"),
    )


def _roles(pins: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, pin in pins.items():
        found |= {role: name for role, attribute in _ROLES.items() if _get(pin, attribute) == "true"}
    return found
