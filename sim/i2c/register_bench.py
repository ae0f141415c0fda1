"""cocotb bench of the configuration: what is in the registers, what reaches the ports, what the CRC says."""

from __future__ import annotations

import time
import zlib

from econ_ae.ir import weights
from rtl_gen.registers.model import MappedByte
from rtl_gen.registers.sequence import weight_writes
from sim.bench.job import CLOCK_NS
from sim.i2c.master import Master, Timing
from sim.i2c.support import EVERYTHING, FAST, TARGET, Bench, Facts, now, register_test

STATUS_NAMES = ("flags", "datapath", "errors", "last_error", "crc")


def fixed_bytes(bench: Bench) -> list[MappedByte]:
    """Return the bytes of the identification."""
    return [b for b in bench.layout.mapped if not b.width and b.register.name not in STATUS_NAMES]


@register_test
async def reset_values(bench: Bench) -> None:
    """Read the identification and the reset value of every register; the ports have them too."""
    for byte in fixed_bytes(bench):
        got = (await bench.read(byte.address))[0]
        bench.found.equal(got, byte.reset, f"{byte.register.name}, byte {byte.lane}")
    bench.check_ports("after reset")
    await bench.check_readback("after reset", EVERYTHING)
    for name, want in (("flags", 0), ("datapath", 0x5A), ("errors", 0), ("last_error", 0)):
        bench.found.equal(await bench.register(name), want, name)


@register_test
async def weights_over_the_bus(bench: Bench) -> Facts:
    """Load the whole weight image, read it back, compare the port and the CRC; a burst per block."""
    image = weights.pack(bench.model)
    loading, loading_cpu = now(), time.process_time()
    for write in weight_writes(bench.layout, image):
        await bench.write(write.address, write.data)
    load_seconds, load_cpu = now() - loading, time.process_time() - loading_cpu
    bench.check_ports("weights")
    port = int(bench.dut.weights.value)
    bench.found.equal(port == int.from_bytes(image, "little"), True, "the weights port is the weight image")
    bench.found.equal(await bench.register("flags"), 0, "flags before the CRC")
    await bench.write(bench.control, bytes([bench.bit("crc_start")]))
    while await bench.register("flags") & 4:
        bench.found.equal(len(bench.found.problems), 0, "while the CRC is busy")
    bench.found.equal(await bench.register("flags"), 8, "flags after the CRC")
    bench.found.equal(await bench.register("crc"), zlib.crc32(image), "CRC-32 of the weights")
    await bench.check_readback("weights", EVERYTHING)
    last = bench.layout.register(bench.layout.weight_blocks[-1])
    await bench.write(last.end - 1, bytes([bench.expected[last.end - 1]]))
    bench.found.equal(await bench.register("flags"), 0, "flags after a weight was written")
    times = {"load_seconds": round(load_seconds, 3), "load_cpu_seconds": round(load_cpu, 3)}
    return {"weight_bytes": len(image), **times}


@register_test
async def crc_is_ended_by_a_write(bench: Bench) -> None:
    """Check that a CRC that is running when a weight is written does not become valid, and the next one does."""
    first = bench.layout.register(bench.layout.weight_blocks[0]).address
    busy_clocks = sum(b.register.name in bench.layout.weight_blocks for b in bench.layout.stored)
    # The bus writes a byte in about 130 clocks: a pending one ends a long CRC, not a short one.
    master = bench.master
    await master.send([TARGET << 1, bench.control >> 8, bench.control & 0xFF, bench.bit("crc_start")])
    await master.start()
    await master.bits(TARGET << 1)
    await master.bit(1)
    for byte in (first >> 8, first & 0xFF, 0x01):
        await master.put(byte)
    await master.stop()
    bench.expected[first] = 0x01 & bench.byte(first).mask
    await bench.clocks(busy_clocks + 20)
    bench.found.equal(await bench.register("flags"), 0, "flags after an interrupted CRC")
    await bench.write(bench.control, bytes([bench.bit("crc_start")]))
    await bench.clocks(busy_clocks + 20)
    image = bytes(
        bench.expected[b.address] for b in bench.layout.stored if b.register.name in bench.layout.weight_blocks
    )
    bench.found.equal(await bench.register("crc"), zlib.crc32(image), "CRC of one non-zero byte")


@register_test
async def settings(bench: Bench) -> None:
    """Write random bytes to everything but control and weights; bits that do not exist read 0."""
    skip = {"control", *bench.layout.weight_blocks}
    for register in bench.layout.registers:
        bytes_of = [b for b in bench.layout.stored if b.register is register]
        if register.name in skip or not bytes_of:
            continue
        await bench.write(register.address, bench.rng.bytes(len(bytes_of)))
        bench.check_ports(register.name)
    await bench.write(bench.control, bytes([bench.bit("enable")]))
    await bench.check_readback("settings")
    bench.check_ports("enable")
    bench.dut.status.value = 0xC3
    bench.found.equal(await bench.register("datapath"), 0xC3, "status of the datapath")
    # A pulse bit is not stored, and the counters' reset comes out for one clock.
    await bench.write(bench.control, bytes([0xFC]))
    bench.found.equal((await bench.read(bench.control))[0], 0, "control after its pulse bits")
    await bench.write(bench.layout.register("errors").address, bytes(2))


@register_test
async def reconfiguration_flag(bench: Bench) -> None:
    """Check that the flag is high from the first written byte of a transaction until its STOP, and never else."""
    master, flag = bench.master, bench.dut.reconfiguring
    address = bench.layout.register("calibration").address  # at least two bytes
    await bench.read(address, 2)
    bench.found.equal(int(flag.value), 0, "flag after a read")
    await master.send([TARGET << 1, address >> 8, address & 0xFF])
    await bench.clocks(8)
    bench.found.equal(int(flag.value), 0, "flag after a pointer")
    await master.put(1)
    await master._low(1)  # the acknowledge ends when SCL falls
    await bench.clocks(8)
    bench.found.equal(int(flag.value), 1, "flag after the first byte")
    data = await master.receive(TARGET, 1)
    bench.found.equal(int(flag.value), 1, "flag after a repeated START")
    bench.found.equal(data, bytes([bench.expected[address + 1]]), "the byte behind the written one")
    await master.stop()
    await bench.clocks(8)
    bench.found.equal(int(flag.value), 0, "flag after STOP")
    bench.expected[address] = 1
    await bench.read(address)


@register_test
async def bus_frequencies(bench: Bench) -> Facts:
    """Write and read at the frequencies of I2C: 100 kHz, 400 kHz and 1 MHz."""
    address = bench.layout.register("calibration").address
    for hertz in (100_000, 400_000, 1_000_000):
        bench.master = Master(bench.bus, Timing.of_frequency(hertz))
        await bench.write(address, bench.rng.bytes(2))
        got = await bench.read(address, 2)
        want = bytes(bench.expected[address + i] for i in range(2))
        bench.found.equal(got, want, f"read back at {hertz} Hz")
    bench.check_ports("frequencies")
    return {"fast_hertz": round(1e9 / (FAST.low + FAST.high)), "clock_ns": CLOCK_NS}
