"""Runs whose clusters choose: on whole events, refused in one line before any work elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app.judge import judge_of
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as stage
from econ_ae.app.stages import train
from econ_ae.config import parse
from econ_ae.data.events_writer import write
from econ_ae.data.synthetic.endcaps import EndcapParameters, Gun, chunks
from econ_ae.data.synthetic.endcaps.layers import depths
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training.kept import read_history

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 events with electrons, photons and jets, no pileup."""
    path = tmp_path_factory.mktemp("events") / "made.npz"
    write(path, chunks(24, 3, EndcapParameters(Gun(("electron", "photon", "jet"), 20.0, 60.0, 1.7, 2.6))), depths())
    return path


def settings(file: Path, calibration: str = "counts") -> dict[str, Any]:
    return {
        "data": {
            "source": str(file),
            "cms_events": {
                "section": "CE-E",
                "calibration": calibration,
                "validation_events": "6:18",
                "report_events": "18:24",
            },
        },
        "decoder": {"hidden": [16]},
        "training": {"epochs": 2, "batch": 16, "steps": 3, "select": "physics"},
    }


@pytest.mark.parametrize("calibration", ["counts", "transverse"])
def test_the_validation_events_judge_a_run(file: Path, tmp_path: Path, calibration: str) -> None:
    config = parse(settings(file, calibration), "test")
    context = Context(RunDirectory.create(tmp_path / "run", config), LOW_DENSITY, Silent())
    stage.write(context, stage.prepare(config, LOW_DENSITY))
    train.run(context)
    figures = [e.figure for e in read_history(context.path("training"))]
    assert len(figures) == 2
    assert all(figure is not None and figure > 0 for figure in figures)
    judge = judge_of(config, LOW_DENSITY, context.rows("validation"))
    assert judge is not None
    rows = context.rows("validation")
    assert judge(rows[rows.total > 0].charges) == 0.0
    assert set(judge.targets.event.tolist()) <= set(range(12))


def test_the_default_needs_no_events(file: Path) -> None:
    raw = settings(file)
    del raw["training"]["select"]
    config = parse(raw, "test")
    assert judge_of(config, LOW_DENSITY, stage.read_batch(config, LOW_DENSITY)) is None


def test_other_data_are_refused_before_any_work(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[training]\nselect = "physics"\n')
    code, _, problem = command("run", "--config", str(path), "--out", str(tmp_path / "run"))
    assert code == 2
    assert problem.strip().count("\n") == 0
    assert "makes clusters of whole events, which 'synthetic' does not hold; expected a file of whole events" in problem
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="does not hold"):
        judge_of(
            parse({"training": {"select": "physics"}}, "test"),
            LOW_DENSITY,
            stage.read_batch(parse({}, "t"), LOW_DENSITY),
        )


def test_too_few_clusters_are_refused(file: Path) -> None:
    config = parse(settings(file), "test")
    rows = stage.read_batch(config, LOW_DENSITY)
    empty = replace(rows, charges=(rows.charges > 0).astype("uint32"))
    with pytest.raises(DataError, match=r"found \d clusters in 24 validation events; expected at least 10: give more"):
        judge_of(config, LOW_DENSITY, empty)
