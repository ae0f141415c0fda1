"""The cocotb bench of every block with events: drives every port, samples every output, compares every bit.

It knows names and widths of ports and nothing of encoders: the job names the vectors, the port widths, the stated
latency and the seed. What the outputs must be was computed by econ_ae's models before the simulation started.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotb.types import LogicArray

from sim.bench.job import CLOCK_NS, GAP_PROBABILITY, Job
from sim.bench.vectors import Vectors, bit_strings, load

RESET_CLOCKS = 3  # the reset synchroniser needs two
_ONE_BIT = {"0": 0, "1": 1}


class Driver:
    """Sends events, one a clock or with random gaps, and notes the clock of each."""

    def __init__(self, dut: Any, widths: Mapping[str, int], seed: int) -> None:
        self._dut = dut
        self._widths = widths
        self._rng = np.random.default_rng(seed)

    async def send(self, phase: Vectors, sent: list[int]) -> None:
        """Drive the events and append to ``sent`` the clock edge that takes each, counted from now."""
        columns = []
        for name, rows in phase.inputs.items():
            bits = bit_strings(rows, self._widths[name])
            # Whatever the port held before is unknown to this phase, so that the first event is always written.
            values = [_ONE_BIT[b] for b in bits] if self._widths[name] == 1 else [LogicArray(b) for b in bits]
            columns.append((getattr(self._dut, name), values, [True, *(a != b for a, b in pairwise(bits))]))
        dut, edge, clock, valid = self._dut, RisingEdge(self._dut.clk), 0, False
        for event in range(phase.events):
            while phase.gaps and self._rng.random() < GAP_PROBABILITY:
                other = int(self._rng.integers(phase.events))
                dut.in_valid.value = 0
                for handle, values, changes in columns:
                    handle.value = values[other]
                    changes[event] = True
                valid = False
                await edge
                clock += 1
            if not valid:
                dut.in_valid.value = 1
                valid = True
            for handle, values, changes in columns:
                if changes[event]:
                    handle.value = values[event]
            await edge
            clock += 1
            sent.append(clock)
        dut.in_valid.value = 0


@dataclass
class Monitor:
    """Samples the outputs at every clock edge, as a flip-flop behind them would."""

    dut: Any
    outputs: tuple[str, ...]
    seen: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Collect (clock edge, bits of every output) of every valid event, and the edges with an unknown out_valid."""
        out_valid, edge, clock = self.dut.out_valid, RisingEdge(self.dut.clk), 0
        handles = [getattr(self.dut, name) for name in self.outputs]
        while True:
            await edge
            clock += 1
            valid = str(out_valid.value)
            if valid == "1":
                self.seen.append((clock, tuple([str(handle.value) for handle in handles])))
            elif valid != "0":
                self.unknown.append(clock)


