"""One process writes in a run directory at a time; a dead one holds nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.run.lock import HOLDER, lock
from econ_ae.config import RunConfig
from econ_ae.errors import RunDirectoryError

Run = Callable[..., tuple[int, str, str]]

HOLD = """
import sys, time
from pathlib import Path
from econ_ae.app.run.lock import lock
from econ_ae.progress import Silent
with lock(Path(sys.argv[1]), Silent()):
    print("held", flush=True)
    time.sleep(600)
"""


class Said:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def bar(self, title: str, total: int):  # type: ignore[no-untyped-def]
        raise AssertionError(title)


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", RunConfig())


def test_a_live_run_is_neither_resumed_nor_overwritten(run: RunDirectory, command: Run) -> None:
    process = holder(run.path)
    try:
        for option in ("--resume", "--overwrite"):
            code, out, err = command("run", "--out", str(run.path), option)
            assert (code, out) == (2, "")
            assert f"{run.path} is in use by process {process.pid} on " in err
            assert "wait for its end, or choose another directory" in err
        code, _, err = command("train", str(run.path))
        assert code == 2
        assert "is in use by process" in err
        assert RunDirectory.open(run.path).config == RunConfig(), "reading is free"
    finally:
        process.kill()
        process.communicate()


def test_the_lock_of_a_dead_process_is_taken_over_and_said(run: RunDirectory) -> None:
    process = holder(run.path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    said = Said()
    with lock(run.path, said):
        assert json.loads((run.path / HOLDER).read_text())["pid"] != process.pid
    (line,) = said.lines
    assert f"taking over the lock of process {process.pid}" in line
    said = Said()
    with lock(run.path, said), lock(run.path, said):
        pass
    assert said.lines == []
    assert not (run.path / HOLDER).exists()


def test_an_error_lets_go(run: RunDirectory) -> None:
    with pytest.raises(RunDirectoryError, match="here"), lock(run.path, Said()):
        raise RunDirectoryError("here")
    started = time.monotonic()
    with lock(run.path, Said()):
        pass
    assert time.monotonic() - started < 60
