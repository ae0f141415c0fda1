"""How the command line ends: errors of the system, Ctrl-C, closed pipes, quiet and verbose."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae import files
from econ_ae.app.cli import console, verbosity
from econ_ae.app.cli.main import of_system
from econ_ae.app.stages import data as dataset_stage
from econ_ae.errors import DataError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fails_with(monkeypatch: pytest.MonkeyPatch, command: Run) -> Callable[[BaseException, str], tuple[int, str, str]]:
    """A command whose work raises something."""

    def run(problem: BaseException, *options: str) -> tuple[int, str, str]:
        def fail(*_: Any, **__: Any) -> None:
            raise problem

        monkeypatch.setattr(dataset_stage, "prepare", fail)
        return command("data", *options, "my file.csv")

    return run


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "out/report.json"),
            "out/report.json: No space left on device; free",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "No space left on device; free some space, or write to another",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "run/x"),
            "run/x: Permission denied; expected a file or dir",
        ),
        (OSError(errno.EROFS, "Read-only file system", "a", None, "b"), "a: b: Read-only file system; expected"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "x.csv"), "x.csv: Is a directory"),
        (OSError("truncated file\n(in HDF5)"), "truncated file (in HDF5)"),
        (MemoryError(), "not enough memory"),
        (DataError("two\nlines"), "two lines"),
    ],
)
def test_what_a_user_can_cause_is_one_line(problem: BaseException, line: str, fails_with: Any) -> None:
    code, out, err = fails_with(problem)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"econ-ae: {line}")


def test_a_mistake_of_the_program_keeps_its_traceback(fails_with: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError("bug"))


def test_ctrl_c_says_how_to_go_on(fails_with: Any) -> None:
    code, out, err = fails_with(KeyboardInterrupt())
    assert (code, out) == (130, "")
    assert err == "\ninterrupted; continue with: econ-ae data 'my file.csv'\n"


def test_verbose_shows_where_an_error_came_from(fails_with: Any) -> None:
    assert "Traceback" in fails_with(DataError("wrong"), "-v")[2]
    assert "Traceback" not in fails_with(DataError("wrong"))[2]
    assert fails_with(DataError("wrong"), "-q")[2] == "econ-ae: wrong\n"


def test_quiet_and_verbose_before_and_after_the_command(
    command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def prepare(_: Any, __: Any, progress: Any) -> Any:
        progress.say("at work in [brackets]")
        files.write_text(tmp_path / "file", "x")

        class Facts:
            def describe(self) -> dict[str, Any]:
                return {"events": 3, "median": math.nan, "shape": (np.int64(2), np.float64(0.5)), "file": Path("a")}

        return Facts()

    monkeypatch.setattr(dataset_stage, "prepare", prepare)
    normal = command("data", "describe", "f")
    assert normal[2] == "* at work in [brackets]\n"
    for quiet in (("-q", "data", "f"), ("data", "f", "--quiet"), ("data", "describe", "-q", "f")):
        assert command(*quiet) == (0, normal[1], "")
    for verbose in (("-v", "data", "f"), ("data", "f", "--verbose"), ("data", "-v", "f")):
        code, out, err = command(*verbose)
        assert (code, out) == (0, normal[1])
        assert "at work in [brackets]" in err
        assert f"wrote {tmp_path / 'file'}" in err
    code, out, err = command("data", "f", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"events": 3, "median": None, "shape": [2, 0.5], "file": "a"}


def test_tables_print_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("[data]", [{"[a]": "[red]x", "n": 1.5}])
    out = capsys.readouterr().out
    assert "[data]" in out
    assert "[red]x" in out
    assert "[a]" in out
    assert "1.500" in out


def test_names_in_a_table_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {f"{n} eLinks": "0.123456789(10)" for n in (2, 3, 4, 5, 11)}
    console.print_table("many columns", [{"algorithm": "autoencoder, pulses"} | counts])
    assert "autoencoder, pulses" in capsys.readouterr().out


def test_bars_without_a_terminal_print_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    verbosity.set_verbosity(verbosity.Verbosity.NORMAL)
    with console.Terminal().bar("[x] training", 1) as bar:
        bar.advance(1, "[loss]")
    assert capsys.readouterr().err == "  [x] training 1/1  [loss]\n"


@pytest.mark.parametrize("arguments", [("--help",), ("data", "in.csv", "-q"), ("data", "in.csv", "--json")])
def test_a_closed_pipe_is_quiet(arguments: tuple[str, ...], tmp_path: Path) -> None:
    rows = [",".join("1" if cell != row else "7" for cell in range(48)) for row in range(48)]
    (tmp_path / "in.csv").write_text("\n".join([",".join(f"CALQ_{i}" for i in range(48)), *rows]) + "\n")
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "econ_ae", *arguments]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_names_of_files_are_said_once() -> None:
    assert of_system(OSError(errno.ENOENT, "No such file or directory", "a", None, "a")) == (
        "a: No such file or directory"
    )
