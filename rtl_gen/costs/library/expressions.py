"""Boolean expressions of Liberty: the functions of output pins, and the states that power tables are for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from econ_ae.errors import LibertyError

Word = Any
"""Anything with the operators ``& | ^ ~``: NumPy arrays of uint64 hold 64 cases a word."""

_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_][\w.\[\]]*)|(?P<mark>[01()!~'&*|+^]))")
_NAME = re.compile(r"[A-Za-z_][\w.\[\]]*")
_CONSTANTS = {"ZERO": "1'b0", "ONE": "1'b1"}
_AND, _OR = "&*", "|+"


@dataclass(frozen=True)
class Expression:
    """A Boolean function of pins.

    Parameters
    ----------
    text : as Python and as Verilog read it: names, ``& | ^ ~``, parentheses, ``ZERO`` and ``ONE``
    names : the pins, sorted
    """

    text: str
    names: tuple[str, ...]

    def compiled(self) -> Callable[[dict[str, Word]], Word]:
        """Return a function of the pins' words by name; ``ZERO`` and ``ONE`` must be among them."""
        # By subscription: a pin may be called `in` or `A[0]`.
        code = compile(_NAME.sub(r"words['\g<0>']", self.text), "<liberty>", "eval")
        return lambda words: eval(code, {"__builtins__": {}}, {"words": words})

    def verilog(self) -> str:
        """Return the expression in Verilog."""
        return _NAME.sub(lambda name: _CONSTANTS.get(name.group(), name.group()), self.text)


def parse(text: str, where: str) -> Expression:
    """Return a Liberty expression: ``!``, ``~`` and ``'`` before all, then ``^``, and (also by juxtaposition), or.

    Raises
    ------
    LibertyError
        When it is none; ``where`` names the cell and the pin.
    """
    tokens = _tokens(text, where)
    names: set[str] = set()
    position = 0

    def peek() -> str:
        return tokens[position] if position < len(tokens) else ""

    def take() -> str:
        nonlocal position
        position += 1
        return tokens[position - 1] if position <= len(tokens) else ""

    def unary() -> str:
        token = take()
        if token in {"!", "~"}:
            found = f"~{unary()}"
        elif token == "(":
            found = either()
            if take() != ")":
                raise LibertyError(f"{where}: {text!r} lacks a ')'; correct the Liberty file")
        elif token in {"0", "1"}:
            found = "ONE" if token == "1" else "ZERO"
        elif token and (token[0].isalpha() or token[0] == "_"):
            names.add(token)
            found = token
        else:
            raise LibertyError(f"{where}: {text!r} is no Boolean expression at {token!r}; correct the Liberty file")
        while peek() == "'":
            take()
            found = f"(~{found})"
        return found

    def chain(operand: Callable[[], str], marks: str, operator: str) -> str:
        found = [operand()]
        while peek() and peek() in marks:
            take()
            found.append(operand())
        return f" {operator} ".join(found) if len(found) == 1 else f"({f' {operator} '.join(found)})"

    def both() -> str:
        found = [chain(unary, "^", "^")]
        while peek() and peek() not in _OR and peek() not in ")'^":
            if peek() in _AND:
                take()
            found.append(chain(unary, "^", "^"))
        return found[0] if len(found) == 1 else f"({' & '.join(found)})"

    def either() -> str:
        return chain(both, _OR, "|")

    found = either()
    if position != len(tokens):
        raise LibertyError(f"{where}: {text!r} is no Boolean expression at {peek()!r}; correct the Liberty file")
    return Expression(found, tuple(sorted(names)))


def _tokens(text: str, where: str) -> list[str]:
    found, end = list[str](), 0
    text = text.strip()
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            mark = text[end:].lstrip()[0]
            raise LibertyError(f"{where}: {text!r} is no Boolean expression at {mark!r}; correct the Liberty file")
        found.append(match.group("name") or match.group("mark"))
        end = match.end()
    return found
