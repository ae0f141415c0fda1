"""What is made of encoders that send cells as pulses, where it is not what is made of layers."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.run.context import COSTS, Context
from econ_ae.config import RunConfig
from econ_ae.files import write_json

BLOCKS = ("datapath", "block")
"""Of their Verilog."""
_SKIPPED = "skipped.json"


def sends_cells(config: RunConfig) -> bool:
    """Tell whether a run's encoder sends cells."""
    return config.encoder.family == "cells"


def no_costs(config: RunConfig) -> str:
    """Return why the main job estimates no costs; empty when it does."""
    if not sends_cells(config):
        return ""
    return "The synthesis of encoders that send cells takes minutes and is not part of the main job: econ-ae costs RUN."


def left_out(context: Context, stage: str) -> list[Path] | None:
    """Leave the estimate of costs out, and return the file that says so; None when the stage is to run."""
    text = no_costs(context.config)
    if not text or stage != "costs":
        return None
    context.progress.say(text)
    path = context.path(COSTS, _SKIPPED)
    write_json(path, {"skipped": text})
    return [path]
