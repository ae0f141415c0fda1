"""Did the triplication survive synthesis? Three flip-flops a bit, none shared, and a voter that reads all three."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtl_gen.costs.library.cells import Cell
from rtl_gen.costs.netlist.flat import ONE, FlatNetlist
from sim.netlist.simulator import NetlistSimulator
from sim.netlist.trace import FlopId, Stored, Tracer
from sim.result import Outcome, first

COPIES = ("copy_a", "copy_b", "copy_c")
_OUTPUT = "q"
_VOTERS = ("voted", "q")
"""Wires that hold the majority beside the copies: of the bank, of a register."""
_RESET_VOTER = "rst_n"
_NO_VOTER = -2
"""In place of the net of a majority: the bit has none, and needs none."""
_PATTERNS = tuple(sum(1 << lane for lane in range(64) if lane >> bit & 1) for bit in range(3))
"""All eight states of three copies, side by side in the lanes of a word."""


@dataclass(frozen=True)
class Bit:
    """One triplicated bit: its name, the three flip-flops (a, b, c), and the net of the majority, -1 without."""

    name: str
    copies: tuple[Stored, Stored, Stored]
    voted: int


@dataclass(frozen=True, kw_only=True)
class TmrResult(Outcome):
    """Outcome of the check.

    Parameters
    ----------
    events : triplicated bits found in the netlist
    configuration_bits : those of the register bank
    flops : flip-flops of the netlist
    voters : bits whose voter was found and checked
    problems : what is wrong, one line each; empty when the triplication is whole
    """

    configuration_bits: int
    flops: int
    voters: int
    problems: tuple[str, ...]


def check_triplication(netlist: FlatNetlist, cells: Mapping[str, Cell], configuration_bits: int) -> TmrResult:
    """Check the triplicated registers of a netlist.

    For every bit: three different flip-flops, which no other bit uses; a voted wire that depends on just these three,
    and that is their majority in all eight states of them.

    Parameters
    ----------
    netlist : of the configuration or of the complete block, with names of wires kept
    configuration_bits : bits of the register bank that must be there
    """
    started = time.perf_counter()
    tracer = Tracer(netlist, cells)
    problems: list[str] = []
    bits = find_bits(netlist, tracer, problems)
    problems += _shared(bits) + _cones(bits, tracer) + _majorities(netlist, cells, bits)
    flops = sum(len(group) for group in netlist.cells if cells[group.cell].flop is not None)
    stored = sum(1 for bit in bits if bit.name.partition("[")[0].endswith("bank"))
    if stored != configuration_bits:
        problems.append(f"{stored} bits of the register bank are triplicated, expected {configuration_bits}")
    if flops < 3 * configuration_bits:
        problems.append(f"{flops} flip-flops are fewer than three for each of {configuration_bits} configuration bits")
    return TmrResult(
        events=len(bits),
        mismatches=len(problems),
        first_mismatch=first(problems),
        seconds=round(time.perf_counter() - started, 2),
        configuration_bits=stored,
        flops=flops,
        voters=sum(1 for bit in bits if bit.voted > ONE),
        problems=tuple(problems),
    )


def find_bits(netlist: FlatNetlist, tracer: Tracer, problems: list[str]) -> list[Bit]:
    """Return the triplicated bits by the names of their copies; what is not whole goes to ``problems``."""
    found: list[Bit] = []
    suffix = f"{COPIES[0]}.{_OUTPUT}"
    for name in sorted(netlist.names):
        if not (name == suffix or name.endswith("." + suffix)):
            continue
        place = name.removesuffix(suffix).removesuffix(".")
        prefix = f"{place}." if place else ""
        copies = [netlist.names.get(f"{prefix}{copy}.{_OUTPUT}") for copy in COPIES]
        if any(copy is None for copy in copies):
            problems.append(f"{place}: not all of {', '.join(COPIES)} are in the netlist")
            continue
        columns = np.array(copies)
        voted = _voted(netlist, prefix, columns.shape[1])
        for i, (a, b, c) in enumerate(columns.T.tolist()):
            if a <= ONE and b <= ONE and c <= ONE:
                continue  # a bit that does not exist
            stored = tuple(tracer.stored(net) for net in (a, b, c))
            if any(one is None for one in stored):
                problems.append(f"{place}[{i}]: a copy is not the output of one flip-flop")
                continue
            found.append(Bit(f"{place}[{i}]", stored, voted[i]))  # type: ignore[arg-type]
    return found


def _voted(netlist: FlatNetlist, prefix: str, width: int) -> list[int]:
    for wire in _VOTERS:
        nets = netlist.names.get(f"{prefix}{wire}")
        if nets is not None and len(nets) == width:
            return nets.tolist()
    # The reset synchroniser: three chains of two flip-flops, one vote behind the second ones.
    second = netlist.names.get(f"{prefix}{_RESET_VOTER}")
    if second is not None and (len(second), width) == (1, 2):
        return [_NO_VOTER, int(second[0])]
    return [-1] * width


def _shared(bits: list[Bit]) -> list[str]:
    owner: dict[FlopId, str] = {}
    problems = []
    for bit in bits:
        for copy, stored in zip(COPIES, bit.copies, strict=True):
            name = f"{bit.name} {copy}"
            if stored.flop in owner:
                problems.append(f"{name} and {owner[stored.flop]} share a flip-flop")
            owner.setdefault(stored.flop, name)
    return problems


def _cones(bits: list[Bit], tracer: Tracer) -> list[str]:
    problems = []
    for bit in bits:
        if bit.voted == _NO_VOTER:
            continue
        if bit.voted <= ONE:
            problems.append(f"{bit.name}: its voter is not in the netlist")
            continue
        read = tracer.flops_behind([bit.voted])
        if read != {stored.flop for stored in bit.copies}:
            problems.append(f"{bit.name}: its voter reads {len(read)} flip-flops, expected its own three")
    return problems


def _majorities(netlist: FlatNetlist, cells: Mapping[str, Cell], bits: list[Bit]) -> list[str]:
    """Put all eight states into the copies of every bit at once, and compare what the voters make of them."""
    simulator = NetlistSimulator(netlist, cells, words=1)
    banks = {bank.cell: bank for bank in simulator.banks}
    for bit in bits:
        for pattern, stored in zip(_PATTERNS, bit.copies, strict=True):
            cell, number = stored.flop
            word = np.uint64(pattern)
            banks[cell].state[number] = ~word if stored.inverted else word
    simulator.propagate()
    a, b, c = _PATTERNS
    majority = np.uint64(a & b | a & c | b & c)
    return [
        f"{bit.name}: its voter does not give the majority"
        for bit in bits
        if bit.voted > ONE and simulator.values[bit.voted, 0] != majority
    ]
