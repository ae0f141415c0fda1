"""A timed path in words, and which pipeline register would shorten it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.costs.timing import CONFIGURATION, TimedPath, Timing

_REGISTER = re.compile(r"(?:^|/)register_(\w+)/")
_BIT = re.compile(r"\[(\d+)\]$")


@dataclass(frozen=True)
class Operands:
    """What the bits of a pipeline register mean.

    Parameters
    ----------
    name : of a number in it: ``activation``, ``pixel``
    first : bit of the register where the numbers begin
    width : bits of a number
    count : how many there are
    """

    name: str
    first: int
    width: int
    count: int


def describe(path: TimedPath, operands: Mapping[str, Operands]) -> str:
    """Return a path as a sentence: from which operand, through which modules, to where, and how long.

    Parameters
    ----------
    operands : by name of the pipeline register
    """
    through = [f"{name.removeprefix('datapath/')} ({ns:.2f} ns)" for name, ns in path.modules if not _inside(name)]
    middle = " through " + ", ".join(through) if through else ""
    return (
        f"from {point(path.start, operands)}{middle} to {point(path.end, operands)}: "
        f"{path.delay:.2f} ns, {path.cells} cells"
    )


def point(name: str, operands: Mapping[str, Operands]) -> str:
    """Return a start or end of a path in words; ``name`` ends with the bit of the register when it is known."""
    found = _REGISTER.search(name)
    if found is None:
        return name.rpartition("/")[0] or f"port {name}"
    register, bit = found.group(1), _BIT.search(name)
    meaning = operands.get(register)
    if bit is None:
        return f"register {register}"
    number = int(bit.group(1))
    if meaning is None or not 0 <= number - meaning.first < meaning.width * meaning.count:
        return f"bit {number} of register {register}"
    index, place = divmod(number - meaning.first, meaning.width)
    return f"bit {place} of {meaning.name} {index} (register {register})"


def advice(timing: Timing, free: Mapping[str, str], latency: int) -> str:
    """Return whether the clock is met, and where a pipeline register would help when it is not.

    Parameters
    ----------
    free : places for a pipeline register that have none, and the instance that each would stand behind
    latency : clocks of the netlist
    """
    if timing.slack >= 0:
        spare = (
            f"The clock of {timing.period:g} ns is met with {timing.slack:.2f} ns to spare ({timing.frequency:.0f} MHz)"
        )
        return f"{spare}; no further pipeline register is needed at this clock."
    missed = [path for path in timing.paths if path.slack < 0]
    return " ".join(_help(timing.period, path, free, latency) for path in missed)


def _help(period: float, path: TimedPath, free: Mapping[str, str], latency: int) -> str:
    text = f"The clock of {period:g} ns is missed by {-path.slack:.2f} ns, by the path to {path.stage}"
    if path.stage == CONFIGURATION:
        return f"{text}, inside the configuration: no pipeline register helps there, the clock must be longer."
    through = {step for name, _ in path.modules for step in name.split("/")}
    where = [place for place, instance in free.items() if instance in through]
    if not where:
        return f"{text}; every place already has a register (latency {latency}): a longer clock or a split layer helps."
    return f"{text}; add {' or '.join(repr(p) for p in where)} to hardware.registers (one clock of latency each)."


def _inside(name: str) -> bool:
    """Tell whether an instance is a register itself, which start and end name already."""
    return bool(_REGISTER.search(name + "/"))
