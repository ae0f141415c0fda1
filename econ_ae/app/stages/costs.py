"""Costs: the encoder's area in gate equivalents, in seconds; what keeps it from that is said, and stops nothing."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.costing import ENCODER, FILE, PICTURE, costs
from econ_ae.app.run.context import COSTS, Context
from econ_ae.errors import ToolError, ToolMissingError
from econ_ae.files import write_json

FAST = ENCODER
"""What the main job estimates: what training and settings change; the rest takes minutes."""
SKIPPED = "skipped.json"


def run(context: Context) -> list[Path]:
    """Estimate the area in gate equivalents for the main job; what keeps it from that is said, and stops nothing."""
    folder = context.path(COSTS)
    (folder / SKIPPED).unlink(missing_ok=True)
    try:
        costs(context, block=FAST, netlist=False)
    except (ToolMissingError, ToolError) as problem:
        text = f"the silicon area was not estimated: {problem}"
        context.progress.say(text)
        write_json(folder / SKIPPED, {"skipped": text})
        return [folder / SKIPPED]
    return [folder / f"generic-{FAST}" / name for name in (FILE, PICTURE)]


def why_none(context: Context) -> str:
    """Return why the main job estimated no costs; empty when it did."""
    return str(context.json(COSTS, SKIPPED)["skipped"]) if context.path(COSTS, SKIPPED).is_file() else ""
