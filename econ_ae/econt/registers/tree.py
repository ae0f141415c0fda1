"""A parsed register file, read key by key; every error names the file and the register."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from econ_ae.econt.registers.facts import WEIGHT_BLOCKS, WEIGHT_REGISTERS, Register
from econ_ae.econt.registers.weight_blocks import join
from econ_ae.errors import RegisterError, did_you_mean

_NUMBER = re.compile(r"[+-]?(0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0|[1-9](_?[0-9]){0,99})")

_LARGEST_EXACT_FLOAT = 1 << 53


def integer(value: object, register: Register) -> int | None:
    """Return the integer that a file means: plain, quoted (decimal, 0x, 0b), True and False for one bit; else None.

    Negative numbers count as two's complement where the register holds a bit pattern. A float counts when it is a
    whole number that a float holds exactly.
    """
    if isinstance(value, bool) and register.bits != 1:
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value, 0)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT_FLOAT:
        value = int(value)
    if not isinstance(value, int):
        return None
    if register.pattern and -1 << register.bits - 1 <= value < 0:
        value += 1 << register.bits
    return int(value)


@dataclass(frozen=True)
class Tree:
    """A mapping of a register file with its place in it.

    Parameters
    ----------
    source : file name, for errors
    raw : the mapping
    path : keys that lead here
    """

    source: str
    raw: Mapping[Any, Any]
    path: tuple[str, ...] = ()

    def name(self, *keys: object) -> str:
        """Return the register name of ``keys`` below this mapping."""
        return " ".join((*self.path, *map(str, keys)))

    def error(self, message: str) -> RegisterError:
        """Return an error that names the file."""
        return RegisterError(f"{self.source}: {message}")

    def check_keys(self, known: Iterable[str]) -> None:
        """Raise a RegisterError with a suggestion for the first key that is not known."""
        names = list(known)
        for key in self.raw:
            if str(key) not in names:
                expected = "" if len(names) > 12 else f"; expected {', '.join(names)}"
                raise self.error(f"unknown register {self.name(key)!r}{expected}{did_you_mean(str(key), names)}")

    def check_spelling(self, known: Iterable[str], what: str = "register") -> None:
        """Raise a RegisterError for the first key that is nearly a known one; others are not the trigger path's."""
        names = {name.lower(): name for name in known}
        for key in self.raw:
            near = difflib.get_close_matches(str(key).lower(), names, n=1, cutoff=_NEAR)
            if near and str(key) not in names.values():
                raise self.error(f"unknown {what} {self.name(key)!r}; did you mean {names[near[0]]!r}?")

    def child(self, key: object) -> Tree:
        """Return the mapping below ``key``."""
        value = self.raw[key]
        if not isinstance(value, dict):
            what = "nothing" if value is None else shortened(value)
            raise self.error(
                f"register block {self.name(key)!r} holds {what}; expected a mapping (is the file truncated?)"
            )
        return Tree(self.source, value, (*self.path, str(key)))

    def number(self, key: object, register: Register) -> int:
        """Return the value of one register."""
        return self.checked(self.raw[key], register, self.name(key))

    def checked(self, value: object, register: Register, name: str) -> int:
        """Return ``value`` when it fits ``register``."""
        number = integer(value, register)
        if number is None:
            what = "no value (is the file truncated?)" if value is None else shortened(value)
            raise self.error(f"register {name} has {what}; expected an integer {register.range}")
        try:
            return register.check(number, f"register {name}")
        except RegisterError as problem:
            raise self.error(str(problem)) from problem

    def channels(self, key: str, register: Register) -> tuple[int, ...]:
        """Return the values of the registers 0..count-1 below ``key``, a list or a mapping by number.

        Registers that a mapping leaves out have their defaults, unless the mapping just ends with the file.
        """
        value = self.raw[key]
        if isinstance(value, list):
            if len(value) != register.count:
                raise self.error(f"register {self.name(key)} has {len(value)} values; expected {register.count}")
            return tuple(self.checked(v, register, self.name(key, i)) for i, v in enumerate(value))
        block = self.child(key).numbered(register.count)
        given = len(block.raw)
        if given < register.count and list(block.raw) == list(range(given)) and key == list(self.raw)[-1]:
            raise self.error(
                f"register {block.name()} has {given} of {register.count} entries, "
                f"{given} is missing (is the file truncated?)"
            )
        return tuple(
            block.number(i, register) if i in block.raw else register.default_of(i) for i in range(register.count)
        )

    def numbered(self, count: int) -> Tree:
        """Return this mapping with its keys 0..count-1, which may be strings, as integers; no others may be there."""
        self.check_keys(map(str, range(count)))
        seen: set[str] = set()
        for key in map(str, self.raw):
            if key in seen:
                raise self.error(f"register {self.name(key)} is given twice (as a number and in quotes)")
            seen.add(key)
        return Tree(self.source, {int(key): value for key, value in self.raw.items()}, self.path)


_SHOWN = 60
_NEAR = 0.66
"""Likeness from which a name counts as misspelt: one letter in three."""


def shortened(value: object) -> str:
    """Return a value as errors show it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def weight_image(tree: Tree, blocks: Mapping[int, Tree]) -> bytes:
    """Return the weight image of 12 blocks of weight registers; all registers must be there."""
    missing = [b for b in range(WEIGHT_BLOCKS) if b not in blocks]
    if missing:
        raise tree.error(
            f"weight block {missing[0]} is missing, {len(blocks)} of {WEIGHT_BLOCKS} given (is the file truncated?)"
        )
    values: list[dict[str, int]] = []
    for b in range(WEIGHT_BLOCKS):
        block = blocks[b]
        block.check_keys(WEIGHT_REGISTERS)
        values.append({name: block.number(name, _weights(block, name)) for name in WEIGHT_REGISTERS})
    return join(values)


def _weights(block: Tree, name: str) -> Register:
    if name not in block.raw:
        raise block.error(f"register {block.name(name)} is missing (is the file truncated?)")
    size = WEIGHT_REGISTERS[name][1]
    return Register(0, size, 8 * size, 0)
