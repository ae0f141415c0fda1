"""The costs of a netlist as tables and sentences, for the terminal and the report page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from econ_ae.app import costing
from econ_ae.app.costed import BLOCK, DATAPATH, ENCODER
from econ_ae.app.run.context import VERIFICATION, VERIFY, Context

if TYPE_CHECKING:
    from metrics.report.data import SiliconCosts
    from rtl_gen.costs import Costs, PowerCosts
    from rtl_gen.costs.power.report import PowerReport

_WORDS = {
    ENCODER: "Encoder",
    DATAPATH: "Datapath without configuration registers",
    BLOCK: "Complete block with its registers behind I2C",
}
_SHOWN = 12
"""Digits of a hash."""


def for_report(context: Context) -> tuple[list[SiliconCosts], str]:
    """Return the tables, sentences and pictures of all costs of a run, and why others are left out."""
    from metrics.report.data import SiliconCosts

    found, problems = costing.stored(context)
    shown = [
        SiliconCosts(
            f"{_WORDS[costs.origin.block]}, {_cells(costs)}",
            tuple(area_rows(costs)),
            tuple(power_rows(costs)),
            tuple(comparison_rows(costs)),
            (text_of(context, costs), *lines(costs)),
            (folder / costing.PICTURE).read_text(encoding="utf-8"),
            {part.part: part.gate_equivalents for part in costs.areas.parts},
        )
        for folder, costs in found
    ]
    return shown, " ".join(f"{problem}." for problem in problems)


def text_of(context: Context, costs: Costs) -> str:
    """Return which Verilog the figures are of, and whether it was verified."""
    origin = costs.origin
    text = (
        f"These figures are of the Verilog with sha256 {origin.verilog_sha256[:_SHOWN]}..., arithmetic leaf "
        f"{origin.leaf}, synthesised by {origin.tool}"
    )
    verified = costing.verified_sha256(context)
    if origin.verilog_sha256 == verified:
        events = context.json(VERIFY, VERIFICATION)["events"]
        text += f"; it is the text in rtl/, which was compared with the emulator on {events} events"
    elif costing.verified_apart(context, origin.verilog_sha256):
        text += "; every sum of this text was compared with the emulator, all else in it is the text of the bench"
    elif verified:
        text += f"; the text in rtl/ that the bench verified is another one (sha256 {verified[:_SHOWN]}...)"
    if costs.simulated:
        return f"{text}. The netlist made of it equals the emulator on {costs.simulated} report events."
    if origin.verilog_sha256 == verified or costing.verified_apart(context, origin.verilog_sha256):
        return f"{text}."
    return f"{text}. It was not simulated itself; econ-ae verify --suite netlist does that."


def area_rows(costs: Costs) -> list[dict[str, str]]:
    """Return the area table: a row per part of the design, and the whole."""
    whole = costs.areas.gate_equivalents

    def row(part: str, gates: float) -> dict[str, str]:
        um2 = costs.areas.um2(gates)
        share = 100 * gates / whole if whole else 0.0
        return {
            "part": part,
            "kGE": f"{gates / 1000:.1f}",
            "um2": "-" if um2 is None else f"{um2:,.0f}",
            "share": f"{share:.1f} %",
        }

    return [*(row(one.part, one.gate_equivalents) for one in costs.areas.parts), row("all", whole)]


def comparison_rows(costs: Costs) -> list[dict[str, str]]:
    """Return the three columns that are never mixed: measured in the library, scaled to 65 nm, the published chip."""
    scaled, chip, timing, power = costs.scaled, costs.published, costs.timing, costs.power
    um2 = costs.areas.um2(costs.areas.gate_equivalents)

    def row(quantity: str, measured: str, published: float, other: str = "-") -> dict[str, str]:
        columns = ("this library, cells", "scaled to 65 nm, cells", "ECON-T, after layout")
        return {"quantity": quantity} | dict(zip(columns, (measured, other, f"{published:g}"), strict=True))

    return [
        row(
            "area, mm2",
            "-" if um2 is None else f"{um2 * 1e-6:.3f}",
            chip.area,
            f"{scaled.mm2:.2f} ({scaled.low_mm2:.2f} to {scaled.high_mm2:.2f})",
        ),
        row("power, mW", "-" if power is None else f"{_mw(power.measured):.1f}", chip.power),
        row("energy per inference, nJ", "-" if power is None else f"{1e9 * power.measured.energy:.2f}", chip.energy),
        row(
            f"latency of the {costs.origin.block}, ns",
            "-" if timing is None else f"{costs.origin.latency * timing.period_ns:g}",
            chip.latency,
        ),
    ]


def power_rows(costs: Costs) -> list[dict[str, str]]:
    """Return the power table in mW: a row per part and the whole; empty when there is no power."""
    if costs.power is None:
        return []
    report = costs.power.measured
    return [
        {
            "part": row.part,
            "mW": f"{1e3 * row.total:.2f}",
            "leakage": f"{1e3 * row.leakage:.2f}",
            "clock pins": f"{1e3 * row.clock:.2f}",
        }
        for row in (*report.rows, report.total)
    ]


def activity_rows(power: PowerCosts) -> list[dict[str, str]]:
    """Return one row per part and one for the sum, mW in a column per activity."""
    columns = {"measured": power.measured}
    if power.with_unit_delays is not None:
        columns["with unit delays"] = power.with_unit_delays
    columns |= {f"{changes:g}": report for changes, report in power.assumed}
    if power.without_clock_gates is not None:
        columns["without clock gates"] = power.without_clock_gates
    watts = {name: {row.part: row.total for row in (*r.rows, r.total)} for name, r in columns.items()}
    parts = [row.part for row in (*power.measured.rows, power.measured.total)]
    return [{"part": part} | {name: f"{1e3 * watts[name].get(part, 0):.3g}" for name in columns} for part in parts]


def lines(costs: Costs) -> list[str]:
    """Return the rest of the costs as sentences."""
    scaled, chip, timing, power, cells = costs.scaled, costs.published, costs.timing, costs.power, costs.cells
    counts = {
        "logic": cells.logic,
        "adders": cells.adders,
        "flip-flops": cells.flip_flops,
        "clock gates": cells.clock_gates,
        "latches": cells.latches,
    }
    found = [
        "cells: " + ", ".join(f"{count} {kind}" for kind, count in counts.items() if count),
        f"scaled to {scaled.node} ({scaled.um2_per_ge} um2 per GE): {scaled.mm2:.2f} mm2 of cells, "
        f"{scaled.low_mm2:.2f} to {scaled.high_mm2:.2f}; the ECON-T block has {chip.area:g} mm2 after layout",
    ]
    if timing is None:
        found.append(f"no timing: {costs.untimed}")
    else:
        found.append(timing.advice)
        found += [f"longest path to {path.stage}: {path.words}" for path in timing.paths]
    if power is None:
        found.append(f"no power: {costs.unpowered}")
    else:
        assumed = ", ".join(f"{_mw(report):.0f} mW at {changes:g}" for changes, report in power.assumed)
        found.append(
            f"power on {power.events} report events: {_mw(power.measured):.1f} mW, "
            f"{1e9 * power.measured.energy:.2f} nJ per inference, "
            f"nets change {power.measured.mean_toggles:.3f} times a clock; assumed changes give {assumed}"
        )
    return [*found, f"{costs.seconds:.0f} s, {costs.peak_memory / 1e6:.0f} MB at most"]


def _mw(report: PowerReport) -> float:
    return 1e3 * report.total.total


def _cells(costs: Costs) -> str:
    generic = costs.areas.um2_per_ge is None
    return "estimate in gate equivalents" if generic else f"cells of {costs.library}"
