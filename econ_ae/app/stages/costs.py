"""Costs: the encoder's area in gate equivalents, in seconds; what keeps it from that is said, and stops nothing."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.costed import ENCODER
from econ_ae.app.costing import FILE, PICTURE, costs, folder_of
from econ_ae.app.run.context import COSTS, Context
from econ_ae.errors import ToolError, ToolMissingError
from econ_ae.files import write_json

SKIPPED = "skipped.json"


def run(context: Context) -> list[Path]:
    """Estimate the area in gate equivalents for the main job: what training and settings change.

    A missing or failing yosys is said and stops nothing. The stage before has verified the Verilog that is estimated.
    """
    folder = context.path(COSTS)
    (folder / SKIPPED).unlink(missing_ok=True)
    try:
        costs(context, block=ENCODER, simulate=False)
    except (ToolMissingError, ToolError) as problem:
        text = f"the silicon area was not estimated: {problem}"
        context.progress.say(text)
        write_json(folder / SKIPPED, {"skipped": text})
        return [folder / SKIPPED]
    return [folder_of(context, None, ENCODER) / name for name in (FILE, PICTURE)]


def why_none(context: Context) -> str:
    """Return why the main job estimated no costs; empty when it did."""
    if not context.path(COSTS, SKIPPED).is_file():
        return ""
    if (problem := context.run.stage_problem("costs")) is not None:
        return f"The main job left no costs that can be shown ({problem})."
    return str(context.json(COSTS, SKIPPED)["skipped"])
