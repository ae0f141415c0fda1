"""What the cells of a Liberty library do: functions of their outputs, and their flip-flops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from econ_ae.errors import LibertyError
from rtl_gen.costs.expressions import Expression, parse
from rtl_gen.costs.liberty_groups import Group, cells


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
    """The behaviour of a cell.

    Parameters
    ----------
    inputs : pins that the cell reads, the clock among them
    outputs : function of each output pin, of input pins and of the flop's state
    flop : of a flip-flop
    gate : of a clock gate, whose output has no function
    """

    name: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, Expression]
    flop: Flop | None
    gate: ClockGate | None = None


def read_cells(library: Group, used: Iterable[str]) -> dict[str, Cell]:
    """Return the behaviour of the cells that a netlist uses, by name.

    Raises
    ------
    LibertyError
        When a cell is not in the library, or is none that can be modelled: a latch, a state table, a tri-state output,
        an output without function.
    """
    return {name: _cell(group) for name, group in cells(library, used).items()}


def _cell(group: Group) -> Cell:
    where = f"cell {group.name!r}"
    pins = list(group.of("pin"))
    inputs = tuple(pin.name for pin in pins if pin.simple.get("direction") == "input")
    if "clock_gating_integrated_cell" in group.simple:
        return Cell(group.name, inputs, {}, None, _clock_gate(group, where))
    for kind in ("latch", "latch_bank", "statetable", "ff_bank"):
        if any(group.of(kind)):
            raise LibertyError(f"{where} is a {kind}; gate-level models are made of combinational cells and flip-flops")
    outputs = {}
    for pin in pins:
        if pin.simple.get("direction") != "output":
            continue
        if "three_state" in pin.simple:
            raise LibertyError(
                f"{where} has a tri-state output {pin.name!r}, which cannot be modelled; do not map to it"
            )
        if "function" not in pin.simple:
            raise LibertyError(f"{where}: output {pin.name!r} has no function and cannot be modelled; do not map to it")
        outputs[pin.name] = parse(pin.simple["function"], f"{where}, pin {pin.name!r}")
    flops = [_flop(ff, where) for ff in group.of("ff")]
    if len(flops) > 1:
        raise LibertyError(f"{where} has {len(flops)} flip-flops; gate-level models are made of cells with one")
    return Cell(group.name, inputs, outputs, flops[0] if flops else None)


def _clock_gate(group: Group, where: str) -> ClockGate:
    kind = group.simple["clock_gating_integrated_cell"]
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


def _flop(ff: Group, where: str) -> Flop:
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
