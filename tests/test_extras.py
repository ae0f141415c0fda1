"""Extras: the table of modules is that of pyproject.toml, and a missing one is named in one line, from both sides."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pytest

import econ_ae
from econ_ae import extras
from econ_ae.app.cli.main import _EXTRAS, COMMANDS
from econ_ae.errors import PackageMissingError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BROUGHT = packages_distributions()
Run = Callable[..., tuple[int, str, str]]


def distributions(extra: str) -> set[str]:
    """What pip installs for an extra, with those that it names of this package."""
    found: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        if own := re.fullmatch(r"econ-ae\[(.*)\]", requirement):
            found |= {name for inner in own[1].split(",") for name in distributions(inner)}
        else:
            found.add(re.split(r"[\[~=<>]", requirement)[0].lower())
    return found


@pytest.mark.parametrize("extra", sorted(extras.EXTRAS))
def test_the_table_is_that_of_the_project(extra: str) -> None:
    modules = {"tensorflow_model_optimization": ["tensorflow-model-optimization"], "google.protobuf": ["protobuf"]}
    named = {(modules.get(m) or BROUGHT.get(m) or [m])[0].replace("_", "-").lower() for m in extras.EXTRAS[extra]}
    told = {name.replace("_", "-") for name in distributions(extra)}
    inner = {"awkward", "cramjam"}  # of uproot
    alone = {"pyparsing", "scikit-learn"}  # of QKeras
    assert named - inner <= told
    assert told - alone <= named


def test_every_extra_is_in_the_table() -> None:
    assert set(PROJECT["optional-dependencies"]) == {*extras.EXTRAS, "all", "dev", "docs"}


def test_commands_name_the_extra(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qkeras", None)
    code, out, err = command("run", "--out", "nowhere")
    line = "econ-ae: econ-ae run needs qkeras, which is not installed; install it with: pip install 'econ-ae[train]'\n"
    assert (code, out, err) == (2, "", line)
    assert command("run", "--help")[0] == 0


def test_imports_that_fail_in_the_middle_name_the_extra(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "econ_ae.app.studies.compare", None)
    with pytest.raises(ModuleNotFoundError):  # a mistake of ours stays one
        command("evaluate", "nowhere")
    assert extras.explained(ModuleNotFoundError(name="scipy.special")) is None, "it is installed"
    monkeypatch.setitem(sys.modules, "scipy", None)
    found = extras.explained(ModuleNotFoundError(name="scipy"))
    assert str(found) == "the package scipy is not installed; install it with: pip install 'econ-ae[plot]'"


def test_python_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "metrics.wafer", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PackageMissingError, match=r"matplotlib is not installed; .*'econ-ae\[plot\]'"):
        econ_ae.plot.wafer(np.ones(48))
    assert issubclass(PackageMissingError, econ_ae.EconAeError)


def test_every_extra_of_a_command_is_there() -> None:
    assert set(_EXTRAS) <= set(COMMANDS)
    assert set(_EXTRAS.values()) <= set(extras.EXTRAS)
