"""cocotb bench of a generated encoder: driver, monitor, model and scoreboard are separate, every latent is compared.

The job (environment variable ``ECON_AE_BENCH_JOB``) is a JSON file that names the model, the campaign, the stated
latency, the seed and the file that gets one JSON line per finished phase.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotb.types import LogicArray

from econ_ae.fixedpoint import IntArray
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from sim.stimulus import Phase, expected_latents, load

CLOCK_NS = 25  # one bunch crossing
RESET_CLOCKS = 3  # the reset synchroniser needs two
GAP_PROBABILITY = 0.4


def read_job() -> dict[str, Any]:
    """Return the job that the runner wrote."""
    job: dict[str, Any] = json.loads(Path(os.environ["ECON_AE_BENCH_JOB"]).read_text(encoding="utf-8"))
    return job


def to_buses(values: IntArray, width: int) -> list[str]:
    """Return rows of integers (n, m) as bit strings, the first number at the least significant (last) bits."""
    bits = ((values[:, ::-1, None] >> np.arange(width - 1, -1, -1)) & 1).astype(np.uint8) + ord("0")
    return [row.tobytes().decode("ascii") for row in bits.reshape(len(values), -1)]


class Driver:
    """Sends images, one a clock or with random gaps, and notes the clock of each."""

    def __init__(self, dut: Any, seed: int) -> None:
        self._dut = dut
        self._rng = np.random.default_rng(seed)

    async def send(self, buses: Sequence[str], gaps: bool, sent: list[int]) -> None:
        """Drive the images and append to ``sent`` the clock edge that takes each, counted from now."""
        dut, edge, clock, valid = self._dut, RisingEdge(self._dut.clk), 0, False
        numbers = [LogicArray(bus) for bus in buses]
        for number in numbers:
            while gaps and self._rng.random() < GAP_PROBABILITY:
                dut.in_valid.value = 0
                valid = False
                dut.image.value = numbers[int(self._rng.integers(len(numbers)))]
                await edge
                clock += 1
            if not valid:
                dut.in_valid.value = 1
                valid = True
            dut.image.value = number
            await edge
            clock += 1
            sent.append(clock)
        dut.in_valid.value = 0


@dataclass
class Monitor:
    """Samples the outputs at every clock edge, as a flip-flop behind them would."""

    dut: Any
    seen: list[tuple[int, str]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Collect (clock edge, latent bits) of every valid output, and the edges with an unknown out_valid."""
        out_valid, latents, edge, clock = self.dut.out_valid, self.dut.latents, RisingEdge(self.dut.clk), 0
        while True:
            await edge
            clock += 1
            valid = str(out_valid.value)
            if valid == "1":
                self.seen.append((clock, str(latents.value)))
            elif valid != "0":
                self.unknown.append(clock)


@dataclass
class Scoreboard:
    """Compares what came out with what had to: number, order, latency and every bit of every latent."""

    model: EncoderModel
    latency: int

    def compare(self, phase: Phase, expected: Sequence[str], sent: list[int], monitor: Monitor) -> dict[str, Any]:
        """Return the record of a phase; ``problems`` counts events that are wrong in any way."""
        problems = [f"out_valid is unknown at clock {clock}" for clock in monitor.unknown]
        missing = abs(len(monitor.seen) - len(expected))
        problems += [f"{len(expected)} events went in, {len(monitor.seen)} came out"] * missing
        latencies: Counter[int] = Counter()
        for event, (want, start, (stop, got)) in enumerate(zip(expected, sent, monitor.seen, strict=False)):
            latencies[stop - start] += 1
            if got != want:
                problems.append(f"event {event}: {self._difference(got, want)}")
            elif stop - start != self.latency:
                problems.append(f"event {event}: latency {stop - start} clocks; stated {self.latency}")
        where = f"{phase.kind} images, weights {phase.weights!r}"
        return {
            "kind": phase.kind,
            "weights": phase.weights,
            "gaps": phase.gaps,
            "events": len(expected),
            "compared": min(len(expected), len(monitor.seen)),
            "mismatches": len(problems),
            "latencies": sorted(latencies),
            "first_mismatch": f"{where}, {problems[0]}" if problems else None,
        }

    def _difference(self, got: str, want: str) -> str:
        width = self.model.latent.width
        for o in range(self.model.latents):
            end = len(want) - o * width
            ours, theirs = got[end - width : end], want[end - width : end]
            if ours != theirs:
                return f"latent {o} is {self._number(ours)}, expected {self._number(theirs)}"
        return f"latents bus is {len(got)} bits, expected {len(want)}"

    def _number(self, bits: str) -> str:
        if set(bits) - {"0", "1"}:
            return f"unknown ({bits})"
        sign = self.model.latent.signed and bits[0] == "1"
        return str(int(bits, 2) - (int(sign) << len(bits)))


class Bench:
    """The parts, wired to one design."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        job = read_job()
        self.latency: int = job["latency"]
        self.records = Path(job["records"])
        self.model = codec.loads(Path(job["model"]).read_text(encoding="utf-8"))
        self.campaign = load(self.model, Path(job["campaign"]))
        gc.freeze()  # the images stay; collecting garbage must not look through them again and again
        self.driver = Driver(dut, job["seed"])
        self.scoreboard = Scoreboard(self.model, self.latency)
        Clock(dut.clk, CLOCK_NS, "ns", impl="gpi").start()

    async def reset(self) -> None:
        """Assert the reset, release it, wait until the design takes images."""
        self.dut.in_valid.value = 0
        self.dut.image.value = 0
        self.dut.rst_n.value = 0
        await self.clocks(2)
        self.dut.rst_n.value = 1
        await self.clocks(RESET_CLOCKS)

    async def clocks(self, count: int) -> None:
        """Wait for clock edges."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def run(self, phase: Phase) -> dict[str, Any]:
        """Apply the weights, send the images, drain the pipeline, compare."""
        model = self.campaign.models[phase.weights]
        self.dut.weights.value = int.from_bytes(weights.pack(model), "little")
        await self.clocks(2)
        images = to_buses(phase.images.reshape(len(phase.images), -1), model.normalise.out.width)
        expected = to_buses(expected_latents(model, phase.images), model.latent.width)
        monitor, sent = Monitor(self.dut), list[int]()
        task = cocotb.start_soon(monitor.run())
        started, cpu = time.perf_counter(), time.process_time()
        await self.driver.send(images, phase.gaps, sent)
        await self.clocks(self.latency + 4)  # four more: a late or surplus event is seen too
        task.cancel()
        record = self.scoreboard.compare(phase, expected, sent, monitor)
        return record | {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}

    def report(self, test: str, record: dict[str, Any]) -> None:
        """Append one line to the results file."""
        with self.records.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": test, **record}) + "\n")


@cocotb.test()
async def reset(dut: Any) -> None:
    """Check that a reset empties the pipeline at once, and that the events before and after it are right."""
    bench = Bench(dut)
    await bench.reset()
    first = bench.campaign.phases[0]
    phase = Phase(first.kind, first.weights, first.images[:8])
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
        bench.report("reset", record)
    problems = [record["first_mismatch"] for record in records if record["mismatches"]]
    assert not problems, problems[0]


@cocotb.test()
async def campaign(dut: Any) -> None:
    """Run every phase of the campaign, images back to back except where gaps are asked for."""
    bench = Bench(dut)
    await bench.reset()
    problems: list[str] = []
    for phase in bench.campaign.phases:
        record = await bench.run(phase)
        bench.report("campaign", record)
        problems += [record["first_mismatch"]] if record["mismatches"] else []
    assert not problems, problems[0]
