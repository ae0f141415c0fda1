"""Work on a trial that others hold, that was cut off, or that has no figure; and the library that it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from econ_ae.app.area_model.estimate import coefficients
from econ_ae.app.explore import work
from econ_ae.app.explore.run import check_library
from econ_ae.app.explore.work import Task
from econ_ae.app.run.directory import CONFIG, MANIFEST, RunDirectory, clear_unfinished
from econ_ae.app.run.lock import LOCK
from econ_ae.config import RunConfig
from econ_ae.errors import LibertyError, RunDirectoryError, TrainingError
from econ_ae.progress import Silent

LIBRARY = """library (small) {
  cell (NAND2) { area : 1.0; pin (A) { direction : input; } pin (Y) { direction : output; function : "!A"; } }
}
"""


def test_a_trial_that_another_process_holds_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_PATIENCE", 0.0)
    path = tmp_path / "trials" / "0003"
    path.mkdir(parents=True)
    with FileLock(path / LOCK):
        found = work.work(Task("train", 3, str(path), RunConfig(), str(tmp_path)))
    assert found.again
    assert "0003 is in use by another process" in found.failure
    assert "\n" not in found.failure


@pytest.mark.parametrize(
    "left", [(), (CONFIG,), (f"writing-{CONFIG}",), (CONFIG, f"writing-{MANIFEST}", ".writable-x")]
)
def test_a_run_that_was_cut_off_while_it_was_made_is_made_again(tmp_path: Path, left: tuple[str, ...]) -> None:
    path = tmp_path / "run"
    path.mkdir()
    for name in left:
        (path / name).write_text("{")
    clear_unfinished(path)
    RunDirectory.create(path, RunConfig())
    clear_unfinished(path)
    assert RunDirectory.open(path).config == RunConfig()


def test_what_is_no_run_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    clear_unfinished(tmp_path)
    with pytest.raises(RunDirectoryError):
        RunDirectory.create(tmp_path, RunConfig())
    assert (tmp_path / "thesis.tex").exists()


def test_a_mean_of_nothing_is_no_number() -> None:
    assert work.mean(np.array([1.0, 3.0])) == (2.0, pytest.approx(1 / np.sqrt(2)))
    with pytest.raises(TrainingError, match="no event has an EMD"):
        work.mean(np.empty(0))


class Said(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)


def test_another_library_than_that_of_the_estimate_is_said(tmp_path: Path, reference: Path) -> None:
    said, own = Said(), reference / "liberty" / "nangate45_typ.lib.gz"
    check_library(own, said)
    assert said.lines == []
    (tmp_path / "small.lib").write_text(LIBRARY)
    check_library(tmp_path / "small.lib", said)
    assert len(said.lines) == 1
    assert f"estimated in {coefficients().provenance.library}" in said.lines[0]
    (tmp_path / "none.lib").write_text("nothing")
    with pytest.raises(LibertyError):
        check_library(tmp_path / "none.lib", said)
