"""Searches with real trainings, small: ordinary runs, the same after kill -9 of everything, both kinds of encoders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.explore.directory import SearchDirectory
from econ_ae.app.explore.page import toml_of
from econ_ae.app.explore.records import SETTLED, State, Trial
from econ_ae.app.explore.run import Options, run
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context, open_run
from econ_ae.app.run.directory import RunDirectory
from econ_ae.config import parse
from econ_ae.config.explore import load
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.emd import emd
from tests.icarus import needs_icarus

ROOT = Path(__file__).resolve().parents[3]
LAYERS = """
name = "layers"
base = "quick"
[settings.data]
events = 600
[settings.training]
epochs = 3
batch = 64
[settings.decoder]
hidden = [8]
[settings.verify]
real_events = 20
random_events = 5
[space]
"encoder.conv.0.filters" = { low = 1, high = 2 }
"encoder.dense.0.units" = { low = 3, high = 8 }
[budget]
trials = 6
generation = 3
rungs = [1, 3]
keep = 0.5
"""
CELLS = """
name = "cells"
base = "m.toml"
[settings.data]
events = 600
[settings.cells]
rule_events = 100
units = 4
depth = 1
steps = 2
[settings.training]
epochs = 2
batch = 32
[space]
"cells.most_cells" = [4, 8]
"hardware.elinks" = [2, 3]
[budget]
trials = 2
generation = 2
rungs = [1, 2]
keep = 0.5
"""
pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "layers.toml").write_text(LAYERS)
    (folder / "cells.toml").write_text(CELLS)
    (folder / "m.toml").write_text('[encoder]\nfamily = "cells"\n[hardware]\nelinks = 2\n')
    return folder


@pytest.fixture(scope="module")
def finished(settings: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchDirectory:
    path = tmp_path_factory.mktemp("search") / "layers"
    run(path, load(settings / "layers.toml"), Options(1), overwrite=False, resume=False, progress=Silent())
    return SearchDirectory.open(path)


def trained(place: SearchDirectory) -> list[Trial]:
    return [one for one in place.state() if one.state == State.TRAINED]


def without_times(trials: tuple[Trial, ...]) -> list[tuple[object, ...]]:
    return [
        (
            t.number,
            t.generation,
            dict(t.values),
            t.state,
            t.reason,
            [(r.epochs, r.emd, r.error) for r in t.rungs],
            t.checked,
        )
        for t in trials
    ]


def test_every_trained_point_is_an_ordinary_run(finished: SearchDirectory) -> None:
    assert len(finished.state()) == 6
    assert trained(finished)
    for one in trained(finished):
        run_ = RunDirectory.open(finished.trial(one))
        run_.check("data", "train", "freeze")
        for name, value in one.values.items():
            assert (
                value
                == {
                    "encoder.conv.0.filters": run_.config.encoder.conv[0].filters,
                    "encoder.dense.0.units": run_.config.encoder.dense[0].units,
                }[name]
            )
    stopped = [one for one in finished.state() if one.state == State.STOPPED]
    assert stopped
    assert all(not RunDirectory.open(finished.trial(one)).has("train") for one in stopped)


def test_a_training_with_pauses_is_that_without(finished: SearchDirectory, tmp_path: Path) -> None:
    one = trained(finished)[0]
    config = RunDirectory.open(finished.trial(one)).config
    context = Context(RunDirectory.create(tmp_path / "alone", config), LOW_DENSITY, Silent())
    for stage in ("data", "train", "freeze"):
        pipeline.run_stage(context, stage, repeat=False)
    searched = open_run(finished.trial(one), Silent())
    ours, theirs = (json.loads(c.path("encoder.json").read_text()) for c in (context, searched))
    assert ours["ops"] == theirs["ops"]
    for name in ("loss", "validation_loss"):
        histories = [json.loads(c.path("training", "history.json").read_text()) for c in (context, searched)]
        assert [e[name] for e in histories[0]] == [e[name] for e in histories[1]]


def test_points_are_judged_by_validation_rows_from_the_bits(finished: SearchDirectory) -> None:
    for one in trained(finished):
        context = open_run(finished.trial(one), Silent())
        for part, expected in (("validation", one.rungs[-1].emd), ("report", None)):
            rows = context.rows(part)
            rows = rows[rows.total > 0]
            sent = reconstruct(context, context.model(), rows)
            value = float(np.mean(emd(rows.charges, sent.charges, LOW_DENSITY).of_defined))
            if expected is not None:
                assert value == expected
            elif one.checked is not None:
                assert one.checked.report_emd == pytest.approx(value)


def test_the_front_is_verified(finished: SearchDirectory) -> None:
    checked = [one for one in finished.state() if one.checked is not None]
    assert checked
    for one in checked:
        assert one.checked is not None
        assert not one.checked.problem
        found = json.loads((finished.trial(one) / "verify" / "verification.json").read_text())
        assert found["mismatches"] == 0
        assert found["events"] == one.checked.verified > 0


def test_the_configuration_that_the_page_copies_is_that_of_the_point(finished: SearchDirectory) -> None:
    config = RunDirectory.open(finished.trial(trained(finished)[0])).config
    assert parse(tomllib.loads(toml_of(config)), "copied") == config


def test_everything_killed_and_continued_ends_the_same(
    settings: Path, finished: SearchDirectory, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "econ_ae", "explore"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for stage in ("first", "second"):
        arguments = [str(settings / "layers.toml"), "--out", str(out), "--workers", "1"]
        process = subprocess.Popen(
            [*command, *arguments, *(["--resume"] if stage == "second" else [])],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wanted = 2 if stage == "first" else 4
        end = time.monotonic() + 300
        while len(list(out.glob("trials/*/explore/rung-*.json"))) < wanted and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    ended = subprocess.run(
        [*command, "--out", str(out), "--workers", "1", "--resume", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = SearchDirectory.open(out)
    assert without_times(found.state()) == without_times(finished.state())
    assert json.loads(ended.stdout)["counts"]["drawn"] == "6 of 6"


def test_cells_are_searched_too(settings: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path / "cells",
        load(settings / "cells.toml"),
        Options(1, verify=False),
        overwrite=False,
        resume=False,
        progress=Silent(),
    )
    done = [one for one in found if one.state == State.TRAINED]
    assert done, [one.reason for one in found]
    assert all(one.state in SETTLED or one.rungs for one in found)
    RunDirectory.open(tmp_path / "cells" / "trials" / done[0].name).check("data", "train", "freeze")


def test_show_writes_the_page_of_a_search_at_work(finished: SearchDirectory, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    (copy / "index.html").unlink()
    found = subprocess.run(
        [sys.executable, "-m", "econ_ae", "explore", "show", str(copy)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "6 of 6" in found.stdout
    page = (copy / "index.html").read_text()
    assert "Synthetic data" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
