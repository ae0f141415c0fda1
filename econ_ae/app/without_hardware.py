"""Encoders for which no hardware is generated yet: their runs leave out the stages that would, and say so."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.run.context import COSTS, RTL, VERIFY, Context
from econ_ae.config import RunConfig
from econ_ae.errors import ConfigError
from econ_ae.files import write_json

_FOLDERS = {"generate": RTL, "verify": VERIFY, "costs": COSTS}
_SKIPPED = "skipped.json"


def why_none(config: RunConfig) -> str:
    """Return why a run's encoder has no hardware; empty when it has."""
    if config.encoder.family != "cells":
        return ""
    return "No Verilog is generated of encoders that send cells as pulses; their integers and frames are complete."


def left_out(context: Context, stage: str) -> list[Path] | None:
    """Leave out a stage that makes hardware, and return the file that says so; None when the stage is to run."""
    text = why_none(context.config)
    if not text or stage not in _FOLDERS:
        return None
    context.progress.say(f"{stage} is left out: {text}")
    path = context.path(_FOLDERS[stage], _SKIPPED)
    write_json(path, {"skipped": text})
    return [path]


def require_hardware(config: RunConfig) -> None:
    """Raise ConfigError when a run's encoder has no hardware."""
    if text := why_none(config):
        raise ConfigError(f"{text[:-1]}; expected a run with encoder.family = 'layers'")
