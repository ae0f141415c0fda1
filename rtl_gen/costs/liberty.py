"""What a Liberty file says about its cells: area, pins, functions, flip-flops, clock gates; tables are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import LibertyError
from rtl_gen.costs import liberty_groups
from rtl_gen.costs.liberty_groups import Group

_ROLES = {
    "clock": "clock_gate_clock_pin",
    "enable": "clock_gate_enable_pin",
    "test": "clock_gate_test_pin",
    "out": "clock_gate_out_pin",
}


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
    plain = liberty_groups.unpacked(path, folder)
    library = liberty_groups.read(path)
    cells = {cell.name: cell for cell in map(_cell, library.of("cell"))}
    if not any(cell.area for cell in cells.values()):
        raise LibertyError(f"{path} has no cell with an area; expected cell (NAME) {{ area : ...; pin ... }}")
    return Library(library.name or path.stem, plain, cells)


def _cell(group: Group) -> Cell:
    pins = list(group.of("pin"))
    flops = list(group.of("ff"))
    gate = group.simple.get("clock_gating_integrated_cell", "")
    return Cell(
        group.name,
        group.number("area", "0"),
        tuple(pin.name for pin in pins if pin.simple.get("direction") == "input"),
        {pin.name: pin.simple.get("function", "") for pin in pins if pin.simple.get("direction") == "output"},
        flop=_flop(flops[0]) if flops else None,
        clock_gate=gate,
        roles=_roles(pins) if gate else None,
        hidden=group.simple.get("dont_use") == "true",
        latch=any(group.of("latch", "statetable")),
    )


def _flop(group: Group) -> Flop:
    clocked_on, next_state, clear, preset = (
        group.simple.get(name, "") for name in ("clocked_on", "next_state", "clear", "preset")
    )
    return Flop(group.names, clocked_on, next_state, clear, preset)


def _roles(pins: Iterable[Group]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pin in pins:
        found |= {role: pin.name for role, attribute in _ROLES.items() if pin.simple.get(attribute) == "true"}
    return found
