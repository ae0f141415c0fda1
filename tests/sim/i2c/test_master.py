"""The I2C master model against a decoder of the two lines that knows nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from sim.i2c.coverage import impossible, legal_transitions, not_reached, transitions
from sim.i2c.master import Master, Timing
from tests.sim.i2c.bus_analyser import Analyser

TIMING = Timing(low=1300, high=600, hold=300)


def run(analyser: Analyser, steps: Iterable[tuple[str, tuple[object, ...]]]) -> list[object]:
    async def all_of_them() -> list[object]:
        master = Master(analyser, TIMING)
        return [await getattr(master, name)(*arguments) for name, arguments in steps]

    return asyncio.run(all_of_them())


def test_a_write_on_the_lines() -> None:
    bus = Analyser(acknowledge=4)
    done = run(bus, [("write", (0x2A, 0x0538, [0xA5, 0x00]))])
    assert done == [4], "the last byte was not acknowledged"
    assert bus.events == ["S", 0x54, "a", 0x05, "a", 0x38, "a", 0xA5, "a", 0x00, "n", "P"]


def test_a_read_on_the_lines() -> None:
    bus = Analyser(acknowledge=99, answers=[0x81, 0x7E])
    assert run(bus, [("read", (0x2A, 0x0001, 2))]) == [b"\x81\x7e"]
    assert bus.events == ["S", 0x54, "a", 0x00, "a", 0x01, "a", "S", 0x55, "a", 0x81, "a", 0x7E, "n", "P"]


def test_an_unanswered_read_ends_with_stop() -> None:
    bus = Analyser(acknowledge=0)
    assert run(bus, [("read", (0x2A, 1, 1))]) == [None]
    assert bus.events == ["S", 0x54, "n", "P"]


def test_times_on_the_lines() -> None:
    bus = Analyser(acknowledge=99)
    run(bus, [("write", (0x2A, 0xFFFF, [0x55]))])
    assert bus.shortest_low >= TIMING.low
    assert bus.shortest_high >= TIMING.high
    assert bus.shortest_hold >= TIMING.hold, "SDA changes after SCL fell"


@pytest.mark.parametrize("hertz", [100_000, 400_000, 1_000_000])
def test_frequencies(hertz: int) -> None:
    timing = Timing.of_frequency(hertz)
    assert timing.low + timing.high == 10**9 // hertz
    assert timing.low > timing.high


def test_recovery_clocks_until_sda_is_free() -> None:
    bus = Analyser(acknowledge=99, stuck_clocks=5)
    assert run(bus, [("start", ()), ("recover", ())])[1] is True
    assert bus.clocks == 7, "five with SDA held, one with SDA free, one of the STOP"
    assert run(Analyser(acknowledge=99, stuck_clocks=50), [("start", ()), ("recover", ())])[1] is False


def test_coverage_counts_what_was_not_reached(econ_t_model: EncoderModel) -> None:
    layout = address_map(econ_t_model)
    everything = sum(1 << byte.address for byte in layout.mapped)
    writable = sum(1 << byte.address for byte in layout.mapped if byte.writable)
    assert not_reached(layout, legal_transitions(), writable, everything) == []
    some = legal_transitions() - {("WRITE_ACK", "WRITE")}
    assert not_reached(layout, some, writable & ~(1 << 0x0538), everything & ~1) == [
        "transition WRITE_ACK -> WRITE",
        "write of 0x0538",
        "read of 0x0000",
    ]
    assert transitions(1 << (16 * 7 + 9) | 1 << 17) == {("WRITE", "READ")}
    assert impossible(layout, frozenset({("WRITE", "READ")}), 1) == ["transition WRITE -> READ", "write of 0x0000"]