@dataclass
class Scoreboard:
    """Compares what came out with what had to: number, order, latency and every bit of every output."""

    fields: Mapping[str, tuple[str, int, bool]]
    latency: int

    def compare(
        self, phase: Vectors, expected: list[tuple[str, ...]], sent: list[int], monitor: Monitor
    ) -> dict[str, Any]:
        """Return the record of a phase; ``mismatches`` counts events that are wrong in any way."""
        problems = [f"out_valid is unknown at clock {clock}" for clock in monitor.unknown]
        missing = abs(len(monitor.seen) - len(expected))
        problems += [f"{len(expected)} events went in, {len(monitor.seen)} came out"] * missing
        latencies: Counter[int] = Counter()
        first: dict[str, Any] | None = None
        for event, (want, start, (stop, got)) in enumerate(zip(expected, sent, monitor.seen, strict=False)):
            latencies[stop - start] += 1
            if got != want:
                problems.append(f"event {event}: {self._difference(monitor.outputs, got, want)}")
                first = first or {"event": event, "got": got, "expected": want}
            elif stop - start != self.latency:
                problems.append(f"event {event}: latency {stop - start} clocks; stated {self.latency}")
        return {
            "kind": phase.kind,
            "weights": phase.settings,
            "gaps": phase.gaps,
            "events": len(expected),
            "compared": min(len(expected), len(monitor.seen)),
            "mismatches": len(problems),
            "latencies": sorted(latencies),
            "first_difference": first,
            "first_mismatch": f"{phase.kind} events, settings {phase.settings!r}, {problems[0]}" if problems else None,
        }

    def _difference(self, outputs: tuple[str, ...], got: tuple[str, ...], want: tuple[str, ...]) -> str:
        port, ours, theirs = next(row for row in zip(outputs, got, want, strict=True) if row[1] != row[2])
        name, width, signed = self.fields[port]
        for number in range(len(theirs) // width):
            end = len(theirs) - number * width
            if ours[end - width : end] != theirs[end - width : end]:
                what = f"{name} {number}" if len(theirs) > width else name
                seen, wanted = (_shown(bits[end - width : end], signed) for bits in (ours, theirs))
                return f"{what} is {seen}, expected {wanted}"
        return f"{port} is {len(ours)} bits, expected {len(theirs)}"


def _shown(bits: str, signed: bool) -> str:
    if set(bits) - {"0", "1"}:
        return f"unknown ({bits})"
    return str(int(bits, 2) - (int(bits[0]) << len(bits))) if signed else f"{int(bits, 2):#x}"


class Bench:
    """The parts, wired to one design."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.job = job = Job.read()
        self.latency: int = job["latency"]
        self.widths: dict[str, int] = job["widths"]
        self.phases = load(Path(job["vectors"]))
        gc.freeze()  # the vectors stay; collecting garbage must not look through them again and again
        self.driver = Driver(dut, self.widths, job["seed"])
        self.scoreboard = Scoreboard(job["fields"], self.latency)
        Clock(dut.clk, CLOCK_NS, "ns", impl="gpi").start()

    async def reset(self) -> None:
        """Assert the reset, release it, wait until the design takes events."""
        self.dut.in_valid.value = 0
        self.dut.rst_n.value = 0
        await self.clocks(2)
        self.dut.rst_n.value = 1
        await self.clocks(RESET_CLOCKS)

    async def clocks(self, count: int) -> None:
        """Wait for clock edges."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def run(self, phase: Vectors) -> dict[str, Any]:
        """Apply the configuration, send the events, drain the pipeline, compare."""
        for name, value in phase.configuration.items():
            getattr(self.dut, name).value = value
        await self.clocks(2)
        outputs = tuple(phase.outputs)
        expected = list(zip(*(bit_strings(phase.outputs[n], self.widths[n]) for n in outputs), strict=True))
        monitor, sent = Monitor(self.dut, outputs), list[int]()
        task = cocotb.start_soon(monitor.run())
        started, cpu = time.perf_counter(), time.process_time()
        await self.driver.send(phase, sent)
        await self.clocks(self.latency + 4)  # four more: a late or surplus event is seen too
        task.cancel()
        record = self.scoreboard.compare(phase, expected, sent, monitor)
        return record | {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}


@cocotb.test()
async def reset(dut: Any) -> None:
    """Check that a reset empties the pipeline at once, and that the events before and after it are right."""
    bench = Bench(dut)
    await bench.reset()
    phase = bench.phases[0].first(8)
    records = [await bench.run(phase)]
    dut.in_valid.value = 1
    await bench.clocks(bench.latency + 2)
    dut.in_valid.value = 0
    dut.rst_n.value = 0
    await Timer(1, "ns")  # no clock edge: the reset is asynchronous
    during = str(dut.out_valid.value)
    await bench.reset()
    records.append(await bench.run(phase))
    if during != "0":
        problem = f"out_valid is {during} one ns after rst_n fell, expected 0"
        records[-1] |= {"mismatches": records[-1]["mismatches"] + 1, "first_mismatch": problem}
    for record in records:
        bench.job.record("reset", **record)
    problems = [record["first_mismatch"] for record in records if record["mismatches"]]
    assert not problems, problems[0]


@cocotb.test()
async def campaign(dut: Any) -> None:
    """Run every phase of the campaign, events back to back except where gaps are asked for."""
    bench = Bench(dut)
    await bench.reset()
    problems: list[str] = []
    for phase in bench.phases:
        record = await bench.run(phase)
        bench.job.record("campaign", **record)
        bench.job.advance(record["events"])
        problems += [record["first_mismatch"]] if record["mismatches"] else []
    assert not problems, problems[0]
