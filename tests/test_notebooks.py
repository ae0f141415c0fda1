"""The tutorials run as they are, on real events where these are there, and leave nothing behind in the repository."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from scripts.notebooks import ROOT, SHARED, SOURCES, execute
from tests.required import absent

NOTEBOOKS = sorted(SOURCES.glob("*.ipynb"))
SECONDS = 120.0
"""Processor time that a tutorial may take, its commands included."""


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _outputs(notebook: Any) -> list[Any]:
    return [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]


@pytest.mark.simulator
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_tutorials_run(path: Path, reference: Path, tmp_path: Path) -> None:
    if shutil.which("iverilog") is None:
        absent("Icarus Verilog is not on the PATH")
    before = _spent()
    outputs = _outputs(execute(path, tmp_path))
    assert _spent() - before < SECONDS
    assert [one.text for one in outputs if one.get("name") == "stderr"] == [], "what a reader would stumble over"
    assert [one for one in outputs if "image/png" in one.get("data", {})] or path.stem == "weights_to_verilog"
    assert str(ROOT) not in str(outputs)


def test_without_reference_data_events_are_generated(tmp_path: Path) -> None:
    outputs = _outputs(execute(SOURCES / "first_look.ipynb", tmp_path, shared=None))
    assert "Synthetic" in str(outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_tutorials_are_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert _outputs(notebook) == []
    assert {cell.execution_count for cell in notebook.cells if cell.cell_type == "code"} == {None}
    assert notebook.cells[0].source.startswith("# ")
    text = path.read_text(encoding="utf-8")
    assert str(ROOT.parent) + "/" not in text
    assert str(SHARED) not in text


def test_there_are_the_five() -> None:
    assert {path.stem for path in NOTEBOOKS} == {
        "first_look",
        "train_and_compare",
        "own_encoder",
        "weights_to_verilog",
        "physics",
    }
