"""What a verification of the registers found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.result import Outcome


@dataclass(frozen=True)
class RegisterResult(Outcome):
    """Outcome of a verification of the configuration registers.

    Parameters
    ----------
    tests : names of the tests that ran
    compared : comparisons made
    mismatches : comparisons that failed, assertions of the Verilog that fired, impossible state transitions
    first_mismatch : the first of these in words
    not_reached : states and transitions of the I2C target, and bytes written and read, that no test reached
    weight_bytes : bytes of the weight image that were loaded over the bus
    load_seconds : wall time of that load, at a bus clock that is faster than I2C's (``fast_hertz``)
    load_cpu_seconds : processor time of the same, which other programs do not lengthen
    fast_hertz : that bus clock, in simulated Hz
    upsets : single upsets of configuration bits in triplicate; each left the voted bits alone and was counted
    sweep : whether these were every such bit of every copy
    protocol_upsets : upsets of the target's other registers while bytes went over the bus
    unprotected_upsets : upsets of bits that exist once; each was seen at the outputs until the byte was written again
    tmr : classes of registers in triplicate
    stored_bits : configuration bits
    simulator : name and version
    seconds : wall time of build, start and simulation
    junit, report, log : paths of the JUnit file, of this result as JSON and of the simulator's log
    """

    tests: tuple[str, ...]
    compared: int
    mismatches: int
    first_mismatch: str | None
    not_reached: tuple[str, ...]
    weight_bytes: int
    load_seconds: float
    load_cpu_seconds: float
    fast_hertz: int
    upsets: int
    sweep: bool
    protocol_upsets: int
    unprotected_upsets: int
    tmr: tuple[str, ...]
    stored_bits: int
    simulator: str
    seconds: float
    junit: Path
    report: Path
    log: Path


def fact(records: Sequence[Mapping[str, Any]], name: str) -> Any:
    """Return the fact of that name from the record that has it; KeyError when none has."""
    for record in records:
        if name in record:
            return record[name]
    raise KeyError(name)


@dataclass(frozen=True)
class BlockResult(Outcome):
    """Outcome of a verification of the complete block.

    Parameters
    ----------
    tests : names of the tests that ran
    compared : comparisons made
    mismatches : comparisons that failed (one per test at least), assertions of the Verilog that fired
    first_mismatch : the first of these in words
    latency : clocks, checked on every event
    exact : unflagged events; every output of each was compared
    flagged : events flagged during the reconfigurations
    mixtures : flagged events that were in fact neither those of the old nor of the new settings
    upsets : single upsets of weight bits while events streamed
    load_bytes : bytes of settings and weights that were loaded over I2C
    load_seconds, load_cpu_seconds : wall time and processor time of that load, on a bus that is faster than I2C's
    streamed, stream_seconds : events sent one a clock after the load, and their wall time
    simulator : name and version
    seconds : wall time of build, start and simulation
    junit, report, log : paths of the JUnit file, of this result as JSON and of the simulator's log

    What the bench did not reach because of a mismatch is None.
    """

    tests: tuple[str, ...]
    compared: int
    mismatches: int
    first_mismatch: str | None
    latency: int
    exact: int
    flagged: int | None
    mixtures: int | None
    upsets: int | None
    load_bytes: int | None
    load_seconds: float | None
    load_cpu_seconds: float | None
    streamed: int | None
    stream_seconds: float | None
    simulator: str
    seconds: float
    junit: Path
    report: Path
    log: Path
