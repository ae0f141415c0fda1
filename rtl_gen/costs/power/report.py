"""What a power calculation found: rows by part, and their sum."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PowerRow:
    """Power of one part in W.

    Parameters
    ----------
    part : name
    internal, switching, leakage : without the clock pins
    clock : internal and switching power of flip-flops' and clock gates' clock pins
    """

    part: str
    internal: float
    switching: float
    leakage: float
    clock: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.internal + self.switching + self.leakage + self.clock


@dataclass(frozen=True)
class PowerReport:
    """Power of a netlist, before layout.

    Parameters
    ----------
    library, voltage : of the cells (V)
    activity : where the switching activity comes from
    clock_ns : period; with one event a clock, energy per inference is power times this
    wire_load : wire-load model, or none
    rows : per part, the largest first
    mean_toggles : changes per clock of the nets that cells drive, clock nets left out
    """

    library: str
    voltage: float
    activity: str
    clock_ns: float
    wire_load: str
    rows: tuple[PowerRow, ...]
    mean_toggles: float

    @property
    def total(self) -> PowerRow:
        """The sum of all parts."""
        kinds = ("internal", "switching", "leakage", "clock")
        return PowerRow("total", *(sum(getattr(row, kind) for row in self.rows) for kind in kinds))

    @property
    def energy(self) -> float:
        """Energy per inference in J, at one inference a clock."""
        return self.total.total * self.clock_ns * 1e-9


@dataclass(frozen=True)
class PowerCosts:
    """Power under several activities.

    Parameters
    ----------
    events : report events through the netlist, every output equal to the emulator
    measured : settled values alone, without glitches
    with_unit_delays : every change on the way too; None when it was not asked for
    without_clock_gates : as if no gate ever held the clock; None when there are none
    assumed : every net changes so often per clock
    """

    events: int
    measured: PowerReport
    with_unit_delays: PowerReport | None
    without_clock_gates: PowerReport | None
    assumed: tuple[tuple[float, PowerReport], ...]
