"""cocotb bench of the complete block: settings over I2C, frames every clock, both at once, upsets, reset.

The tests build on each other: the design is reset in the first and the last one only.
"""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from rtl_gen.registers import Write
from rtl_gen.verilog.regfile_bits import protected_bits
from sim.bench.vectors import Vectors, bit_strings, load
from sim.i2c.block_stream import Counts, Judge, Stream
from sim.i2c.settings import changes, setting_writes
from sim.i2c.support import EVERYTHING, TARGET, Bench, Facts, now, recorded

OLD, NEW, RESET = range(3)
"""Phases of the vectors: settings of the load, of the reconfiguration, and after reset."""

_QUIET_CLOCKS = 20  # from STOP on the bus until the target has seen it, with room
_BYTE_CLOCKS = 80  # of the fast bus
_MOST_THIN = 400  # events of the middle of a reconfiguration; its first and its last byte meet one a clock
_BYTES_BEFORE_RESET = 4
_STATUS_CRC_BUSY, _STATUS_CRC_VALID = 4, 8


class BlockBench(Bench):
    """The parts, wired to one design."""

    idle = dict.fromkeys(("in_valid", "bx0", "upset", "upset_copy", "upset_bit"), 0)

    def __init__(self, dut: Any) -> None:
        super().__init__(dut)
        self.phases: list[Vectors] = load(Path(self.job["vectors"]))
        widths: dict[str, int] = self.job["widths"]
        port = next(name for name in self.phases[OLD].inputs if name != "bx0")
        inputs = self.phases[OLD].inputs
        outputs = tuple(sorted(self.phases[OLD].outputs))
        self.tables = [
            list(zip(*(bit_strings(phase.outputs[name], widths[name]) for name in outputs), strict=True))
            for phase in self.phases
        ]
        self.writes = [setting_writes(self.model, self.layout, phase.configuration) for phase in self.phases]
        bx0 = [bool(row[0]) for row in inputs["bx0"]]
        self.stream = Stream(dut, port, bit_strings(inputs[port], widths[port]), bx0, outputs, self.rng)
        self.judge = Judge(self.found, self.job["latency"], self.job["registered"])

    async def reset(self) -> None:
        """Set every input, assert the reset and release it; the registers are at their reset values."""
        getattr(self.dut, self.stream.port).value = 0
        await super().reset()
        self.judge.following = 0

    def begin_stream(self, *, gaps: bool = False) -> None:
        """Send events from now on."""
        self.stream.log = []
        self.stream.on, self.stream.gaps = True, gaps
        self.task = cocotb.start_soon(self.stream.run())

    async def end_stream(self, old: int, new: int, what: str) -> Counts:
        """Stop the events, empty the pipeline, judge what came out."""
        self.stream.on = False
        await self.clocks(self.job["latency"] + 5)  # more: a late or surplus event is seen too
        self.task.cancel()
        return self.judge.judge(self.stream.log, self.tables[old], self.tables[new], what)

    async def write_at_once(self, writes: tuple[Write, ...], given: Callable[[bytes], Iterable[int]] = iter) -> None:
        """Write all bytes with repeated STARTs and one STOP: for the block it is one reconfiguration.

        ``given`` yields the bytes of each write, when the bus wants them.
        """
        for write in writes:
            head = (TARGET << 1, write.address >> 8, write.address & 0xFF)
            done = await self.master.send(chain(head, given(write.data)))
            self.found.equal(done, 3 + len(write.data), f"bytes acknowledged at {write.address:#06x}")
            for i, value in enumerate(write.data):
                byte = self.byte(write.address + i)
                self.expected[byte.address] = value & byte.mask
        await self.master.stop()
        await self.clocks(_QUIET_CLOCKS)

    async def write_thinly(self, writes: tuple[Write, ...]) -> None:
        """Write all bytes at once; while those between the first and the last one are long, few events come."""
        size = sum(len(write.data) for write in writes)
        thin, sent = max(1, size * _BYTE_CLOCKS // _MOST_THIN), 0

        def counted(data: bytes) -> Iterator[int]:
            nonlocal sent
            for value in data:
                self.stream.thin = thin if 1 < sent < size - 1 else 1
                sent += 1
                yield value

        await self.write_at_once(writes, counted)

    async def set_control(self, *names: str) -> None:
        """Write the control register."""
        await self.write(self.control, bytes([sum(self.bit(name) for name in names)]))
        await self.clocks(_QUIET_CLOCKS)

    def coverage(self) -> dict[str, str]:
        """Return nothing: the harness of the block does not look inside."""
        return {}


_made = functools.cache(BlockBench)


async def shared(dut: Any) -> BlockBench:
    """Return the bench as the previous test left it, without its findings."""
    bench = _made(dut)
    bench.found.compared, bench.found.problems = 0, []
    return bench


block_test = recorded(shared)


@block_test
async def disabled_after_reset(bench: BlockBench) -> Facts:
    """Send events to a block that nobody enabled: nothing comes out, and they are no bunch crossings."""
    await bench.reset()
    bench.check_ports("after reset")
    bench.begin_stream()
    await bench.clocks(60)
    counts = await bench.end_stream(RESET, RESET, "disabled")
    sent = sum(clock.event >= 0 for clock in bench.stream.log)
    came = sum(bool(clock.outputs) for clock in bench.stream.log)
    bench.found.equal((sent > 50, came), (True, 0), "events sent to the disabled block, and what came out")
    return {"disabled_events": sent, "exact": counts.exact}


@block_test
async def load_and_stream(bench: BlockBench) -> Facts:
    """Load all settings and weights over I2C, read back, check the CRC, then send every event, one a clock."""
    loading, cpu = now(), time.process_time()
    for write in bench.writes[OLD]:
        await bench.write(write.address, write.data)
    times = {"load_seconds": round(now() - loading, 3), "load_cpu_seconds": round(time.process_time() - cpu, 3)}
    bench.check_ports("after the load")
    for name, value in bench.phases[OLD].configuration.items():
        bench.found.equal(int(getattr(bench.dut, name).value) == value, True, f"port {name} is what was to be loaded")
    await bench.check_readback("after the load", 4)
    image = bench.phases[OLD].configuration["weights"].to_bytes(-(-bench.layout.weight_bits // 8), "little")
    await bench.set_control("enable", "crc_start", "counters_reset")
    while (flags := await bench.register("flags")) & _STATUS_CRC_BUSY:
        pass
    bench.found.equal(flags, _STATUS_CRC_VALID, "flags after the CRC")
    bench.found.equal(await bench.register("crc"), zlib.crc32(image), "CRC-32 of the weights")
    bench.stream.sent = 0
    streaming, cpu = now(), time.process_time()
    bench.begin_stream()
    await bench.clocks(len(bench.stream.events))
    counts = await bench.end_stream(OLD, OLD, "streaming")
    times |= {"stream_seconds": round(now() - streaming, 3), "stream_cpu_seconds": round(time.process_time() - cpu, 3)}
    bench.found.equal(counts.flagged, 0, "flagged events without a reconfiguration")
    bench.found.equal(counts.exact >= len(bench.stream.events), True, "every event was sent")
    bench.found.equal(await bench.register("datapath"), 0, "status of the datapath without a flagged event")
    loaded = sum(len(write.data) for write in bench.writes[OLD])
    return {"streamed": counts.exact, "exact": counts.exact, "load_bytes": loaded, **times}


async def reconfigured(bench: BlockBench, old: int, new: int, *, gaps: bool) -> Counts:
    """Rewrite settings while events stream; return what was judged."""
    what = f"reconfiguration {old} to {new}"
    bench.begin_stream(gaps=gaps)
    await bench.clocks(100)
    await bench.write_thinly(changes(bench.writes[old], bench.writes[new]))
    await bench.clocks(100)
    counts = await bench.end_stream(old, new, what)
    bench.found.equal(counts.flagged > 0, True, f"{what}: events are flagged")
    bench.check_ports(what)
    return counts


@block_test
async def reconfigure_while_streaming(bench: BlockBench) -> Facts:
    """Load other weights and factors and back while events stream: only flagged events may be mixtures."""
    differing = sum(a != b for a, b in zip(bench.tables[OLD], bench.tables[NEW], strict=True))
    bench.found.equal(differing > 0, True, "the two settings differ in some event")
    there = await reconfigured(bench, OLD, NEW, gaps=False)
    bench.found.equal(await bench.register("datapath"), 1, "status after flagged events")
    back = await reconfigured(bench, NEW, OLD, gaps=True)
    # The write that clears the status flags events itself; these do not count.
    bench.begin_stream()
    await bench.set_control("enable", "counters_reset")
    status = await bench.register("datapath")
    clearing = await bench.end_stream(OLD, OLD, "clearing the status")
    bench.found.equal((status, clearing.flagged > 0), (0, True), "status after it was cleared, and flagged events")
    exact, flagged = there.exact + back.exact + clearing.exact, there.flagged + back.flagged
    return {"exact": exact, "flagged": flagged, "mixtures": there.mixtures + back.mixtures, "differing": differing}


@block_test
async def upsets_while_streaming(bench: BlockBench) -> Facts:
    """Flip single bits in triplicate (weights, if they are) while events stream: no frame changes, each is counted."""
    dut = bench.dut
    before = await bench.register("errors")
    tmr = set(bench.job["tmr"])
    places = protected_bits(bench.layout, tmr & {"weights"} or tmr)
    upsets = bench.job["upsets"] if places else 0
    bench.begin_stream()
    for n in range(upsets):
        await bench.clocks(3)
        dut.upset_copy.value = int(bench.rng.integers(3))
        dut.upset_bit.value = int(bench.rng.choice(places))
        dut.upset.value = 1 - n % 2
    counts = await bench.end_stream(OLD, OLD, "upsets")
    bench.found.equal(await bench.register("errors"), before + upsets, "upsets counted")
    bench.found.equal(counts.flagged, 0, "events flagged by upsets")
    bench.check_ports("after the upsets")
    dut.upset.value = 0
    return {"exact": counts.exact, "upsets": upsets}


@block_test
async def reset_while_streaming(bench: BlockBench) -> Facts:
    """Reset in the middle of events and of a reconfiguration: reset values, disabled, then exact with these."""
    dut = bench.dut
    bench.begin_stream()
    await bench.clocks(30)
    write = changes(bench.writes[OLD], bench.writes[NEW])[-1]
    head = (TARGET << 1, write.address >> 8, write.address & 0xFF)
    await bench.master.send([*head, *write.data[:_BYTES_BEFORE_RESET]])
    await bench.master.bit(1)
    await bench.clocks(10)
    bench.found.equal(str(dut.observed.value)[:2], "11", "enable and reconfiguring before the reset")
    bench.stream.on = False
    dut.rst_n.value = 0
    await Timer(1, "ns")  # no clock edge: the reset is asynchronous
    bench.found.equal(str(dut.out_valid.value), "0", "out_valid one ns after rst_n fell")
    bench.task.cancel()
    await bench.reset()
    bench.check_ports("after the reset")
    await bench.check_readback("after the reset", 2 if bench.job["short"] else EVERYTHING)
    for name in ("flags", "datapath", "errors"):
        bench.found.equal(await bench.register(name), 0, f"{name} after the reset")
    bench.begin_stream()
    await bench.clocks(30)
    await bench.end_stream(RESET, RESET, "after the reset")
    came = sum(bool(clock.outputs) for clock in bench.stream.log)
    bench.found.equal(came, 0, "events that came out of the block after its reset")
    await bench.set_control("enable")
    bench.begin_stream()
    await bench.clocks(60)
    counts = await bench.end_stream(RESET, RESET, "enabled with reset values")
    return {"exact": counts.exact}
