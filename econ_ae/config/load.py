"""Configurations of files and presets; one-line errors for unknown or wrong keys."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from econ_ae.config.keys import names_at
from econ_ae.config.run import RunConfig
from econ_ae.config.sections import Section
from econ_ae.errors import ConfigError, did_you_mean

FAMILY, CAMPAIGN = "family", "campaign"
"""The tables that make a file of settings that of several runs, see ``econ_ae.config.family`` and ``campaign``."""
S = TypeVar("S", bound=Section)
_NO_TABLE = {"model_type", "dict_type"}


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
    """Return the configuration of a .toml or .json file; ConfigError in one line when it is wrong, or a family's."""
    raw = read(path)
    for table in (FAMILY, CAMPAIGN):
        if table in raw:
            raise ConfigError(
                f"{path} holds the settings of a {table} of runs (table [{table}]); expected those of a run"
            )
    return parse(raw, str(path))


def read(path: Path) -> dict[str, Any]:
    """Return what a .toml or .json file holds; ConfigError when it is no table of settings."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigError(f"cannot read configuration {path}: {problem.strerror}; expected a TOML file") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(f"configuration {path} is no text file; expected TOML in UTF-8") from problem
    try:
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a table of settings, not a {type(raw).__name__}")
    return raw


def parse(raw: dict[str, Any], where: str) -> RunConfig:
    """Return the validated configuration; the error names the key, what it holds and what it must hold."""
    return parse_as(RunConfig, raw, where)


def parse_as(model: type[S], raw: dict[str, Any], where: str) -> S:
    """Return validated settings of a class, see ``parse``."""
    try:
        return model.model_validate(raw)
    except ValidationError as problem:
        raise ConfigError(f"{where}: " + "; ".join(_explain(e, model) for e in _causes(problem.errors()))) from problem


def changed(config: RunConfig, where: str, /, **changes: Any) -> RunConfig:
    """Return a configuration with other values, checked like a file; None leaves what is there, tables are merged."""
    return parse(_merged(config.model_dump(mode="json"), changes), where)


def _merged(old: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    out = dict(old)
    for name, value in changes.items():
        if isinstance(value, dict):
            below = old.get(name)  # None of a table that may be left out; what is no table, or unknown, parsing says
            out[name] = _merged(below if isinstance(below, dict) else {}, value)
        elif value is not None:
            out[name] = value
    return out


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out lists that are called too short only because something in them is wrong."""
    inner = {error["loc"][:n] for error in errors for n in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in inner]


def _explain(error: Any, model: type[Section]) -> str:
    path = error["loc"]
    key = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        known = names_at(path[:-1], model)
        hint = did_you_mean(str(path[-1]), known) or f"; expected one of {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    expected = "expected a table of settings" if error["type"] in _NO_TABLE else error["msg"]
    return f"{key} = {error['input']!r}: {expected.removeprefix('Value error, ')}"
