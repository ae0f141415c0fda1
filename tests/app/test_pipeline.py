"""The main job end to end on a small scale: every stage, its files, resuming after an interruption."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.manifest import Manifest
from tests.icarus import needs_icarus

CONFIG = """
name = "small"
[data]
events = 600
[decoder]
hidden = [16]
[training]
epochs = 3
batch = 100
[verify]
real_events = 100
random_events = 20
"""

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]


def econ_ae(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "econ_ae", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("main_job")
    (folder / "small.toml").write_text(CONFIG)
    done = econ_ae(folder, "run", "--config", "small.toml", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "report: run/report/index.html" in done.stdout.replace("\n", " ")
    assert "5 eLinks: " in done.stdout  # who wins, in words
    return folder / "run"


def test_plots_lie_beside_the_page_which_says_how_it_was_made(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["command"] == "econ-ae run --config small.toml --out run"
    page = (finished / "report" / "index.html").read_text(encoding="utf-8")
    assert f"<code>{manifest['command']}</code>" in page
    linked = set(re.findall(r'href="(plots/[^"]+)"', page))
    there = {f"plots/{path.name}" for path in (finished / "report" / "plots").iterdir()}
    assert linked == there
    assert {f"plots/rate.{kind}" for kind in ("pdf", "png", "csv")} <= there
    assert {f"report/{name}" for name in there} <= set(manifest["stages"]["report"]["outputs"])


def test_every_stage_is_recorded_with_hashes(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert list(manifest["stages"]) == ["data", "train", "freeze", "generate", "verify", "costs", "report"]
    for stage in manifest["stages"].values():
        assert stage["outputs"]
        assert all(len(digest) == 64 for digest in stage["outputs"].values())
    assert {"econ-ae", "tensorflow", "qkeras", "cocotb", "python"} <= set(manifest["versions"])


def test_verification_ran_and_was_complete(finished: Path) -> None:
    result = json.loads((finished / "verify" / "verification.json").read_text())
    assert result["mismatches"] == 0
    assert result["real_events"] == 100
    assert result["random_events"] >= 20
    assert result["corner_events"] > 64
    assert result["events"] >= 184


def test_headline_table_has_every_algorithm(finished: Path) -> None:
    rows = json.loads((finished / "report" / "headline.json").read_text())
    assert {(r["algorithm"], r["eLinks"]) for r in rows if r["algorithm"] == "best choice"} == {
        ("best choice", n) for n in (2, 3, 4, 5)
    }
    adaptive = {(r["variant"], r["eLinks"]) for r in rows if r["algorithm"] == "adaptive precision"}
    assert adaptive == {("joined", 2), *(("enumerated", n) for n in (2, 3, 4, 5)), *(("map", n) for n in (3, 4, 5))}
    assert {r["eLinks"] for r in rows if r["algorithm"] == "companded cell code"} == {2, 3, 4, 5}
    assert sum(r["algorithm"].startswith("autoencoder") for r in rows) == 1
    assert all(r["events"] + r["undefined"] == 120 for r in rows)
    page = (finished / "report" / "index.html").read_text()
    assert "synthetic" in page.lower()


def test_resume_repeats_nothing(finished: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()}
    again = econ_ae(finished.parent, "run", "--out", "run", "--resume")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("already done") == len(pipeline.STAGES)
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.is_file()} == before


def test_a_run_that_stopped_in_its_data_stage_resumes(finished: Path, tmp_path: Path) -> None:
    """The hint that is printed works, and what comes of it is what an undisturbed run gives."""
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished / "config.json", run)
    replace(Manifest.read(finished / "manifest.json"), stages={}).write(run / "manifest.json")
    stopped = econ_ae(tmp_path, "train", "run")
    assert stopped.returncode == 2
    assert stopped.stderr.endswith("stage 'data' has not finished; run: econ-ae run --out run --resume\n")
    resumed = econ_ae(tmp_path, "run", "--out", "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    for name in ("dataset.json", "encoder.json", "report/headline.json"):
        assert (run / name).read_bytes() == (finished / name).read_bytes()


def test_ctrl_c_leaves_a_run_that_resumes(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(CONFIG.replace("epochs = 3", "epochs = 400\npatience = 400"))
    # A shell starts its background jobs with the interrupt ignored, and children inherit that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "econ_ae"]
    command += ["run", "--config", "long.toml", "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    history = tmp_path / "run" / "training" / "history.json"
    for _ in range(600):
        if history.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; continue with: econ-ae run --out run --resume" in err
    assert "Traceback" not in err
    epochs = len(json.loads(history.read_text()))
    assert 1 <= epochs < 400
    # Shorten what is left, so that the continuation ends soon; the epochs that were done stay.
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    stored["training"]["epochs"] = epochs + 2
    (tmp_path / "run" / "config.json").write_text(json.dumps(stored))
    refused = econ_ae(tmp_path, "train", "run")
    assert (refused.returncode, "config.json was changed" in refused.stderr) == (2, True)
    manifest = Manifest.read(tmp_path / "run" / "manifest.json")
    replace(manifest, config_file_sha256=None).write(tmp_path / "run" / "manifest.json")
    resumed = econ_ae(tmp_path, "train", "run")
    assert resumed.returncode == 0, resumed.stderr
    assert len(json.loads(history.read_text())) in {epochs + 2, epochs + 3}
