"""The headline of a run: its table, for a terminal too, and the sentences around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from econ_ae.app.run.context import FACTS, HEADLINE, VERIFICATION, VERIFY, Context
from econ_ae.files import read_json

TRANSMITTED = "transmitted bits"
EXACT = "exact charges"


def headline_rows(report: Path) -> list[dict[str, Any]]:
    """Return the headline table that is in the folder of a report: one row per algorithm and eLink count."""
    rows: list[dict[str, Any]] = read_json(report / HEADLINE)
    return rows


def who_wins(numbers: Path) -> list[str]:
    """Return who wins where, in words, from the JSON of a report; nothing from that of an earlier version."""
    found: list[str] = read_json(numbers).get("who_wins", [])
    return found


def by_elinks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the headline table for a terminal: a row per algorithm, a column of mean EMDs per eLink count."""
    counts = sorted({row["eLinks"] for row in rows if row["eLinks"] != "-"})
    table: dict[str, dict[str, Any]] = {}
    for row in rows:
        variant = "" if row["variant"] == "-" or row["eLinks"] == "-" else f", {row['variant']}"
        name = row["algorithm"] + variant
        cells = table.setdefault(name, {"algorithm": name} | {f"{n} eLinks": "-" for n in counts})
        text = f"{row['mean']:.3f}({max(1, round(row['error'] * 1000))})"
        for n in counts if row["eLinks"] == "-" else [row["eLinks"]]:
            cells[f"{n} eLinks"] = text
    return list(table.values())


def synthetic(context: Context) -> str:
    """Return `` (synthetic)`` when the run's images were generated, else nothing."""
    facts = context.json(FACTS)
    return " (synthetic)" if facts["synthetic"] else ""


def verification_line(context: Context) -> str:
    """Return the outcome of the simulation in one line."""
    result = context.json(VERIFY, VERIFICATION)
    return (
        f"Verilog against integer model: {result['events']} events ({result['real_events']} real), "
        f"{result['mismatches']} mismatches, latency {result['latency']} clocks"
    )
