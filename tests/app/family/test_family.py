"""The main job on a family, end to end on a small scale: one data set, runs like any other, one page; interruptions."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from econ_ae.app.cli.console import Terminal
from econ_ae.app.family.run import run
from econ_ae.app.run.context import open_run
from econ_ae.app.run.directory import ORDER, RunDirectory
from econ_ae.app.run.family import FamilyDirectory, run_paths
from econ_ae.app.stages import report
from econ_ae.config.family import FamilyConfig, load
from econ_ae.errors import EconAeError, RunDirectoryError
from econ_ae.progress import Silent
from tests.icarus import needs_icarus

Command = Callable[..., tuple[int, str, str]]

MEMBER = '[encoder]\nfamily = "cells"\n[hardware]\nelinks = {}\n'
FAMILY = """
name = "small"
[family]
members = ["m3.toml", "m2.toml"]
[data]
events = 600
[cells]
rule_events = 100
units = 4
depth = 1
steps = 2
[training]
epochs = 2
batch = 32
[verify]
real_events = 20
random_events = 5
[report]
elinks = [2, 3]
"""

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    for elinks in (2, 3):
        (folder / f"m{elinks}.toml").write_text(MEMBER.format(elinks))
    (folder / "family.toml").write_text(FAMILY)
    return folder / "family.toml"


@pytest.fixture(scope="module")
def config(settings: Path) -> FamilyConfig:
    found = load(settings)
    assert isinstance(found, FamilyConfig)
    return found


@pytest.fixture(scope="module")
def finished(config: FamilyConfig, tmp_path_factory: pytest.TempPathFactory) -> FamilyDirectory:
    path = tmp_path_factory.mktemp("family") / "small"
    return run(path, config, overwrite=False, resume=False, progress=Silent())


@pytest.fixture
def copy(finished: FamilyDirectory, tmp_path: Path) -> FamilyDirectory:
    shutil.copytree(finished.path, tmp_path / "copy")
    return FamilyDirectory.open(tmp_path / "copy")


def headline(path: Path) -> list[dict[str, object]]:
    rows = json.loads((path / "report" / "headline.json").read_text(encoding="utf-8"))
    assert isinstance(rows, list)
    return rows


def test_every_member_is_an_ordinary_run_on_the_same_rows(finished: FamilyDirectory) -> None:
    assert [path.name for path in finished.members] == ["2elinks", "3elinks"]
    for path, config in zip(finished.members, finished.config.members.values(), strict=True):
        member = RunDirectory.open(path)
        assert member.config == config
        assert list(member.manifest().stages) == list(ORDER)
        member.check(*ORDER)
        assert json.loads((path / "verify" / "verification.json").read_text())["mismatches"] == 0
    first, second = (path / "dataset.h5" for path in finished.members)
    assert first.samefile(second)
    manifest = finished.manifest()
    assert set(manifest.stages) == {"2elinks", "3elinks", "report"}
    assert {"2elinks/encoder.json", "2elinks/dataset.h5"} <= set(manifest.stages["2elinks"].outputs)
    assert {"report/index.html", "3elinks/report/index.html"} <= set(manifest.stages["report"].outputs)
    assert finished.report_is_done()


def test_the_headline_has_every_encoder_beside_the_same_others(finished: FamilyDirectory) -> None:
    rows = headline(finished.path)
    own = [row for row in rows if "autoencoder" in str(row["algorithm"])]
    assert [row["eLinks"] for row in own] == [2, 3]
    others = [row for row in rows if row not in own]
    assert {row["algorithm"] for row in others} >= {"best choice", "adaptive precision", "companded cell code"}
    for row, path in zip(own, finished.members, strict=True):
        assert headline(path) == [row, *others]
    page = (finished.path / "report" / "index.html").read_text(encoding="utf-8")
    for name in ("2elinks", "3elinks"):
        assert f'href="../{name}/report/index.html"' in page
        assert (finished.path / "report" / ".." / name / "report" / "index.html").is_file()
    assert "Equal bit for bit" in page
    assert "synthetic" in page


def test_a_report_of_a_member_alone_is_the_same(copy: FamilyDirectory) -> None:
    context = open_run(copy.members[1], Silent())
    before = {path: path.read_bytes() for path in copy.members[1].joinpath("report").rglob("*") if path.is_file()}
    minute = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d UTC")  # pages say when they were made
    for path in report.run(context):
        assert minute.sub(b"", path.read_bytes()) == minute.sub(b"", before[path]), path
        path.write_bytes(before[path])
    assert context.run.stage_problem("report") is None  # by the hashes of what the family wrote


def test_nothing_is_repeated(finished: FamilyDirectory, config: FamilyConfig) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.path.rglob("*") if p.is_file()}
    run(finished.path, config, overwrite=False, resume=True, progress=Silent())
    assert {p: p.stat().st_mtime_ns for p in finished.path.rglob("*") if p.is_file()} == before


def failing_simulator(folder: Path, where: str) -> str:
    """Return a PATH whose vvp fails in directories with ``where`` in their name."""
    script = f'#!/bin/sh\ncase "$PWD$*" in *{where}*) exit 3;; esac\nexec {shutil.which("vvp")} "$@"\n'
    (folder / "bin").mkdir()
    (folder / "bin" / "vvp").write_text(script)
    (folder / "bin" / "vvp").chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


@pytest.mark.slow
def test_a_member_that_fails_half_way_continues_to_the_same_bits(
    copy: FamilyDirectory, config: FamilyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With changed files besides: what was made of them is made anew."""
    before = headline(copy.path)
    path = copy.path / "3elinks"
    encoder = (path / "encoder.json").read_bytes()
    (path / "encoder.json").write_text("{}")
    (path / "verify" / "verification.json").unlink()
    with monkeypatch.context() as changed:
        changed.setenv("PATH", failing_simulator(tmp_path, "3elinks"))
        with pytest.raises(EconAeError) as stopped:
            run(copy.path, config, overwrite=False, resume=True, progress=Silent())
    assert str(stopped.value).startswith("3elinks: ")
    assert str(stopped.value).endswith(f"continue with: econ-ae run --out {copy.path} --resume")
    assert (path / "encoder.json").read_bytes() == encoder
    run(copy.path, config, overwrite=False, resume=True, progress=Silent())
    assert headline(copy.path) == before
    RunDirectory.open(path).check(*ORDER)


