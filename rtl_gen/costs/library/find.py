"""Finds cells by what they compute: Liberty expressions as truth tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from econ_ae.errors import LibertyError
from rtl_gen.costs.library.cells import Cell, ClockGate, Library
from rtl_gen.costs.library.expressions import Expression

Function = Callable[..., bool]


@dataclass(frozen=True)
class Adder:
    """A full or half adder of a library.

    Parameters
    ----------
    cell : its name
    inputs : input pins, in any order
    sum, carry : output pins
    """

    cell: Cell
    inputs: tuple[str, ...]
    sum: str
    carry: str


@cache
def truth_table(expression: Expression, inputs: Sequence[str]) -> tuple[bool, ...]:
    """Return the value of a Liberty expression for all inputs, the first input changing slowest.

    Raises
    ------
    LibertyError
        When the expression reads something else than the inputs.
    """
    unknown = [name for name in expression.names if name not in inputs]
    if unknown:
        raise LibertyError(
            f"function of a cell: {expression.text!r} reads {unknown[0]!r}, which is no input; correct the Liberty file"
        )
    rows = np.array(list(itertools.product((False, True), repeat=len(inputs))))
    words = {name: rows[:, i] for i, name in enumerate(inputs)}
    words |= {"ZERO": np.zeros(len(rows), np.bool_), "ONE": np.ones(len(rows), np.bool_)}
    return tuple(expression.compiled()(words).tolist())


def nand2(library: Library) -> Cell:
    """Return the smallest two-input NAND, whose area is one gate equivalent.

    Raises
    ------
    LibertyError
        When the library has none.
    """
    table = _table(2, lambda a, b: not (a and b))
    found = [
        cell
        for cell in _combinational(library, 2, 1)
        for function in cell.outputs.values()
        if truth_table(function, cell.inputs) == table
    ]
    if not found:
        raise LibertyError(f"library {library.name} has no two-input NAND, the unit of gate equivalents")
    return min(found, key=lambda cell: cell.area)


def full_adder(library: Library) -> Adder | None:
    """Return the smallest full adder, or None."""
    return _adder(library, 3)


def half_adder(library: Library) -> Adder | None:
    """Return the smallest half adder, or None."""
    return _adder(library, 2)


def _adder(library: Library, inputs: int) -> Adder | None:
    total = _table(inputs, lambda *bits: sum(bits) % 2 == 1)
    carry = _table(inputs, lambda *bits: sum(bits) >= 2)
    found = []
    for cell in _combinational(library, inputs, 2):
        tables = {truth_table(function, cell.inputs): pin for pin, function in cell.outputs.items()}
        if total in tables and carry in tables:
            found.append(Adder(cell, cell.inputs, tables[total], tables[carry]))
    return min(found, key=lambda adder: adder.cell.area, default=None)


def flops(library: Library) -> list[Cell]:
    """Return the plain D flip-flops on the rising edge, with or without clear or preset.

    Raises
    ------
    LibertyError
        When there is none, or none that an asynchronous reset clears.
    """
    cells = [cell for cell in library.cells.values() if _plain(cell)]
    if not cells:
        raise LibertyError(f"library {library.name} has no D flip-flop; registers cannot be mapped to it")
    if not any(cell.flop and (cell.flop.clear or cell.flop.preset) for cell in cells):
        raise LibertyError(f"library {library.name} has no D flip-flop with asynchronous clear or preset; expected one")
    return cells


def clock_gate(library: Library) -> Cell | None:
    """Return the smallest clock gate for rising edges without test pin, or None."""
    found = [cell for cell in library.cells.values() if cell.gate and set(cell.inputs) == _pins(cell.gate)]
    return min(found, key=lambda cell: cell.area, default=None)


def _pins(gate: ClockGate) -> set[str]:
    """Return the inputs of a clock gate with nothing but a clock and an enable."""
    return {gate.clock, gate.enables[0]}


def _plain(cell: Cell) -> bool:
    flop = cell.flop
    return flop is not None and not flop.falling and {flop.clock, flop.next_state.text} <= set(cell.inputs)


def _combinational(library: Library, inputs: int, outputs: int) -> Iterator[Cell]:
    for cell in library.cells.values():
        logic = not (cell.problem or cell.flop or cell.gate or cell.hidden)
        if logic and (len(cell.inputs), len(cell.outputs)) == (inputs, outputs):
            yield cell


def _table(inputs: int, function: Function) -> tuple[bool, ...]:
    return tuple(bool(function(*row)) for row in itertools.product((False, True), repeat=inputs))
