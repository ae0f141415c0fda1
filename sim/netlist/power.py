"""Power of a netlist on real events: measured activity beside the activities that tools assume, part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import VerificationError
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from rtl_gen.costs.activity import assumed
from rtl_gen.costs.parts import part_of
from rtl_gen.costs.power import power
from rtl_gen.costs.power_report import PowerReport
from rtl_gen.costs.power_tables import read_power
from rtl_gen.verilog import VerilogOptions
from sim.netlist.mapped import MappedNetlist
from sim.netlist.run import run_netlist
from sim.stimulus.settings import Settings

ASSUMED = (0.1, 0.2, 0.3)
"""Changes per net and clock that the measured activity is compared with."""

MEASURED, GLITCHES, UNGATED = "measured", "with unit delays", "without clock gates"
"""Columns: settled values alone, every change on the way too, and as if no clock gate ever held the clock."""


@dataclass(frozen=True)
class PowerComparison:
    """Power of one netlist under several activities; all of it before layout.

    Parameters
    ----------
    reports : by activity: ``measured`` (no glitches), ``with unit delays`` where it was asked for, ``without clock
        gates`` where there are gates, ``0.1``...
    events : real events that were simulated, every output compared with econ_ae's models
    clocks : clocks that were counted
    seconds : of the simulation
    """

    reports: Mapping[str, PowerReport]
    events: int
    clocks: int
    seconds: float

    def rows(self) -> list[dict[str, str]]:
        """Return one row per part and one for the sum, mW in a column per activity."""
        first = next(iter(self.reports.values()))
        tables = {name: {row.part: row for row in report.rows} for name, report in self.reports.items()}
        rows = []
        for part in [row.part for row in first.rows]:
            watts = {name: table[part].total for name, table in tables.items() if part in table}
            shown = {name: f"{1e3 * value:.3g}" for name, value in watts.items()}
            rows.append({"part": part.replace("_", " ")} | shown)
        total = {name: f"{1e3 * report.total.total:.3g}" for name, report in self.reports.items()}
        return [*rows, {"part": "total"} | total]

    def summary(self) -> dict[str, object]:
        """Return the sums as ``costs.json`` holds them: mW, nJ per inference, by activity; the first is measured."""
        first = next(iter(self.reports.values()))
        return {
            "stage": "before layout",
            "total_mW": 1e3 * first.total.total,
            "energy_nJ": 1e9 * first.energy,
            "wire_load": first.wire_load,
            "events": self.events,
            "by_activity_mW": {name: 1e3 * report.total.total for name, report in self.reports.items()},
            "parts": self.rows(),
        }

    def to_json(self) -> str:
        """Return everything in W and J as JSON."""
        reports = {
            name: asdict(report)
            | {"total": asdict(report.total), "power": report.total.total, "energy_per_inference": report.energy}
            for name, report in self.reports.items()
        }
        content = {"stage": "before layout", "events": self.events, "clocks": self.clocks, "seconds": self.seconds}
        return json.dumps(content | {"reports": reports}, indent=2) + "\n"


def measure_power(
    mapped: MappedNetlist,
    model: EncoderModel,
    options: VerilogOptions,
    events: NDArray[np.integer],
    clock_ns: float,
    *,
    settings: Settings | None = None,
    wire_load: str | None = None,
    lanes: int = 64,
    glitch_clocks: int = 0,
    report: Path | None = None,
    progress: Progress | None = None,
) -> PowerComparison:
    """Simulate a netlist on real events and return its power, beside that of assumed activities.

    Parameters
    ----------
    mapped : netlist of the complete block or of a datapath
    events : trigger-cell codes, integers (n, cells)
    clock_ns : clock period; one event comes every clock
    wire_load : wire-load model of the library, ``none`` for pins alone; None takes the library's default
    glitch_clocks : clocks of every lane that are simulated with unit delays too, so that glitches are counted
    report : file for the result as JSON

    Raises
    ------
    LibertyError
        When the library has no power data.
    ConfigError
        When it has no such wire load.
    VerificationError
        When an output differed from econ_ae's models: the activity of a wrong simulation is worth nothing.
    """
    library = read_power(mapped.library, [group.cell for group in mapped.flat.cells], wire_load)
    run = run_netlist(
        mapped.flat,
        mapped.cells,
        model,
        options,
        events,
        settings=settings,
        lanes=lanes,
        glitch_clocks=glitch_clocks,
        progress=progress,
    )
    if not run.passed:
        raise VerificationError(
            f"{run.mismatches} of {run.events} events of the netlist are wrong: {run.first_mismatch}"
        )
    activities = {MEASURED: run.activity}
    if run.with_glitches is not None:
        activities[GLITCHES] = run.with_glitches
    activities |= {f"{value:g}": assumed(mapped.flat, value, mapped.cells) for value in ASSUMED}
    reports = {name: power(mapped.flat, library, one, clock_ns, part_of) for name, one in activities.items()}
    if any(cell.gate for cell in mapped.cells.values()):
        reports[UNGATED] = power(mapped.flat, library, run.activity, clock_ns, part_of, gates_open=True)
    found = PowerComparison(reports, run.events, run.activity.clocks, run.seconds)
    if report is not None:
        report.write_text(found.to_json(), encoding="utf-8")
    return found