def test_ctrl_c_ends_every_process_and_says_how_to_go_on(settings: Path, tmp_path: Path) -> None:
    # A shell starts its background jobs with the interrupt ignored, and children inherit that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "econ_ae", "run", "--config", str(settings)]
    process = subprocess.Popen(
        [*command, "--out", "small"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    line = ""
    while process.poll() is None and "train" not in line:
        line = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; continue with: econ-ae run --out small --resume" in err
    assert "Traceback" not in err
    for _ in range(50):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("a process of the family is left")
    assert not list((tmp_path / "small").rglob(".lock.json"))


def test_commands_take_a_family_as_its_members(finished: FamilyDirectory, command: Command, tmp_path: Path) -> None:
    path = str(finished.path)
    out = str(tmp_path / "evaluation")
    code, printed, error = command("evaluate", path, "--algorithms", "ae", "--out", out, "--json")
    assert code == 0, error
    rows = json.loads(printed)
    assert [(row["eLinks"], row["mean"]) for row in rows[:2]] == [
        (row["eLinks"], row["mean"]) for row in headline(finished.path)[:2]
    ]
    code, _, error = command("generate", path)
    assert (code, len(error.strip().splitlines())) == (2, 1)
    members = ", ".join(map(str, finished.members))
    assert error == f"econ-ae: {path} is a family of runs; give one of them: {members}\n"
    code, printed, error = command("run", "--out", path, "--resume", "--json")
    assert code == 0, error
    assert json.loads(printed) == headline(finished.path)
    code, printed, error = command("run", "--out", path, "--resume")
    assert code == 0, error
    assert f"report: {finished.path}/report/index.html" in printed.replace("\n", "")
    assert all(f"{name}: Verilog against integer model: " in printed for name in ("2elinks", "3elinks"))


@pytest.mark.slow
def test_verify_simulates_all_members(copy: FamilyDirectory, command: Command) -> None:
    code, printed, error = command("verify", str(copy.path), "--events", "5", "--json")
    assert code == 0, error
    assert [(result["real_events"], result["mismatches"]) for result in json.loads(printed)] == [(5, 0), (5, 0)]


def test_what_is_no_family_is_one_line(
    copy: FamilyDirectory, config: FamilyConfig, settings: Path, command: Command, tmp_path: Path
) -> None:
    def refused(path: Path, config: FamilyConfig = config, *, resume: bool = True) -> str:
        with pytest.raises(RunDirectoryError) as problem:
            run(path, config, overwrite=False, resume=resume, progress=Silent())
        assert "\n" not in str(problem.value)
        return str(problem.value)

    assert "is no family of runs; make one with" in refused(copy.members[0])
    assert "exists; give --overwrite to replace it" in refused(copy.path, resume=False)
    other = config.changed("options", seed=2)
    assert "made with other settings (members.2elinks.seed was 1, now 2)" in refused(copy.path, other)
    with pytest.raises(RunDirectoryError, match="does not exist; make one with"):
        FamilyDirectory.open(tmp_path / "nowhere")

    shutil.rmtree(copy.members[1])
    (copy.members[1]).mkdir()
    (copy.members[1] / "thesis").write_text("x")
    assert "3elinks exists; give --overwrite" in refused(copy.path)
    code, _, error = command("verify", str(copy.path))
    assert (code, len(error.strip().splitlines())) == (2, 1)
    assert "3elinks is not a run directory" in error

    text = (copy.path / "family.json").read_text()
    (copy.path / "family.json").write_text(text.replace('"seed": 1', '"seed": 2'))
    assert "family.json was changed after the family was made" in refused(copy.path)
    with pytest.raises(RunDirectoryError, match="was changed after"):
        run_paths(copy.path)
    (copy.path / "manifest.json").unlink()
    assert "manifest.json is missing" in refused(copy.path)


def test_a_member_of_other_settings_is_refused(copy: FamilyDirectory) -> None:
    name = "3elinks"
    config = copy.config.members[name].model_copy(update={"name": "another"})
    shutil.rmtree(copy.path / name)
    RunDirectory.create(copy.path / name, config)
    with pytest.raises(RunDirectoryError, match=r"other settings than the family's \(name was '\w+', now 'another'"):
        copy.run(name)


def test_a_bar_inside_a_bar_goes_when_it_is_closed() -> None:
    progress = Terminal()
    progress.console = Console(file=io.StringIO(), force_terminal=True)
    with progress.bar("whole", 2) as whole:
        live = progress._live
        assert live is not None
        with progress.bar("part", 3) as part:
            part.advance(1, "note")
            assert [task.description for task in live.tasks] == ["whole", "part"]
        assert [task.description for task in live.tasks] == ["whole"]
        whole.advance()
    assert progress._live is None
