"""What is made of encoders that send cells as pulses, and what is not made of them yet."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.run.context import COSTS, Context
from econ_ae.config import RunConfig
from econ_ae.errors import ConfigError
from econ_ae.files import write_json

BLOCKS = ("datapath", "block")
"""Of their Verilog."""
SUITES = ("encoder", "datapath", "i2c", "block", "seu", "hls")
"""That verify what is made of them; the first two are the Verilog from codes to frames, the last is the C++."""
_SKIPPED = "skipped.json"


def sends_cells(config: RunConfig) -> bool:
    """Tell whether a run's encoder sends cells."""
    return config.encoder.family == "cells"


def no_costs(config: RunConfig) -> str:
    """Return why the main job estimates no costs; empty when it does."""
    return "Costs of encoders that send cells are not estimated in the main job." if sends_cells(config) else ""


def left_out(context: Context, stage: str) -> list[Path] | None:
    """Leave out the estimate of costs, and return the file that says so; None when the stage is to run."""
    text = no_costs(context.config)
    if not text or stage != "costs":
        return None
    context.progress.say(text)
    path = context.path(COSTS, _SKIPPED)
    write_json(path, {"skipped": text})
    return [path]


def require_layers(config: RunConfig, what: str) -> None:
    """Raise ConfigError for what is made of encoders of layers only."""
    if sends_cells(config):
        raise ConfigError(
            f"{what} is not made of encoders that send cells as pulses; expected a run with encoder.family = 'layers'"
        )
