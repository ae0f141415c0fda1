"""A run of an encoder of cells end to end, and its evaluation on other events."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.reconstruction import cells_as_received, reconstruct
from econ_ae.app.run.context import Context
from econ_ae.config import parse
from econ_ae.data.readers import read
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.emd import emd
from tests.hls_toolchain import require_toolchain

Command = Callable[..., tuple[int, str, str]]

SETTINGS = {
    "name": "small_cells",
    "data": {"events": 900},
    "encoder": {"family": "cells"},
    "cells": {"rule_events": 150, "units": 4, "depth": 1, "steps": 4},
    "training": {"epochs": 2, "batch": 32},
    "hardware": {"elinks": 3},
    "report": {"elinks": [3]},
    "verify": {"real_events": 60, "random_events": 20},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Context:
    path = tmp_path_factory.mktemp("cells") / "run"
    config = parse(SETTINGS, "test")
    return pipeline.run(path, config, overwrite=False, resume=False, progress=Silent())


@pytest.fixture(scope="module")
def other_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 900, (40, 48)) * (rng.random((40, 48)) < 0.3)
    path = tmp_path_factory.mktemp("other") / "events.csv"
    header = ",".join(f"CALQ_{cell}" for cell in range(48))
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in charges)]) + "\n")
    return path


def test_every_stage_is_recorded_and_says_what_it_left_out(finished: Context) -> None:
    assert list(finished.run.manifest().stages) == list(pipeline.STAGES)
    finished.run.check(*pipeline.STAGES)
    assert finished.json("costs", "skipped.json")["skipped"].endswith("not part of the main job: econ-ae costs RUN.")
    verified = finished.json("verify", "verification.json")
    assert (verified["mismatches"], verified["latency"], verified["real_events"] > 0) == (0, 8, True)
    frozen = finished.json("freeze.json")
    assert frozen["real_events"] == len(finished.rows("report"))
    assert frozen["mismatches"] == 0
    model = finished.model()
    assert model.sends_cells and model.spec_version == 2  # noqa: PT018
    page = finished.path("report", "index.html").read_text(encoding="utf-8")
    assert "cells as pulses" in page
    assert "The synthesis of encoders that send cells takes minutes" in page


def test_the_headline_is_what_the_frames_give(finished: Context) -> None:
    rows = [row for row in finished.json("report", "headline.json") if "autoencoder" in row["algorithm"]]
    assert [(row["eLinks"], row["receiver"]) for row in rows] == [(3, "transmitted bits")]
    batch, model = finished.rows("report"), finished.model()
    seen = reconstruct(finished, model, batch)
    assert seen.label == "autoencoder, cells as pulses"
    assert seen.frame_bits == 96
    assert emd(batch.charges, seen.charges, LOW_DENSITY).of_defined.mean() == pytest.approx(rows[0]["mean"])
    by_table = cells_as_received(finished, model, batch, by_table=True)
    assert (by_table != seen.charges).any()


def test_a_finished_run_is_not_repeated(finished: Context) -> None:
    before = finished.path("manifest.json").read_bytes()
    pipeline.run(finished.run.path, finished.config, overwrite=False, resume=True, progress=Silent())
    assert finished.path("manifest.json").read_bytes() == before


def test_evaluates_other_events_of_the_same_geometry(
    finished: Context, other_events: Path, command: Command, tmp_path: Path
) -> None:
    path, out = str(finished.run.path), tmp_path / "evaluation"
    code, printed, error = command(
        "evaluate", path, "--data", str(other_events), "--algorithms", "ae,abc", "--elinks", "3,4", "--out", str(out),
        "--json",
    )  # fmt: skip
    assert code == 0, error
    rows = json.loads(printed)
    own = [row for row in rows if "autoencoder" in row["algorithm"]]
    assert {row["eLinks"] for row in rows if row["algorithm"] == "adaptive precision"} == {3, 4}
    batch = read(other_events)
    assert own[0]["events"] == int((batch.total > 0).sum())
    seen = reconstruct(finished, finished.model(), batch).charges
    assert own[0]["mean"] == pytest.approx(emd(batch.charges, seen, LOW_DENSITY).of_defined.mean())
    code, printed, _ = command("evaluate", path, "--data", str(other_events), "--algorithms", "ae", "--out",
                               str(tmp_path / "table"))  # fmt: skip
    assert code == 0
    assert f"events of {other_events}" in " ".join(printed.split("\n"))


def test_verilog_is_written_and_verified_by_command(finished: Context, command: Command) -> None:
    code, out, error = command("generate", str(finished.run.path), "--block", "block")
    assert code == 0, error
    assert any(path.name.endswith("_block.v") for path in (finished.run.path / "rtl_block").iterdir()), out
    code, out, error = command("verify", str(finished.run.path), "--events", "20", "--json")
    assert code == 0, error
    (result,) = json.loads(out)
    assert (result["mismatches"], result["real_events"]) == (0, 20)
    finished.run.check("verify")
    code, _, error = command("generate", str(finished.run.path), "--block", "normaliser")
    assert (code, len(error.strip().splitlines())) == (2, 1)
    assert "has --block datapath or block" in error


def test_cpp_is_written_and_verified_by_command(finished: Context, command: Command) -> None:
    require_toolchain()
    code, out, error = command("generate", str(finished.run.path), "--target", "all", "--weights", "struct")
    assert code == 0, error
    assert [Path(line).name for line in out.splitlines()] == ["rtl", "catapult", "vitis"]
    for flavour in ("catapult", "vitis"):
        project = finished.path("hls", flavour)
        facts = json.loads((project / "manifest.json").read_text())
        assert (facts["flavour"], facts["frame_words"]) == (flavour, 3)
        real = min(500, len(finished.rows("report")))
        golden = (project / "data" / "golden.txt").read_text().splitlines()
        assert len(golden) > real
        sent = np.loadtxt(project / "data" / "images.txt", dtype=np.int64)
        assert np.array_equal(sent[-real:, 2:], finished.rows("report").charges[:real])
    code, out, error = command("verify", str(finished.run.path), "--suite", "hls", "--events", "20", "--json")
    assert code == 0, error
    results = json.loads(out)
    assert [(one["flavour"], one["mismatches"], one["real_events"]) for one in results] == [
        ("catapult", 0, 20), ("vitis", 0, 20)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--reuse", "4"), "HLS reuse factor 4: an encoder that sends cells takes an event every clock; expected 1"),
        (
            ("--half-even", "increment"),
            "HLS rounding to even by 'increment': an encoder that sends cells rounds nothing",
        ),
        (("--weights", "rom"), "HLS weights 'rom' is unknown"),
    ],
    ids=lambda value: str(value[0]),
)
def test_options_of_layers_are_refused_before_anything_is_written(
    finished: Context, command: Command, option: tuple[str, str], message: str
) -> None:
    before = sorted(finished.run.path.rglob("*"))
    code, _, error = command("generate", str(finished.run.path), "--target", "all", *option)
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert sorted(finished.run.path.rglob("*")) == before


def test_other_events_that_cannot_be_read(finished: Context, command: Command) -> None:
    code, _, error = command("evaluate", str(finished.run.path), "--data", "no_such_file.csv")
    assert code == 2
    assert "no_such_file.csv" in error
