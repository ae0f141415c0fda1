"""I2C transactions that write registers, and the time that they take on the bus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from econ_ae.errors import RegisterError
from rtl_gen.registers.model import AddressMap

FREQUENCIES = (100_000, 400_000, 1_000_000)
"""Bus frequencies of I2C standard mode, fast mode and fast mode plus, in Hz."""

CROSSINGS_HERTZ = 40_000_000
"""Clock of the block, an event per period: the nominal rate of bunch crossings."""

_POINTER_BYTES = 2
_BITS_PER_BYTE = 9  # with the acknowledge
_START_AND_STOP = 2  # bit times


@dataclass(frozen=True)
class Write:
    """One transaction: START, target address, pointer, bytes, STOP."""

    address: int
    data: bytes

    @property
    def bit_times(self) -> int:
        """Periods of SCL that the transaction takes."""
        return _START_AND_STOP + _BITS_PER_BYTE * (1 + _POINTER_BYTES + len(self.data))


def weight_writes(address_map: AddressMap, image: bytes) -> tuple[Write, ...]:
    """Return the transactions that load a weight image, one per run of consecutive addresses.

    Raises
    ------
    RegisterError
        When the image has another length.
    """
    addresses = [b.address for b in address_map.stored if b.register.name in address_map.weight_blocks]
    if len(image) != len(addresses):
        raise RegisterError(f"weight image of {len(image)} bytes; {address_map.name} needs {len(addresses)}")
    return bursts(dict(zip(addresses, image, strict=True)))


def register_write(address_map: AddressMap, name: str, values: int | Sequence[int]) -> Write:
    """Return the transaction that writes a register, or every element of an array.

    Raises
    ------
    RegisterError
        When the register is unknown or a value does not fit it.
    """
    register = address_map.register(name)
    numbers = [values] if isinstance(values, int) else list(values)
    allowed = sum(f.mask for f in register.fields)
    if len(numbers) != register.count:
        raise RegisterError(f"register {name} has {register.count} elements; got {len(numbers)}")
    for i, number in enumerate(numbers):
        if number < 0 or number & ~allowed:
            raise RegisterError(f"{name}[{i}] is {number:#x}; only the bits {allowed:#x} exist")
    return Write(register.address, b"".join(n.to_bytes(register.size, "little") for n in numbers))


def bursts(values: dict[int, int]) -> tuple[Write, ...]:
    """Return as few transactions as write these bytes (by address)."""
    found: list[tuple[int, bytearray]] = []
    for address in sorted(values):
        if found and address == found[-1][0] + len(found[-1][1]):
            found[-1][1].append(values[address])
        else:
            found.append((address, bytearray([values[address]])))
    return tuple(Write(address, bytes(data)) for address, data in found)


def bus_seconds(writes: Iterable[Write], hertz: int) -> float:
    """Return the time on the bus, without pauses between transactions."""
    return sum(write.bit_times for write in writes) / hertz


def flagged_events(writes: Sequence[Write], hertz: int, latency: int) -> int:
    """Return how many events the block flags while writes are one transaction, with an event at every clock.

    From the first byte's effect, after its acknowledge, to STOP, which is seen a clock later than a falling SCL: the
    other bytes of the first write, START, address, pointer and bytes of each further one, and STOP; then what is still
    in the datapath, whose last register is at its output.

    Parameters
    ----------
    hertz : of the bus; a repeated START counts as one period
    latency : of the datapath, in clocks
    """
    if not writes:
        return 0
    periods = sum(write.bit_times - 1 for write in writes) - _BITS_PER_BYTE * (2 + _POINTER_BYTES)
    return -(-periods * CROSSINGS_HERTZ // hertz) + latency


def i2c_sequence(writes: Sequence[Write], target: int, *, one_transaction: bool = False) -> str:
    """Return transactions as text: ``S`` START, bytes in hexadecimal, ``P`` STOP; ``#`` comments give the times.

    Parameters
    ----------
    target : 7-bit address of the chip
    one_transaction : join the writes by repeated START and end with one STOP, so that the block flags every event
        between the first byte and the last; for a reload while events stream

    Raises
    ------
    RegisterError
        When the target address has more than 7 bits.
    """
    if not 0 <= target < 1 << 7:
        raise RegisterError(f"I2C address {target:#x}; expected 7 bits, 0x00..0x7f")
    size = sum(len(write.data) for write in writes)
    times = ", ".join(f"{bus_seconds(writes, f) * 1e3:.3f} ms at {f // 1000} kHz" for f in FREQUENCIES)
    count = f"{len(writes)} writes in one transaction" if one_transaction else f"{len(writes)} transactions"
    flags = ""
    if one_transaction:
        crossings = ", ".join(f"{flagged_events(writes, f, 0)} crossings at {f // 1000} kHz" for f in FREQUENCIES)
        flags = f"; events are flagged for {crossings}"
    lines = [f"# {count}, {size} data bytes: {times}{flags}"]
    for number, write in enumerate(writes, 1):
        stop = [] if one_transaction and number < len(writes) else ["P"]
        head = (target << 1, write.address >> 8, write.address & 0xFF)
        lines.append(" ".join(["S", *(f"{byte:02x}" for byte in (*head, *write.data)), *stop]))
    return "\n".join(lines) + "\n"
