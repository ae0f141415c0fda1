"""A parsed register file, read key by key; every error names the file and the register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from econ_ae.econt.registers.facts import WEIGHT_BLOCKS, WEIGHT_REGISTERS, Register
from econ_ae.econt.registers.weight_blocks import join
from econ_ae.errors import RegisterError, did_you_mean


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

    def child(self, key: object) -> Tree:
        """Return the mapping below ``key``."""
        value = self.raw[key]
        if not isinstance(value, dict):
            what = "nothing" if value is None else repr(value)
            raise self.error(
                f"register block {self.name(key)!r} holds {what}; expected a mapping (is the file truncated?)"
            )
        return Tree(self.source, value, (*self.path, str(key)))

    def number(self, key: object, register: Register) -> int:
        """Return the value of one register."""
        return self.checked(self.raw[key], register, self.name(key))

    def checked(self, value: object, register: Register, name: str) -> int:
        """Return ``value`` when it fits ``register``."""
        if isinstance(value, bool) or not isinstance(value, int):
            what = "no value (is the file truncated?)" if value is None else f"{value!r}"
            raise self.error(f"register {name} has {what}; expected an integer {register.range}")
        try:
            return register.check(value, f"register {name}")
        except RegisterError as problem:
            raise self.error(str(problem)) from problem

    def channels(self, register: Register) -> tuple[int, ...]:
        """Return the values of keys 0..count-1 of this mapping; all must be there, and no others."""
        self.check_keys(map(str, range(register.count)))
        missing = [i for i in range(register.count) if i not in self.raw]
        if missing:
            raise self.error(
                f"register {self.name()} has {register.count - len(missing)} of {register.count} entries, "
                f"{missing[0]} is missing (is the file truncated?)"
            )
        return tuple(self.number(i, register) for i in range(register.count))


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
