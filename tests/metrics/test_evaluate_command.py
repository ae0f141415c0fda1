"""`econ-ae evaluate`: runs on the same events become one comparison; anything else is refused in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import parse
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

Run = Callable[..., tuple[int, str, str]]


def make_run(path: Path, seed: int, activation: str, *, stages: tuple[str, ...] = ("train", "freeze")) -> None:
    settings: dict[str, Any] = {
        "seed": seed,
        "data": {"events": 260},
        "encoder": {
            "conv": [{"filters": 2}],
            "dense": [{"units": 16, "activation": activation}],
        },
        "decoder": {"hidden": [8]},
        "training": {"epochs": 1, "batch": 50},
    }
    config = parse(settings, "test")
    data = dataset_stage.prepare(config, LOW_DENSITY)
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    dataset_stage.write(context, data)
    for stage in stages:
        pipeline.run_stage(context, stage, repeat=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "narrow", 1, "u1.2")
    make_run(folder / "wide", 1, "u1.8")
    make_run(folder / "other", 2, "u1.2", stages=("train", "freeze"))
    make_run(folder / "untrained", 1, "u1.2", stages=())
    return folder


@pytest.fixture
def econ_ae(command: Run, monkeypatch: pytest.MonkeyPatch, runs: Path) -> Run:
    monkeypatch.chdir(runs)
    return command


def test_runs_with_the_same_events_are_compared(econ_ae: Run, runs: Path) -> None:
    code, out, err = econ_ae("evaluate", "narrow", "wide", "--elinks", "2,5", "--out", "both", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert [(r["algorithm"], r["variant"], r["eLinks"]) for r in rows[:2]] == [
        ("autoencoder", "narrow", 2),
        ("autoencoder", "wide", 5),
    ]
    assert {r["algorithm"] for r in rows[2:]} == {
        "flat image", "best choice", "STC 2x2", "STC 4x4", "threshold sum", "repeater",
        "adaptive precision", "companded cell code",
    }  # fmt: skip
    with (runs / "both" / "run_differences.csv").open(encoding="utf-8") as stream:
        (difference,) = csv.DictReader(stream)
    assert (difference["variant"], difference["other_variant"]) == ("narrow", "wide")
    assert float(difference["emd_difference"]) == pytest.approx(rows[0]["mean"] - rows[1]["mean"])
    with (runs / "both" / "differences.csv").open(encoding="utf-8") as stream:
        against = {(r["elinks"], r["other_algorithm"], r["other_variant"]) for r in csv.DictReader(stream)}
    assert ("2", "ts", "filled") in against
    assert ("5", "bc", "plain") in against
    assert {("2", "abc", "joined"), ("5", "abc", "map"), ("5", "abc", "enumerated"), ("5", "ccc", "")} <= against
    page = (runs / "both" / "index.html").read_text(encoding="utf-8")
    assert "Run against run" in page
    assert "synthetic" in page


def test_an_evaluation_is_replaced_only_when_asked(econ_ae: Run, runs: Path) -> None:
    small = ("evaluate", "narrow", "--algorithms", "ae,bc", "--elinks", "2", "--out", "one")
    code, out, _ = econ_ae(*small)
    assert code == 0
    assert "synthetic" in out
    assert "evaluation: one/index.html" in out
    (runs / "one" / "threshold_sum.csv").write_text("old")
    code, _, err = econ_ae(*small)
    assert (code, err) == (2, "econ-ae: one exists; give --overwrite to replace it, or another --out\n")
    assert econ_ae(*small, "--overwrite")[0] == 0
    assert not (runs / "one" / "threshold_sum.csv").exists()
    (runs / "thesis").mkdir()
    (runs / "thesis" / "chapter").write_text("x")
    code, _, err = econ_ae("evaluate", "narrow", "--out", "thesis", "--overwrite")
    assert code == 2
    assert "something else than an evaluation" in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("narrow", "other"), "other reports on other events (52, sha256 "),
        (("narrow", "narrow"), "a run is given twice: narrow, narrow; give each once"),
        (("narrow", "untrained"), "untrained: stage 'train' has not finished; run: econ-ae train untrained"),
        (("nowhere",), "nowhere does not exist"),
        (
            ("narrow", "--algorithms", "ae,tc"),
            "algorithm 'tc' is unknown; expected some of ae, stc, bc, ts, rpt, abc, ccc",
        ),
        (("narrow", "--elinks", "2,x"), "--elinks '2,x' is no list of numbers; expected for example 2,3,4,5"),
        (("narrow", "--elinks", "14"), "14 eLinks; the ECON-T has 1..13"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], expected: str, econ_ae: Run, runs: Path) -> None:
    code, _, err = econ_ae("evaluate", *arguments, "--out", "never", "--json")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert expected in err
    assert not (runs / "never").exists()
