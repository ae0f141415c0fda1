"""An I2C master (controller) on any bus that has two lines and a clock to wait for; it needs no simulator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Bus(Protocol):
    """Two open-drain lines: 1 lets a line go, 0 pulls it low."""

    def drive(self, scl: int, sda: int) -> None:
        """Set what the master does to the lines."""

    def sda(self) -> int:
        """Return the level of SDA; an unknown level is an error."""

    async def wait(self, nanoseconds: int) -> None:
        """Let time pass."""


@dataclass(frozen=True)
class Timing:
    """Times of the bus in ns.

    Parameters
    ----------
    low, high : of SCL; START and STOP conditions use ``high`` on either side
    hold : from the falling edge of SCL to the change of SDA
    between : of SCL low between two bits of a byte that the master sends, where nobody has to answer; 0: as ``low``
    """

    low: int
    high: int
    hold: int = 0
    between: int = 0

    @classmethod
    def of_frequency(cls, hertz: int) -> Timing:
        """Return the timing of a bus frequency, 60 % of the period low (I2C fast mode asks for more low than high)."""
        period = round(1e9 / hertz)
        return cls(low=period * 3 // 5, high=period - period * 3 // 5, hold=period // 10)


class Master:
    """Bits, bytes and transactions. Every operation ends with SCL high; the next one pulls it low."""

    def __init__(self, bus: Bus, timing: Timing) -> None:
        self.bus = bus
        self.timing = timing
        self._sda = 1
        self._idle = True

    async def start(self) -> None:
        """Send START, or repeated START inside a transaction: SDA falls while SCL is high."""
        if not self._idle:
            await self._low(1)
        self._idle = False
        self.bus.drive(1, 1)
        await self.bus.wait(self.timing.high)
        self.bus.drive(1, 0)
        await self.bus.wait(self.timing.high)
        self._sda = 0

    async def stop(self) -> None:
        """Send STOP: SDA rises while SCL is high."""
        await self._low(0)
        self.bus.drive(1, 0)
        await self.bus.wait(self.timing.high)
        self.bus.drive(1, 1)
        await self.bus.wait(self.timing.low)
        self._sda = 1
        self._idle = True

    async def bit(self, value: int) -> int:
        """Clock one bit and return the level of SDA at the end of the high phase."""
        await self._low(value)
        self.bus.drive(1, value)
        await self.bus.wait(self.timing.high)
        return self.bus.sda()

    async def _low(self, sda: int, low: int = 0) -> None:
        """Pull SCL low, change SDA after the hold time, wait for the rest of the low phase (``low`` of it in all)."""
        timing = self.timing
        if timing.hold:
            self.bus.drive(0, self._sda)
            await self.bus.wait(timing.hold)
        self.bus.drive(0, sda)
        self._sda = sda
        await self.bus.wait((low or timing.low) - timing.hold)

    async def bits(self, byte: int, count: int = 8) -> None:
        """Send the first ``count`` bits of a byte, most significant first; nobody looks at SDA."""
        for n in range(7, 7 - count, -1):
            value = byte >> n & 1
            await self._low(value, self.timing.between if n < 7 else 0)
            self.bus.drive(1, value)
            await self.bus.wait(self.timing.high)

    async def put(self, byte: int) -> bool:
        """Send a byte; return whether it was acknowledged."""
        await self.bits(byte)
        return not await self.bit(1)

    async def get(self, acknowledge: bool) -> int:
        """Receive a byte and acknowledge it or not."""
        byte = 0
        for _ in range(8):
            byte = byte << 1 | await self.bit(1)
        await self.bit(not acknowledge)
        return byte

    async def send(self, stream: Iterable[int]) -> int:
        """Send START and bytes until one is not acknowledged; return how many were, without STOP."""
        await self.start()
        done = 0
        for byte in stream:
            if not await self.put(byte):
                break
            done += 1
        return done

    async def write(self, address: int, pointer: int, data: Sequence[int]) -> int:
        """Write bytes; return how many bytes of address, pointer and data were acknowledged (3 + len(data) is all)."""
        done = await self.send([address << 1, pointer >> 8, pointer & 0xFF, *data])
        await self.stop()
        return done

    async def read(self, address: int, pointer: int, count: int) -> bytes | None:
        """Read bytes after a repeated START; None when something was not acknowledged."""
        answered = await self.send([address << 1, pointer >> 8, pointer & 0xFF]) == 3
        data = await self.receive(address, count) if answered else None
        await self.stop()
        return data

    async def receive(self, address: int, count: int) -> bytes | None:
        """Send (repeated) START and read bytes from where the pointer is, without STOP."""
        if await self.send([address << 1 | 1]) != 1:
            return None
        return bytes([await self.get(acknowledge=n < count - 1) for n in range(count)])

    async def recover(self) -> bool:
        """Clock until SDA is free, at most nine times, then STOP; return whether it became free."""
        for _ in range(9):
            if await self.bit(1):
                await self.stop()
                return True
        return False
