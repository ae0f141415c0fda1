"""Configurations of files and presets; one-line errors for unknown or wrong keys."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from econ_ae.config import sections
from econ_ae.config.run import RunConfig
from econ_ae.errors import ConfigError, did_you_mean

DEFAULT_PRESET = "econ-t"


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = resources.files("econ_ae.config") / "presets"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def load_preset(name: str) -> RunConfig:
    """Return a preset; ConfigError with a suggestion when there is none of that name."""
    if name not in presets():
        raise ConfigError(
            f"preset {name!r} is unknown; expected one of {', '.join(presets())}{did_you_mean(name, presets())}"
        )
    text = (resources.files("econ_ae.config") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), f"preset {name}")


def load(path: Path) -> RunConfig:
    """Return the configuration of a .toml or .json file; ConfigError in one line when it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot read configuration {path}: {problem}") from problem
    try:
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a table of settings, not a {type(raw).__name__}")
    return parse(raw, str(path))


def parse(raw: dict[str, Any], where: str) -> RunConfig:
    """Return the validated configuration; the error names the key, what it holds and what it must hold."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as problem:
        raise ConfigError(f"{where}: " + "; ".join(_explain(e) for e in problem.errors())) from problem


def _explain(error: Any) -> str:
    path = error["loc"]
    key = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        known = _section_at(path[:-1]).model_fields
        hint = did_you_mean(str(path[-1]), known) or f"; expected one of {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    return f"{key} = {error['input']!r}: {error['msg']}"


def _section_at(path: tuple[Any, ...]) -> type[BaseModel]:
    kinds: dict[str, type[BaseModel]] = {
        "data": sections.DataConfig,
        "root": sections.RootConfig,
        "cms_events": sections.CmsEventsConfig,
        "conditions": sections.ConditionsConfig,
        "encoder": sections.EncoderConfig,
        "decoder": sections.DecoderConfig,
        "training": sections.TrainingConfig,
        "synthetic": sections.SyntheticConfig,
        "admixture": sections.AdmixtureConfig,
        "distill": sections.DistillConfig,
        "prune": sections.PruneConfig,
        "hardware": sections.HardwareConfig,
        "verify": sections.VerifyConfig,
        "report": sections.ReportConfig,
        "conv": sections.ConvConfig,
        "dense": sections.DenseConfig,
    }
    named = [part for part in path if isinstance(part, str)]
    return kinds[named[-1]] if named else RunConfig
