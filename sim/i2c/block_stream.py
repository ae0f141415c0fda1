"""A stream of events through the complete block, and the judgement of every frame that came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge
from cocotb.types import LogicArray

from econ_ae.econt.frame import header5
from sim.bench.job import GAP_PROBABILITY, Findings
from sim.i2c.block_harness import OBSERVED
from sim.stimulus.golden import crossings

HEADER_BITS = 5
_IDLE = -1
_ENABLE, _RECONFIGURING, _CHANGED, _OUT_VALID, _OUT_MIXED = range(len(OBSERVED))


@dataclass(frozen=True)
class Clock:
    """What was sampled at a clock edge, as a flip-flop sees it.

    Parameters
    ----------
    event : number of the event at the input, -1 without one
    bx0 : whether it is bunch crossing 0
    observed : the harness's bits
    outputs : bit strings of the outputs, empty without a valid event
    """

    event: int
    bx0: bool
    observed: str
    outputs: tuple[str, ...]


@dataclass
class Stream:
    """Drives events over and over, one a clock or with random gaps, and samples every clock.

    Parameters
    ----------
    dut : the harness
    port : name of the event input
    events, bx0 : bit strings, and which are bunch crossing 0
    outputs : names of the output ports; ``frame`` first
    gaps : leave out some at random
    thin : send one in so many clocks on average, for long rewritings; 1 is one a clock
    """

    dut: Any
    port: str
    events: Sequence[str]
    bx0: Sequence[bool]
    outputs: tuple[str, ...]
    rng: np.random.Generator
    on: bool = False
    gaps: bool = False
    thin: int = 1
    sent: int = 0
    log: list[Clock] = field(default_factory=list)

    async def run(self) -> None:
        """Sample and drive until cancelled."""
        dut, edge = self.dut, RisingEdge(self.dut.clk)
        event_port, observed = getattr(dut, self.port), dut.observed
        handles = [getattr(dut, name) for name in self.outputs]
        values = [LogicArray(bits) for bits in self.events]
        event = _IDLE
        while True:
            await edge
            seen = str(observed.value)
            valid = seen[_OUT_VALID] == "1"
            outputs = tuple([str(handle.value) for handle in handles]) if valid else ()
            self.log.append(Clock(event, event != _IDLE and self.bx0[event], seen, outputs))
            if self.on and not self._pause():
                if event == _IDLE:
                    dut.in_valid.value = 1
                event = self.sent % len(values)
                self.sent += 1
                event_port.value = values[event]
                dut.bx0.value = int(self.bx0[event])
            elif event != _IDLE:
                dut.in_valid.value = 0
                event = _IDLE

    def _pause(self) -> bool:
        """Tell whether this clock gets no event."""
        if self.thin > 1:
            return bool(self.rng.random() * self.thin >= 1)
        return self.gaps and bool(self.rng.random() < GAP_PROBABILITY)


@dataclass
class Counts:
    """Events of a judgement: exact and unflagged, flagged, and flagged ones that are neither old nor new."""

    exact: int = 0
    flagged: int = 0
    mixtures: int = 0


@dataclass
class Judge:
    """Compares what came out with what had to.

    Parameters
    ----------
    latency : clocks
    registered : whether the outputs come from registers, so that the settings of the last clock do not matter
    following : bunch crossing of the next event
    """

    found: Findings
    latency: int
    registered: bool
    following: int = 0

    def judge(
        self, log: Sequence[Clock], old: Sequence[tuple[str, ...]], new: Sequence[tuple[str, ...]], what: str
    ) -> Counts:
        """Judge every event of a record that ends with an empty pipeline.

        An event is flagged exactly when ``reconfiguring`` was high while it was in the datapath, and in any case when
        a setting changed meanwhile. Unflagged events before the first flagged one have the old settings' outputs, those
        behind it the new settings'.
        """
        equal, counts = self.found.equal, Counts()
        unknown = [i for i, clock in enumerate(log) if set(clock.observed[:_OUT_MIXED]) - {"0", "1"}]
        equal(unknown[:1], [], f"{what}: clocks at which enable, reconfiguring or out_valid is unknown")
        taken = [i for i, clock in enumerate(log) if clock.event != _IDLE and clock.observed[_ENABLE] == "1"]
        came = [i for i, clock in enumerate(log) if clock.outputs]
        equal(len(came), len(taken), f"{what}: events that came out")
        late = next((i for i, o in zip(taken, came, strict=False) if o - i != self.latency), None)
        equal(late, None, f"{what}: clock of the first event whose latency is not {self.latency}")
        crossing = crossings(np.array([log[i].bx0 for i in taken], np.bool_), self.following)
        self.following = int(crossing[-1]) + 1 if taken else self.following
        headers = [f"{header:0{HEADER_BITS}b}" for header in header5(crossing).tolist()] if taken else []
        for start, stop, header in zip(taken, came, headers, strict=False):
            last = start + self.latency - self.registered
            inside = log[start : last + 1]
            want = "1" if any(clock.observed[_RECONFIGURING] == "1" for clock in inside) else "0"
            flag = log[stop].observed[_OUT_MIXED]
            equal(flag, want, f"{what}: out_mixed of the event at clock {start}")
            if any(clock.observed[_CHANGED] == "1" for clock in inside[1:]):
                equal(flag, "1", f"{what}: out_mixed of the event at clock {start}, whose settings changed")
            event, got = log[start].event, log[stop].outputs
            olds, news = _framed(old[event], header), _framed(new[event], header)
            if flag == "1":
                counts.flagged += 1
                counts.mixtures += got not in (olds, news)
                continue
            counts.exact += 1
            equal(got, news if counts.flagged else olds, f"{what}: outputs of the event at clock {start}")
        return counts


def _framed(outputs: tuple[str, ...], header: str) -> tuple[str, ...]:
    return (header + outputs[0][HEADER_BITS:], *outputs[1:])
