"""Run directories are never overwritten without being told, and know what is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae.app.run.directory import RunDirectory, fresh_path
from econ_ae.config import RunConfig
from econ_ae.errors import RunDirectoryError


def test_an_existing_run_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run"
    RunDirectory.create(path, RunConfig())
    (path / "precious").write_text("x")
    with pytest.raises(RunDirectoryError, match="give --overwrite to replace it, --resume to continue it"):
        RunDirectory.create(path, RunConfig())
    assert (path / "precious").is_file()
    RunDirectory.create(path, RunConfig(seed=9), overwrite=True)
    assert not (path / "precious").exists()
    assert RunDirectory.open(path).config.seed == 9


def test_a_folder_that_is_no_run_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RunDirectoryError, match="something else than a run"):
        RunDirectory.create(tmp_path, RunConfig(), overwrite=True)
    with pytest.raises(RunDirectoryError, match="is not a run directory"):
        RunDirectory.open(tmp_path)


def test_stages_are_done_until_inputs_or_files_change(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", RunConfig())
    output = run.path / "result"
    output.write_text("1")
    run.record("data", "a", [output], 0.1)
    assert run.is_done("data", "a")
    assert not run.is_done("data", "b")
    assert not run.is_done("train", "a")
    before = run.inputs_of(["data"])
    output.write_text("2")
    assert not run.is_done("data", "a")
    run.record("data", "a", [output], 0.1)
    assert run.inputs_of(["data"]) != before


def test_resume_with_other_settings_names_the_first_difference(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", RunConfig(seed=1))
    with pytest.raises(RunDirectoryError, match="seed was 1, now 2"):
        RunDirectory.resume(tmp_path / "run", RunConfig(seed=2))
    assert RunDirectory.resume(tmp_path / "run", None).config.seed == 1


def test_fresh_paths_do_not_collide(tmp_path: Path) -> None:
    first = fresh_path(tmp_path, "econ_t-synthetic")
    first.mkdir()
    assert fresh_path(tmp_path, "econ_t-synthetic") == tmp_path / "econ_t-synthetic-2"
