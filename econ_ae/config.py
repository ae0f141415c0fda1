"""Run configuration: TOML or JSON, presets, one-line errors for unknown or wrong keys."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.sections import (
    PYTHIA,
    SYNTHETIC,
    AdmixtureConfig,
    ConditionsConfig,
    ConvConfig,
    DataConfig,
    DecoderConfig,
    DenseConfig,
    DistillConfig,
    EncoderConfig,
    HardwareConfig,
    PruneConfig,
    ReportConfig,
    RootConfig,
    Section,
    SyntheticConfig,
    TrainingConfig,
    VerifyConfig,
)

__all__ = [
    "DEFAULT_PRESET",
    "PYTHIA",
    "SYNTHETIC",
    "AdmixtureConfig",
    "ConditionsConfig",
    "ConvConfig",
    "DataConfig",
    "DecoderConfig",
    "DenseConfig",
    "DistillConfig",
    "EncoderConfig",
    "HardwareConfig",
    "PruneConfig",
    "ReportConfig",
    "RootConfig",
    "RunConfig",
    "SyntheticConfig",
    "TrainingConfig",
    "VerifyConfig",
    "load",
    "load_preset",
    "parse",
    "presets",
]

DEFAULT_PRESET = "econ-t"


def _check_fewer(what: str, left: int, there: int) -> None:
    if left >= there:
        raise ConfigError(f"training.prune.{what} = {left} is what is left of {there}; expected fewer")


class RunConfig(Section):
    """Everything that a run depends on."""

    name: str = Field("econ_t", pattern=r"^[a-z][a-z0-9_]*$", description="name of the encoder in Verilog and C")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    data: DataConfig = DataConfig()
    conditions: ConditionsConfig = ConditionsConfig()
    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    training: TrainingConfig = TrainingConfig()
    hardware: HardwareConfig = HardwareConfig()
    verify: VerifyConfig = VerifyConfig()
    report: ReportConfig = ReportConfig()

    @property
    def on_chip(self) -> EncoderConfig:
        """The encoder that is left when filters and outputs have been removed.

        Raises
        ------
        ConfigError
            When more would be left than there is.
        """
        prune = self.training.prune or PruneConfig()
        if prune.weights is not None and prune.start >= prune.end:
            raise ConfigError(f"training.prune.start = {prune.start} must be below training.prune.end = {prune.end}")
        conv, dense = self.encoder.conv, self.encoder.dense
        if prune.filters is not None:
            fewest = min((layer.filters for layer in conv), default=0)
            _check_fewer("filters", prune.filters, fewest)
            conv = tuple(layer.model_copy(update={"filters": prune.filters}) for layer in conv)
        if prune.latents is not None:
            _check_fewer("latents", prune.latents, dense[-1].units)
            dense = (*dense[:-1], dense[-1].model_copy(update={"units": prune.latents}))
        return self.encoder.model_copy(update={"conv": conv, "dense": dense})


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = resources.files("econ_ae") / "presets"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def load_preset(name: str) -> RunConfig:
    """Return a preset; ConfigError with a suggestion when there is none of that name."""
    if name not in presets():
        raise ConfigError(
            f"preset {name!r} is unknown; expected one of {', '.join(presets())}{did_you_mean(name, presets())}"
        )
    text = (resources.files("econ_ae") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
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
    sections: dict[str, type[BaseModel]] = {
        "data": DataConfig,
        "root": RootConfig,
        "conditions": ConditionsConfig,
        "encoder": EncoderConfig,
        "decoder": DecoderConfig,
        "training": TrainingConfig,
        "synthetic": SyntheticConfig,
        "admixture": AdmixtureConfig,
        "distill": DistillConfig,
        "prune": PruneConfig,
        "hardware": HardwareConfig,
        "verify": VerifyConfig,
        "report": ReportConfig,
        "conv": ConvConfig,
        "dense": DenseConfig,
    }
    named = [part for part in path if isinstance(part, str)]
    return sections[named[-1]] if named else RunConfig
