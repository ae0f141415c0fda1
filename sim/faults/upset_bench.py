"""cocotb bench of the triplication: single upsets change nothing and are counted, double ones do and are seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cocotb
from cocotb.triggers import RisingEdge, Timer

from rtl_gen.verilog.regfile_bits import protected_bits
from sim.bench.job import CLOCK_NS
from sim.i2c.harness import COPIES
from sim.i2c.support import EVERYTHING, TARGET, Bench, Facts, now, register_test

_CONFIGURATION = 0  # number of the upset site
_ACCUMULATED = 40


class Upsets:
    """Flips bits of single flip-flops."""

    def __init__(self, bench: Bench) -> None:
        self._dut = bench.dut
        self._toggle = 0

    async def flip(self, site: int, copy: int, bit: int) -> None:
        """Flip one bit of one copy, at once."""
        dut = self._dut
        dut.upset_site.value = site
        dut.upset_copy.value = copy
        dut.upset_bit.value = bit
        self._toggle ^= 1
        dut.upset.value = self._toggle
        await Timer(1, "ns")


def positions(bench: Bench) -> dict[int, int]:
    """Return the byte address of every configuration bit by its position in the register file."""
    return {
        8 * index + byte.lsb + bit: byte.address
        for index, byte in enumerate(bench.layout.stored)
        for bit in range(byte.width)
    }


def protected(bench: Bench) -> list[int]:
    """Return the positions of the bits in triplicate."""
    return protected_bits(bench.layout, bench.job["tmr"])


def not_control(bench: Bench) -> list[int]:
    """Return the positions of the bits in triplicate that are not in the control register."""
    where = positions(bench)
    return [bit for bit in protected(bench) if where[bit] != bench.control]


def at(bench: Bench, address: int) -> list[int]:
    """Return the positions of the bits of a byte."""
    return [bit for bit, other in positions(bench).items() if other == address]


async def fill(bench: Bench, most: int = 16) -> None:
    """Write random bytes to all runs of addresses but control, so that upsets go both ways."""
    for segment in bench.layout.segments:
        if segment.address != bench.control:
            await bench.write(segment.address, bench.rng.bytes(min(segment.size, most)))
    bench.check_ports("before the upsets")
    bench.dut.armed.value = 1
    await bench.clocks(2)


async def campaign(bench: Bench, upsets: Iterable[tuple[int, int]]) -> int:
    """Flip (copy, bit) one by one; each must leave the voted bits alone, be corrected at one clock and be counted."""
    dut, found, flips = bench.dut, bench.found, Upsets(bench)
    where, edge, done = positions(bench), RisingEdge(dut.clk), 0
    counter = dut.dut.state.count
    last = dut.dut.state.address
    start = int(counter.value)
    rest = Timer(CLOCK_NS * 2 // 5, "ns")
    await edge
    await rest
    for copy, bit in upsets:
        await flips.flip(_CONFIGURATION, copy, bit)
        seen = str(dut.pending.value)
        await edge
        await rest
        done += 1
        if done % bench.job["upsets_per_step"] == 0:
            bench.job.advance(1)
        if seen != "1" or str(dut.pending.value) != "0":
            found.equal(
                (seen, str(dut.pending.value)), ("1", "0"), f"copies differ before and after the clock, bit {bit}"
            )
        if int(counter.value) != min(start + done, 0xFFFF) or int(last.value) != where[bit]:
            got = int(counter.value), hex(int(last.value))
            found.equal(
                got, (start + done, hex(where[bit])), f"count and address of an upset of bit {bit}, copy {copy}"
            )
    found.compared += done
    return done


async def settle(bench: Bench, counted: int) -> None:
    """Compare what is visible from outside after a campaign: voted bits, ports, counter over the bus."""
    violations = int(bench.dut.violations.value)
    bench.found.equal(violations, 0, "changes of voted bits")
    bench.check_ports("after the upsets")
    bench.found.equal(await bench.register("errors"), min(counted, 0xFFFF), "errors counted")


@register_test
async def single_upsets(bench: Bench) -> Facts:
    """Flip random bits of random copies, or every bit of every copy where the job asks for a sweep."""
    await fill(bench, EVERYTHING)
    bits = protected(bench)

    def chosen() -> Iterator[tuple[int, int]]:
        if bench.job["sweep"]:
            yield from ((copy, bit) for copy in range(COPIES) for bit in bits)
            return
        for _ in range(bench.job["upsets"] if bits else 0):
            yield int(bench.rng.integers(COPIES)), int(bench.rng.choice(bits))

    beginning = now()
    done = await campaign(bench, chosen())
    seconds = now() - beginning
    await settle(bench, done)
    await bench.write(bench.layout.register("errors").address, b"\x00")
    bench.found.equal(await bench.register("errors"), 0, "errors after the counter was written")
    bench.found.equal(await bench.register("last_error"), 0, "last address after the counter was written")
    return {"upsets": done, "upset_seconds": round(seconds, 3)}


@register_test
async def unprotected_upsets(bench: Bench) -> Facts:
    """Check that an upset of a bit that exists once is seen at the outputs, neither reported nor corrected."""
    dut = bench.dut
    await fill(bench)
    flips, where = Upsets(bench), positions(bench)
    single = sorted(set(where) - set(protected(bench)) - set(at(bench, bench.control)))
    chosen = [int(bit) for bit in bench.rng.permutation(single)[: bench.job["upsets"]]]
    for bit in chosen:
        await flips.flip(_CONFIGURATION, 0, bit)
        await bench.clocks(3)
        seen = str(dut.dut.stored_bits.value)[-1 - bit], int(dut.disturbed.value), int(dut.pending.value)
        golden = str(dut.golden.value)[-1 - bit]
        bench.found.equal(seen, ("01"[golden == "0"], 1, 0), f"bit {bit}, a change, and copies that differ")
        await flips.flip(_CONFIGURATION, 0, bit)  # back, so that every upset is seen alone
    if chosen:
        address = where[chosen[0]]
        await flips.flip(_CONFIGURATION, 0, chosen[0])
        await bench.clocks(2)
        lost = await bench.read(address)
        bench.found.equal((lost[0] ^ bench.expected[address]).bit_count(), 1, "wrong bits in the byte that is read")
        await bench.write(address, bytes([bench.expected[address]]))
    bench.found.equal(int(dut.disturbed.value), 0, "a change after the byte was written again")
    bench.found.equal(await bench.register("errors"), 0, "errors counted")
    bench.check_ports("after upsets of bits without protection")
    return {"unprotected_upsets": len(chosen)}


@register_test
async def saturated_counter(bench: Bench) -> None:
    """Check that the error counter stops at its largest value, and that a control bit clears it."""
    flips = Upsets(bench)
    for copy in "abc":  # a count near the end, in all copies at once
        register = getattr(bench.dut.dut.state.registers, f"copy_{copy}").q
        register.value = 0xFFFD << len(register) - 16
    await bench.clocks(1)
    chosen = not_control(bench)[:5]
    for bit in chosen:
        await flips.flip(_CONFIGURATION, 0, bit)
        await bench.clocks(2)
    most = 0xFFFF if chosen else 0xFFFD
    bench.found.equal(await bench.register("errors"), most, "errors after more than fit")
    await bench.write(bench.control, bytes([bench.bit("counters_reset")]))
    bench.found.equal(await bench.register("errors"), 0, "errors after counters_reset")


@register_test
async def double_upsets(bench: Bench) -> Facts:
    """Check that two upset copies of one bit win the vote and stay until the byte is written, as they must."""
    dut = bench.dut
    await fill(bench)
    flips, where = Upsets(bench), positions(bench)
    tried = 0
    bits = not_control(bench)
    for first, second in ((0, 1), (0, 2), (1, 2)) if bits else ():
        bit = int(bench.rng.choice(bits))
        await bench.clocks(1)
        await flips.flip(_CONFIGURATION, first, bit)
        await flips.flip(_CONFIGURATION, second, bit)
        bench.found.equal(int(dut.disturbed.value), 1, f"the voted bit {bit} after a double upset")
        await bench.clocks(3)
        bench.found.equal(int(dut.disturbed.value), 1, f"the voted bit {bit} three clocks later")
        address = where[bit]
        lost = await bench.read(address)
        wrong = lost[0] ^ bench.expected[address]
        bench.found.equal(wrong.bit_count(), 1, "wrong bits in the byte that is read")
        await bench.write(address, bytes([bench.expected[address]]))
        bench.found.equal(int(dut.disturbed.value), 0, "the voted bits after the byte was written again")
        tried += 1
    bench.found.equal(await bench.register("errors"), tried, "corrections counted (the odd copy out)")
    bench.check_ports("after double upsets")
    return {"double_upsets": tried}


@register_test
async def accumulated_upsets(bench: Bench) -> Facts:
    """Let upsets of different copies meet in a bit: harmless with refresh, an error without it."""
    dut = bench.dut
    await fill(bench)
    flips, where = Upsets(bench), positions(bench)
    bits = [int(b) for b in bench.rng.permutation(not_control(bench))[:_ACCUMULATED]]
    lost = {}
    for refresh in (True, False):
        if not refresh:
            dut.armed.value = 0
            await bench.write(bench.control, bytes([bench.bit("refresh_disable")]))
            await bench.write(bench.layout.register("errors").address, b"\x00")
            dut.armed.value = 1
            await bench.clocks(2)
        for copy in (0, 1):
            for bit in bits:
                await flips.flip(_CONFIGURATION, copy, bit)
                await bench.clocks(1)
        voted = str(dut.dut.stored_bits.value)
        lost[refresh] = sum(voted[-1 - bit] != str(dut.golden.value)[-1 - bit] for bit in bits)
        pending = int(dut.pending.value)
        bench.found.equal(pending, int(bool(bits) and not refresh), f"copies differ with refresh {refresh}")
        counted = await bench.register("errors")
        bench.found.equal(counted, 2 * len(bits) if refresh else 0, f"errors counted with refresh {refresh}")
        bench.found.equal(await bench.register("flags") & 2, 2 * pending, "the pending flag over the bus")
    bench.found.equal(lost, {True: 0, False: len(bits)}, "voted bits lost with and without refresh")
    # Writing the bytes again brings all three copies back, also without refresh.
    for address in sorted({where[bit] for bit in bits}):
        await bench.write(address, bytes([bench.expected[address]]))
    bench.found.equal(int(dut.pending.value), 0, "copies differ after the bytes were written")
    bench.check_ports("after the bytes were written")
    return {"lost_with_refresh": lost[True], "lost_without_refresh": lost[False]}


@register_test
async def upsets_of_the_protocol(bench: Bench) -> Facts:
    """Flip bits of the target, filters, counters and CRC engine while bytes go over the bus: all arrive."""
    flips, sites, running, done = Upsets(bench), bench.job["sites"], True, 0

    async def radiation() -> None:
        nonlocal done
        while running:
            await bench.clocks(int(bench.rng.integers(2, 60)))
            site = int(bench.rng.integers(1, len(sites)))
            await flips.flip(site, int(bench.rng.integers(COPIES)), int(bench.rng.integers(sites[site])))
            done += 1

    task = cocotb.start_soon(radiation())
    address = bench.layout.register(bench.layout.weight_blocks[0]).address
    size = min(bench.layout.register(bench.layout.weight_blocks[0]).count, 8)
    while done < bench.job["upsets"]:
        data = bench.rng.bytes(size)
        await bench.write(address, data)
        got = await bench.read(address, size)
        want = bytes(bench.expected[address + i] for i in range(size))
        bench.found.equal(got, want, f"bytes after {done} upsets")
    running = False
    await task
    bench.found.equal(await bench.master.read(TARGET, bench.control, 1), b"\x00", "control after the upsets")
    bench.found.equal(await bench.register("errors"), 0, "configuration upsets counted")
    bench.check_ports("after upsets of the protocol")
    return {"protocol_upsets": done}
