"""Finds cells by what they compute: Liberty expressions as truth tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from econ_ae.errors import LibertyError
from rtl_gen.costs.liberty import Cell, Library

Function = Callable[..., bool]

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\].]*|[01]|[!~'&*|+^()])")
_PLAIN_GATE = "latch_posedge"


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
def truth_table(expression: str, inputs: Sequence[str]) -> tuple[bool, ...]:
    """Return the value of a Liberty expression for all inputs, the first input changing slowest.

    Operators by falling precedence (Liberty reference manual): ``'`` after and ``!`` before an operand, ``^``, then
    ``*``, ``&`` or a blank, then ``+`` or ``|``.

    Raises
    ------
    LibertyError
        When the expression is not understood or reads something else than the inputs.
    """
    tokens: list[str] = []
    position = 0
    for found in _TOKEN.finditer(expression):
        if found.start() != position:
            break
        tokens.append(found.group(1))
        position = found.end()
    if expression[position:].strip():
        raise LibertyError(f"function {expression!r} is not understood at {expression[position:].strip()[:10]!r}")
    parser = _Parser(tokens, expression, frozenset(inputs))
    value = parser.whole()
    rows = itertools.product((False, True), repeat=len(inputs))
    return tuple(value(dict(zip(inputs, row, strict=True))) for row in rows)


Value = Callable[[Mapping[str, bool]], bool]


class _Parser:
    def __init__(self, tokens: list[str], text: str, names: frozenset[str]) -> None:
        self._tokens, self._text, self._names = [*tokens, ""], text, names
        self._at = 0

    def whole(self) -> Value:
        value = self._or()
        if self._next():
            raise self._error()
        return value

    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self) -> LibertyError:
        return LibertyError(f"function {self._text!r} is not understood at {self._next() or 'its end'!r}")

    def _or(self) -> Value:
        terms = [self._and()]
        while self._next() in {"+", "|"}:
            self._take()
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def _and(self) -> Value:
        terms = [self._xor()]
        while self._next() and self._next() not in {"+", "|", ")"}:
            if self._next() in {"*", "&"}:
                self._take()
            terms.append(self._xor())
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def _xor(self) -> Value:
        terms = [self._operand()]
        while self._next() == "^":
            self._take()
            terms.append(self._operand())
        return terms[0] if len(terms) == 1 else lambda row: sum(term(row) for term in terms) % 2 == 1

    def _operand(self) -> Value:
        token = self._take()
        if token in {"!", "~"}:
            inner = self._operand()
            return lambda row: not inner(row)
        if token == "(":
            value = self._or()
            if self._next() != ")":
                raise self._error()
            self._take()
        elif token in {"0", "1"}:
            value = _constant(token == "1")
        elif token in self._names:
            value = _pin(token)
        else:
            self._at -= 1
            raise self._error()
        while self._next() == "'":
            self._take()
            value = _inverse(value)
        return value


def _constant(bit: bool) -> Value:
    return lambda row: bit  # noqa: ARG005


def _pin(name: str) -> Value:
    return lambda row: row[name]


def _inverse(value: Value) -> Value:
    return lambda row: not value(row)


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
    cells = [cell for cell in library.cells.values() if cell.flop is not None and _plain(cell)]
    if not cells:
        raise LibertyError(f"library {library.name} has no D flip-flop; registers cannot be mapped to it")
    if not any(cell.flop and (cell.flop.clear or cell.flop.preset) for cell in cells):
        raise LibertyError(f"library {library.name} has no D flip-flop with asynchronous clear or preset; expected one")
    return cells


def clock_gate(library: Library) -> Cell | None:
    """Return the smallest clock gate for rising edges without test pin, or None."""
    wanted = {"clock", "enable", "out"}
    found = [c for c in library.cells.values() if c.clock_gate == _PLAIN_GATE and c.roles and set(c.roles) == wanted]
    return min(found, key=lambda cell: cell.area, default=None)


def _plain(cell: Cell) -> bool:
    flop = cell.flop
    assert flop is not None
    return flop.clocked_on.strip("() ") in cell.inputs and flop.next_state.strip("() ") in cell.inputs


def _combinational(library: Library, inputs: int, outputs: int) -> Iterator[Cell]:
    for cell in library.cells.values():
        fits = (len(cell.inputs), len(cell.outputs)) == (inputs, outputs) and all(cell.outputs.values())
        if fits and cell.flop is None and not (cell.latch or cell.hidden or cell.clock_gate):
            yield cell


def _table(inputs: int, function: Function) -> tuple[bool, ...]:
    return tuple(bool(function(*row)) for row in itertools.product((False, True), repeat=inputs))
