"""The cells of a Liberty library: area, pins, functions of the outputs, flip-flops and clock gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import LibertyError
from rtl_gen.costs.library import groups
from rtl_gen.costs.library.expressions import Expression, parse
from rtl_gen.costs.library.groups import Group


@dataclass(frozen=True)
class Flop:
    """An edge-triggered flip-flop.

    Parameters
    ----------
    clock : the pin; the rising edge counts unless ``falling``
    next_state : of the input pins and, where the cell holds, of ``state``
    clear, preset : asynchronous, active where true; clear wins where both are
    state, inverse : names that the output functions use
    """

    clock: str
    falling: bool
    next_state: Expression
    clear: Expression | None
    preset: Expression | None
    state: str
    inverse: str


@dataclass(frozen=True)
class ClockGate:
    """An integrated clock gate: the output follows the clock while the enable, sampled before the rising edge, is 1.

    Parameters
    ----------
    clock, output : pins
    enables : pins of which one is enough: enable, and test enable where there is one
    """

    clock: str
    output: str
    enables: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A standard cell.

    Parameters
    ----------
    area : in the library's unit (um2 by convention)
    inputs : pins that the cell reads, the clock among them
    outputs : function of each output pin, of input pins and of the flop's state
    flop : of a flip-flop
    gate : of a clock gate, whose output has no function
    latch : holds a state without being a flip-flop
    hidden : marked ``dont_use``, so that only what is placed on purpose may be such a cell
    problem : why it cannot be modelled: a latch, a tri-state output, an output without function; or empty
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    outputs: Mapping[str, Expression]
    flop: Flop | None = None
    gate: ClockGate | None = None
    latch: bool = False
    hidden: bool = False
    problem: str = ""

    @property
    def clock(self) -> str | None:
        """The clock pin of a flip-flop or a clock gate."""
        return self.flop.clock if self.flop else self.gate.clock if self.gate else None


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
    plain = groups.unpacked(path, folder)
    library = groups.read(path)
    cells = {group.name: cell_of(group) for group in library.of("cell")}
    if not any(cell.area for cell in cells.values()):
        raise LibertyError(f"{path} has no cell with an area; expected cell (NAME) {{ area : ...; pin ... }}")
    return Library(library.name or path.stem, plain, cells)


def read_cells(library: Group, used: Iterable[str]) -> dict[str, Cell]:
    """Return the cells that a netlist uses, by name; all of them can be modelled.

    Raises
    ------
    LibertyError
        When a cell is not in the library, or is none that can be modelled.
    """
    found = {name: cell_of(group) for name, group in groups.cells(library, used).items()}
    for cell in found.values():
        if cell.problem:
            raise LibertyError(cell.problem)
    return found


def cell_of(group: Group) -> Cell:
    """Return the cell that a group describes; what cannot be modelled is its ``problem``."""
    pins = {way: [p for p in group.of("pin") if p.simple.get("direction") == way] for way in ("input", "output")}
    gated = "clock_gating_integrated_cell" in group.simple
    outputs: dict[str, Expression] = {}
    flop, gate, problem = None, None, ""
    try:
        if gated:
            gate = _clock_gate(group)
        else:
            flop = _flop(group)
            outputs = {pin.name: _function(group, pin) for pin in pins["output"]}
    except LibertyError as error:
        problem = str(error)
    return Cell(
        group.name,
        group.number("area", "0"),
        tuple(pin.name for pin in pins["input"]),
        outputs,
        flop,
        gate,
        latch=not gated and any(group.of("latch", "latch_bank", "statetable")),
        hidden=group.simple.get("dont_use") == "true",
        problem=problem,
    )


def _function(group: Group, pin: Group) -> Expression:
    where = f"cell {group.name!r}"
    if "three_state" in pin.simple:
        raise LibertyError(f"{where} has a tri-state output {pin.name!r}, which cannot be modelled; do not map to it")
    if "function" not in pin.simple:
        raise LibertyError(f"{where}: output {pin.name!r} has no function and cannot be modelled; do not map to it")
    return parse(pin.simple["function"], f"{where}, pin {pin.name!r}")


def _clock_gate(group: Group) -> ClockGate:
    where, kind = f"cell {group.name!r}", group.simple["clock_gating_integrated_cell"]
    if not kind.startswith("latch_posedge"):
        raise LibertyError(f"{where} is a clock gate of the kind {kind}; those that can be modelled are latch_posedge")

    def pins(attribute: str) -> list[str]:
        return [pin.name for pin in group.of("pin") if pin.simple.get(attribute) == "true"]

    clock, output = pins("clock_gate_clock_pin"), pins("clock_gate_out_pin")
    enables = pins("clock_gate_enable_pin") + pins("clock_gate_test_pin")
    if len(clock) != 1 or len(output) != 1 or not enables:
        raise LibertyError(
            f"{where}: a clock gate needs one clock pin, one output and an enable; correct the Liberty file"
        )
    return ClockGate(clock[0], output[0], tuple(enables))


def _flop(group: Group) -> Flop | None:
    """Return the flip-flop of a cell, None of a combinational one."""
    where = f"cell {group.name!r}"
    for kind in ("latch", "latch_bank", "statetable", "ff_bank"):
        if any(group.of(kind)):
            raise LibertyError(f"{where} is a {kind}; gate-level models are made of combinational cells and flip-flops")
    flops = list(group.of("ff"))
    if len(flops) > 1:
        raise LibertyError(f"{where} has {len(flops)} flip-flops; gate-level models are made of cells with one")
    if not flops:
        return None
    ff = flops[0]

    def expression(key: str) -> Expression | None:
        return parse(ff.simple[key], f"{where}, {key}") if key in ff.simple else None

    clocked, next_state = expression("clocked_on"), expression("next_state")
    if clocked is None or next_state is None or len(clocked.names) != 1:
        raise LibertyError(f"{where}: its flip-flop has no clock or no next state; correct the Liberty file")
    if len(ff.names) != 2:
        raise LibertyError(f"{where}: expected ff (state, inverse), found ff ({', '.join(ff.names)})")
    state, inverse = ff.names
    falling = "~" in clocked.text
    return Flop(clocked.names[0], falling, next_state, expression("clear"), expression("preset"), state, inverse)
