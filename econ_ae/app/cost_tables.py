"""The costs of a netlist as tables and sentences, for the terminal and the report page."""

from __future__ import annotations

from typing import Any


def area_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return the area table: a row per part of the design, and the whole."""
    rows = [
        {
            "part": row["part"],
            "kGE": f"{row['kGE']:.1f}",
            "um2": "-" if row["um2"] is None else f"{row['um2']:,.0f}",
            "share": f"{100 * row['share']:.1f} %",
        }
        for row in content["parts"]
    ]
    whole = content["measured"]["area_mm2"]
    um2 = "-" if whole is None else f"{whole * 1e6:,.0f}"
    return [*rows, {"part": "all", "kGE": f"{content['gate_equivalents'] / 1000:.1f}", "um2": um2, "share": "100.0 %"}]


def comparison_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return the three columns that are never mixed: measured in the library, scaled to 65 nm, the published chip."""
    scaled, chip, timing = content["scaled"], content["published"], content["timing"]
    low, high = scaled["range_mm2"]
    area = content["measured"]["area_mm2"]
    power = content["power"]
    return [
        {
            "quantity": "area, mm2",
            "this library, cells": "-" if area is None else f"{area:.3f}",
            "scaled to 65 nm, cells": f"{scaled['area_mm2']:.2f} ({low:.2f} to {high:.2f})",
            "ECON-T, after layout": f"{chip['area']:g}",
        },
        {
            "quantity": "power, mW",
            "this library, cells": "-" if power is None else f"{power['total_mW']:.1f}",
            "scaled to 65 nm, cells": "-",
            "ECON-T, after layout": f"{chip['power']:g}",
        },
        {
            "quantity": "energy per inference, nJ",
            "this library, cells": "-" if power is None else f"{power['energy_nJ']:.2f}",
            "scaled to 65 nm, cells": "-",
            "ECON-T, after layout": f"{chip['energy']:g}",
        },
        {
            "quantity": f"latency of the {content['block']}, ns",
            "this library, cells": "-" if timing is None else f"{content['latency'] * timing['period_ns']:g}",
            "scaled to 65 nm, cells": "-",
            "ECON-T, after layout": f"{chip['latency']:g}",
        },
    ]


def power_rows(content: dict[str, Any]) -> list[dict[str, str]]:
    """Return the power table in mW: a row per part and the whole; empty when there is no power."""
    power = content["power"]
    if power is None:
        return []
    kinds = {"mW": "total_mW", "leakage": "leakage_mW", "clock pins": "clock_pins_mW"}
    rows = [{"part": row["part"]} | {kind: f"{row[kind]:.2f}" for kind in kinds} for row in power["parts"]]
    return [*rows, {"part": "all"} | {kind: f"{power[total]:.2f}" for kind, total in kinds.items()}]


def lines(content: dict[str, Any]) -> list[str]:
    """Return the rest of the costs as sentences."""
    scaled, timing, power = content["scaled"], content["timing"], content["power"]
    low, high = scaled["range_mm2"]
    cells = ", ".join(f"{count} {kind}" for kind, count in content["cells"].items() if count)
    found = [
        f"cells: {cells}",
        f"scaled to {scaled['node']} ({scaled['um2_per_GE']} um2 per GE): {scaled['area_mm2']:.2f} mm2 of cells, "
        f"{low:.2f} to {high:.2f}; the ECON-T block has {content['published']['area']:g} mm2 after layout",
    ]
    if timing is None:
        found.append(f"no timing: {content['untimed']}")
    else:
        found.append(timing["advice"])
        found += [f"longest path to {p['stage']}: {p['path']}" for p in timing["paths"]]
    if power is None:
        found.append(f"no power: {content['unpowered']}")
    else:
        assumed = ", ".join(f"{mw:.0f} mW at {a}" for a, mw in power["assumed_mW"].items())
        found.append(
            f"power on {power['events']} report events: {power['total_mW']:.1f} mW, {power['energy_nJ']:.2f} nJ per "
            f"inference, nets change {power['toggles_per_clock']:.3f} times a clock; assumed changes give {assumed}"
        )
    return [*found, f"{content['seconds']:.0f} s, {content['peak_memory'] / 1e6:.0f} MB at most"]
