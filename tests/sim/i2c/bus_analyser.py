"""An I2C target and bus analyser in Python, decoding the lines by the rules of the I2C specification."""

from __future__ import annotations

from collections.abc import Sequence


class Analyser:
    """Lines with a target that acknowledges so many bytes and answers reads.

    Attributes
    ----------
    events : ``S``, byte, ``a`` or ``n`` (acknowledged or not), ``P``
    clocks : rising edges of SCL
    """

    def __init__(self, *, acknowledge: int, answers: Sequence[int] = (), stuck_clocks: int = 0) -> None:
        self.events: list[str | int] = []
        self.clocks = 0
        self.shortest_low = self.shortest_high = self.shortest_hold = 10**9
        self._acknowledge = acknowledge
        self._answers = list(answers)
        self._stuck = stuck_clocks
        self._scl = self._master = 1
        self._target = int(stuck_clocks == 0)
        self._bits: list[int] = []
        self._reading = self._addressed = False
        self._now = self._edge = 0

    @property
    def _line(self) -> int:
        return self._master & self._target

    def sda(self) -> int:
        return self._line

    async def wait(self, nanoseconds: int) -> None:
        self._now += nanoseconds

    def drive(self, scl: int, sda: int) -> None:
        before = self._line
        if sda != self._master and not self._scl and not scl:
            self.shortest_hold = min(self.shortest_hold, self._now - self._edge)
        self._master = sda
        if scl and self._scl and self._line != before:
            self._bits = []
            self._reading = False
            self._addressed = bool(self._line)
            self.events.append("P" if self._line else "S")
        if scl and not self._scl:
            self.shortest_low = min(self.shortest_low, self._now - self._edge)
            self._edge = self._now
            self._rise()
        if not scl and self._scl:
            if self.clocks:
                self.shortest_high = min(self.shortest_high, self._now - self._edge)
            self._edge = self._now
            self._fall()
        self._scl = scl

    def _rise(self) -> None:
        self.clocks += 1
        self._bits.append(self._line)
        if len(self._bits) == 8:
            self.events.append(int("".join(map(str, self._bits)), 2))
        elif len(self._bits) == 9:
            self.events.append("n" if self._line else "a")

    def _fall(self) -> None:
        if self._stuck:
            self._target = int(self.clocks >= self._stuck)
            return
        done = len(self._bits)
        if done == 9:
            if not self._addressed:
                self._addressed, self._reading = True, bool(self._bits[7])
            elif self._reading and self._bits[8]:
                self._reading = False
            self._bits, done = [], 0
        if done == 8:
            self._target = 1 if self._reading else int(self._acknowledge == 0)
            self._acknowledge -= 0 if self._reading or not self._acknowledge else 1
        elif self._reading:
            if done == 0:
                self._byte = self._answers.pop(0) if self._answers else 0xFF
            self._target = self._byte >> 7 - done & 1
        else:
            self._target = 1
