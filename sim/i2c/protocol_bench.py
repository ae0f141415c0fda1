"""cocotb bench of the I2C target: addressing, broken transactions, glitches, stuck lines, resets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import cocotb
from cocotb.triggers import Timer

from rtl_gen.registers.layout import gaps
from sim.bench.job import CLOCK_NS
from sim.i2c.coverage import STATES
from sim.i2c.master import Master
from sim.i2c.support import TARGET, Bench, Facts, register_test

FILTER = 2  # clocks, the default of the Verilog parameter
_GLITCHES = 60


def scratch(bench: Bench) -> int:
    """Return the byte with all its bits, so that a read of it can be all ones, that most stored bytes follow.

    There is one for every encoder: calibration factors have 12 bits.
    """
    stored = [byte.address for byte in bench.layout.stored if byte.width == 8]
    return max(stored, key=lambda address: following(bench, address))


def following(bench: Bench, address: int) -> int:
    """Return the number of bytes from a stored one to the end of its run of addresses."""
    return next(s.address + s.size - address for s in bench.layout.segments if s.address + s.size > address)


def mask(bench: Bench, address: int, data: bytes) -> bytes:
    """Return what a read gives after these bytes were written."""
    return bytes(value & bench.byte(address + i).mask for i, value in enumerate(data))


@register_test
async def addressing(bench: Bench) -> None:
    """Check who answers: one target address, mapped pointers, writable bytes, bursts up to the end of a block."""
    master, found = bench.master, bench.found
    for address in range(128):
        done = await master.send([address << 1])
        await master.stop()
        found.equal(done, int(address == TARGET), f"acknowledge of target address {address:#x}")
    bench.dut.i2c_address.value = 0x7F
    found.equal(await master.read(0x7F, 0, 1) is None, False, "answer after the address pins changed")
    found.equal(await master.read(TARGET, 0, 1), None, "answer at the old address")
    bench.dut.i2c_address.value = TARGET
    unmapped = sorted({a for first, last in gaps(bench.layout) for a in (first, last)})
    for address in (*unmapped, bench.layout.registers[-1].end, 0xFFFF):
        done = await master.write(TARGET, address, [0xFF])
        found.equal(done, 2, f"acknowledged bytes of a write to {address:#06x}")
    for byte in bench.layout.mapped:
        if not byte.writable:
            done = await master.write(TARGET, byte.address, [0xFF])
            found.equal(done, 3, f"acknowledged bytes of a write to read-only {byte.address:#06x}")
    end = bench.layout.register(bench.layout.weight_blocks[-1]).end
    done = await master.write(TARGET, end - 1, [0x11, 0x22, 0x33])
    found.equal(done, 4, "acknowledged bytes of a burst that runs over the end")
    bench.expected[end - 1] = 0x11 & bench.byte(end - 1).mask
    data = await master.read(TARGET, end - 1, 3)
    found.equal(data, bytes([bench.expected[end - 1], 0xFF, 0xFF]), "a read that runs over the end")
    found.equal(await master.receive(TARGET, 1), None, "a read from where nothing is")
    await master.stop()
    bench.check_ports("addressing")


@register_test
async def broken_transactions(bench: Bench) -> None:
    """Break transactions with STOP and with START after every bit; no byte is ever half written."""
    master, address = bench.master, scratch(bench)
    head = [TARGET << 1, address >> 8, address & 0xFF]
    for end in (master.stop, master.start):
        for whole in range(5):
            for bits in range(8):
                first = int(bench.rng.integers(256))
                stream = [*head, first, 0x5A][:whole]
                done = await master.send(stream)
                bench.found.equal(done, len(stream), "acknowledged bytes before the break")
                await master.bits((*head, 0xA5, 0xA5)[whole] if whole < 3 else 0xA5, bits)
                await end()
                if whole >= 4:  # the first data byte was acknowledged
                    bench.expected[address] = first & bench.byte(address).mask
                bench.check_ports(f"break after {whole} bytes and {bits} bits")
        await master.stop()
    # In the acknowledge the target holds SDA: the master that comes back clocks until it is free. The byte was whole.
    await master.send(head)
    await master.bits(0x3C)
    bench.check_ports("before the acknowledge")
    bench.found.equal(await master.recover(), True, "recovery in an acknowledge")
    bench.expected[address] = 0x3C & bench.byte(address).mask
    bench.check_ports("after the acknowledge")
    # Reads: STOP and START where the target sends ones, in the ninth clock, where it has let go of SDA, and after its
    # byte in place of an acknowledge.
    await bench.write(address, b"\xff")
    for end in (master.stop, master.start):
        for bits in range(9):
            await _read(master, head, bits)
            await end()
        await master.send(head)
        await master.receive(TARGET, 1)
        await end()
        await master.send([(TARGET ^ 1) << 1])
        await end()
        for _ in range(2):
            await master.start()
        await master.stop()
    # A pointer of which only one byte came is not taken.
    await master.send([TARGET << 1, 0xFF])
    await master.stop()
    await master.send(head)
    await master.stop()
    await master.send([TARGET << 1, 0xFF])
    bench.found.equal(await master.receive(TARGET, 1), b"\xff", "a read after half a pointer")
    await master.stop()
    await bench.check_readback("broken transactions")


async def _read(master: Master, head: list[int], bits: int) -> None:
    """Begin a read at a pointer, and take so many bits of it."""
    await master.send(head)
    await master.send([TARGET << 1 | 1])
    for _ in range(bits):
        await master.bit(1)


@register_test
async def glitches(bench: Bench) -> Facts:
    """Send pulses of up to two clocks on either line in the middle of transactions; a longer one does disturb."""
    dut = bench.dut
    address, stop = scratch(bench), False

    async def noise() -> None:
        while not stop:
            line = dut.glitch_scl if bench.rng.random() < 0.5 else dut.glitch_sda
            await Timer(int(bench.rng.integers(150, 700)), "ns")
            line.value = 1
            await Timer(int(bench.rng.integers(1, FILTER * CLOCK_NS)), "ns")
            line.value = 0

    task = cocotb.start_soon(noise())
    slow = type(bench.master.timing)(low=24 * CLOCK_NS, high=20 * CLOCK_NS, hold=6 * CLOCK_NS)
    bench.master.timing = slow
    sent, size = 0, min(following(bench, address), 6)
    for _ in range(_GLITCHES // 6):
        data = bench.rng.bytes(size)
        await bench.write(address, data)
        bench.found.equal(await bench.read(address, size), mask(bench, address, data), "bytes read among glitches")
        sent += 2 * size
    stop = True
    await task
    bench.check_ports("glitches")
    # At the end of a byte, SCL low: a short pulse is no clock, a long one is and ends the byte.
    for nanoseconds, state in ((FILTER * CLOCK_NS - 1, "WRITE"), (3 * FILTER * CLOCK_NS, "WRITE_ACK")):
        await bench.master.send([TARGET << 1, address >> 8, address & 0xFF])
        await bench.master.bits(0x5A, 7)
        await bench.master._low(1)
        dut.glitch_scl.value = 1
        await Timer(nanoseconds, "ns")
        dut.glitch_scl.value = 0
        await bench.clocks(2 * FILTER + 6)
        bench.found.equal(STATES[int(dut.state.value)], state, f"state after a pulse of {nanoseconds} ns on SCL")
        await bench.reset()
    return {"bytes_among_glitches": sent}


@register_test
async def stuck_lines(bench: Bench) -> None:
    """Hold SDA low from outside, and leave the target in the middle of a zero byte: START and nine clocks recover."""
    master, address = bench.master, scratch(bench)
    bench.dut.hold_sda.value = 1
    await bench.clocks(50)
    bench.found.equal(await master.recover(), False, "recovery while another device holds SDA")
    bench.dut.hold_sda.value = 0
    await bench.clocks(20)
    await bench.write(address, b"\x00\x81")
    for bits in range(9):
        await _read(master, [TARGET << 1, address >> 8, address & 0xFF], bits)
        # The master starts again and finds SDA low: it clocks until SDA is free.
        bench.found.equal(await master.recover(), True, f"recovery after {bits} bits of a read")
        got = await bench.read(address, 2)
        bench.found.equal(got, mask(bench, address, b"\x00\x81"), "read after a recovery")
    await bench.check_readback("stuck lines")


@register_test
async def reset_in_every_state(bench: Bench) -> None:
    """Reset the target in each of its states: SDA is free at once, the registers have their reset values."""
    dut = bench.dut
    address = scratch(bench)
    for number, name in enumerate(STATES):
        await _go(bench, address)[name]()
        await bench.clocks(8)
        bench.found.equal(int(dut.state.value), number, f"state {name} before the reset")
        dut.rst_n.value = 0
        await Timer(1, "ns")  # no clock edge: the reset is asynchronous
        bench.found.equal(int(dut.sda_oe.value), 0, f"SDA one ns after the reset in state {name}")
        await bench.reset()
        bench.found.equal(int(dut.state.value), 0, f"state after the reset in state {name}")
        bench.check_ports(f"after the reset in state {name}")
        await bench.write(address, b"\x7e")
        got = await bench.read(address)
        bench.found.equal(got, mask(bench, address, b"\x7e"), "read after the reset")


def _go(bench: Bench, address: int) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return how each state is reached; the way ends with SCL low."""
    head = [TARGET << 1, address >> 8, address & 0xFF]

    def way(stream: list[int], *, byte: int = 0, bits: int = 0, read: int = 0) -> Callable[[], Awaitable[None]]:
        async def go() -> None:
            await (_read(bench.master, stream, read) if read else bench.master.send(stream))
            await bench.master.bits(byte, bits)
            await bench.master._low(1)

        return go

    async def stay() -> None:
        await bench.clocks(1)

    return {
        "IDLE": stay,
        "ADDRESS": way([], bits=3),
        "ADDRESS_ACK": way([], byte=TARGET << 1, bits=8),
        "POINTER_HIGH": way(head[:1], bits=3),
        "POINTER_HIGH_ACK": way(head[:1], byte=head[1], bits=8),
        "POINTER_LOW": way(head[:2], bits=3),
        "POINTER_LOW_ACK": way(head[:2], byte=head[2], bits=8),
        "WRITE": way(head, bits=3),
        "WRITE_ACK": way(head, byte=0x55, bits=8),
        "READ": way(head, read=3),
        "READ_ACK": way(head, read=8),
        "IGNORE": way([(TARGET ^ 3) << 1]),
    }
