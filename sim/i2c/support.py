"""What the cocotb benches of the registers share: job, clock, reset, bus, model of the registers, records."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import cocotb
import numpy as np
from cocotb.handle import Immediate
from cocotb.triggers import RisingEdge, Timer

from econ_ae.ir import codec
from rtl_gen.registers import AddressMap, address_map
from rtl_gen.registers.model import MappedByte
from rtl_gen.verilog.regfile import ports
from sim.bench.job import CLOCK_NS, Findings, Job
from sim.i2c.master import Master, Timing

B = TypeVar("B", bound="Bench")
Facts = dict[str, Any] | None

FAST = Timing(low=8 * CLOCK_NS, high=4 * CLOCK_NS, between=4 * CLOCK_NS)
"""As fast as target and filters follow, for short simulations: a bus clock of 3.3 MHz where the target answers, 5 MHz
within bytes that are sent to it; I2C allows 1 MHz."""

TARGET = 0x2A
EVERYTHING = 1 << 16
"""More bytes than there are."""
_LOW = ("hold_sda", "glitch_scl", "glitch_sda", "upset", "upset_site", "upset_copy", "upset_bit", "armed")
_OFF_EDGE_NS = 7  # bus edges are not clock edges

_AT_ONCE = (Immediate(0), Immediate(1))
"""Levels that need no phase of writes, which costs more than the write. Nothing else drives these lines."""


class DutBus:
    """The lines of the harness; only changes are driven, which is most of the speed of a load."""

    def __init__(self, dut: Any) -> None:
        self._scl, self._sda, self._level = dut.master_scl, dut.master_sda, dut.sda
        self._driven = (-1, -1)
        self._timers: dict[int, Any] = {}

    def drive(self, scl: int, sda: int) -> None:
        """Set what the master does to the lines."""
        levels = _AT_ONCE if -1 not in self._driven else (0, 1)  # what is written before time 0 has passed may be lost
        if scl != self._driven[0]:
            self._scl.set(levels[scl])
        if sda != self._driven[1]:
            self._sda.set(levels[sda])
        self._driven = (scl, sda)

    def sda(self) -> int:
        """Return the level of SDA."""
        return int(self._level.value)

    async def wait(self, nanoseconds: int) -> None:
        """Let simulation time pass."""
        timer = self._timers.get(nanoseconds)
        if timer is None:
            timer = self._timers[nanoseconds] = Timer(nanoseconds, "ns")
        await timer


class Bench:
    """The parts, wired to one design, and the expected contents of the registers.

    ``idle`` are the values of the other inputs at a reset.
    """

    idle: ClassVar[Mapping[str, int]] = dict.fromkeys(_LOW, 0) | {"status": 0x5A}

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.job = Job.read()
        self.model = codec.loads(Path(self.job["model"]).read_text(encoding="utf-8"))
        self.layout: AddressMap = address_map(self.model)
        self.rng = np.random.default_rng(self.job["seed"])
        self.bus = DutBus(dut)
        self.found = Findings()
        self._ports = ports(self.layout)
        self._bytes = {byte.address: byte for byte in self.layout.mapped}

    async def reset(self) -> None:
        """Set every input, assert the reset and release it; the registers are at their reset values."""
        dut = self.dut
        for name, value in self.idle.items():
            getattr(dut, name).value = value
        dut.i2c_address.value = TARGET
        self.bus.drive(1, 1)
        dut.rst_n.value = 0
        await self.clocks(3)
        dut.rst_n.value = 1
        await self.clocks(12)  # until the filters saw the idle bus
        self.master = Master(self.bus, FAST)
        self.expected = {byte.address: byte.reset for byte in self.layout.stored}

    async def clocks(self, count: int) -> None:
        """Wait for clock edges, and a little more, so that bus edges are not clock edges."""
        if count > 1:
            await Timer((count - 1) * CLOCK_NS, "ns")
        await RisingEdge(self.dut.clk)
        await Timer(_OFF_EDGE_NS, "ns")

    async def write(self, address: int, data: bytes) -> None:
        """Write bytes that are all writable, and remember them."""
        done = await self.master.write(TARGET, address, data)
        self.found.equal(done, 3 + len(data), f"bytes acknowledged of a write of {len(data)} to {address:#06x}")
        for i, value in enumerate(data):
            byte = self.byte(address + i)
            if byte.width:
                self.expected[byte.address] = value & byte.mask

    async def read(self, address: int, count: int = 1) -> bytes:
        """Read bytes; an unanswered read is a finding and gives no bytes."""
        data = await self.master.read(TARGET, address, count)
        self.found.equal(data is not None, True, f"answer to a read of {address:#06x}")
        return data or b""

    async def register(self, name: str) -> int:
        """Read a register that is not an array."""
        register = self.layout.register(name)
        return int.from_bytes(await self.read(register.address, register.size), "little")

    def byte(self, address: int) -> MappedByte:
        """Return the mapped byte at an address."""
        return self._bytes[address]

    def check_ports(self, what: str) -> None:
        """Compare every configuration port with the expected contents."""
        file = int.from_bytes(bytes(self.expected[byte.address] for byte in self.layout.stored), "little")
        text = f"{file:0{8 * len(self.layout.stored)}b}"[::-1]
        for name, bits in self._ports.items():
            want = "".join(text[bit] for bit in reversed(bits))
            self.found.equal(
                str(getattr(self.dut, name).value) == want, True, f"{what}: port {name} is the expected one"
            )
        self.found.equal(int(self.dut.enable.value), self.expected[self.control] & 1, f"{what}: enable")

    async def check_readback(self, what: str, most: int = 16) -> None:
        """Read stored bytes over the bus and compare, at most so many of each run of addresses."""
        for segment in self.layout.segments:
            data = await self.read(segment.address, min(segment.size, most))
            for i, got in enumerate(data):
                self.found.equal(got, self.expected[segment.address + i], f"{what}: byte {segment.address + i:#06x}")

    @property
    def control(self) -> int:
        """Address of the control register."""
        return self.layout.register("control").address

    def bit(self, field_name: str) -> int:
        """Return a bit of the control register as a value."""
        return next(f.mask for f in self.layout.register("control").fields if f.name == field_name)

    def coverage(self) -> dict[str, str]:
        """Return what the harness saw being reached, as hexadecimal numbers by name."""
        return {name: hex(int(getattr(self.dut, name).value)) for name in ("transitions", "written", "fetched")}

    def finish(self, test: str, started: float, facts: Mapping[str, Any]) -> None:
        """Write the record of a test; fail when something was wrong."""
        problems = self.found.problems
        self.job.record(
            test,
            compared=self.found.compared,
            mismatches=len(problems),
            first_mismatch=f"{test}: {problems[0]}" if problems else None,
            seconds=round(time.perf_counter() - started, 3),
            coverage=self.coverage(),
            **facts,
        )
        self.job.advance(1)
        assert not problems, problems[0]


def recorded(make: Callable[[Any], Awaitable[B]]) -> Callable[[Callable[[B], Awaitable[Facts]]], Any]:
    """Return a decorator of cocotb tests that get the bench of ``make``; what they return is added to their record."""

    def decorated(test: Callable[[B], Awaitable[Facts]]) -> Any:
        @cocotb.test()
        @functools.wraps(test)
        async def run(dut: Any) -> None:
            started, bench = time.perf_counter(), await make(dut)
            facts = await test(bench)
            bench.finish(test.__name__, started, facts or {})

        return run

    return decorated


async def begin(dut: Any) -> Bench:
    """Return a bench whose design was reset."""
    bench = Bench(dut)
    await bench.reset()
    return bench


register_test = recorded(begin)


def now() -> float:
    """Return the wall clock, which the simulation does not stop."""
    return time.perf_counter()
