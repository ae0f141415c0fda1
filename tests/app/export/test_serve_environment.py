"""The scripts that make environments of their own: they replace nothing they did not make, and nothing half-way."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.app.export.serving import SCRIPT

SCRIPTS = (SCRIPT, SCRIPT.with_name("hgq2-environment"))

PYTHON = """#!/bin/sh
# python -m venv --prompt NAME DIRECTORY, with a pip that installs nothing
mkdir -p "$5/bin"
echo "made as $4" > "$5/pyvenv.cfg"
printf '#!%s/bin/python\\n' "$5" > "$5/bin/program"
printf '#!/bin/sh\\nexit %s\\n' "${PIP_ENDS:-0}" > "$5/bin/pip"
chmod +x "$5/bin/pip"
"""


@pytest.fixture(params=SCRIPTS, ids=lambda path: path.name)
def program(request: pytest.FixtureRequest) -> Path:
    return request.param


def script(program: Path, directory: Path, tmp_path: Path, pip_ends: int = 0) -> tuple[int, str]:
    python = tmp_path / "fake-python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    given = os.environ | {"PYTHON": str(python), "PIP_ENDS": str(pip_ends)}
    ended = subprocess.run([str(program), str(directory)], capture_output=True, text=True, check=False, env=given)
    return ended.returncode, ended.stderr


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "somewhere").mkdir()
    return tmp_path / "somewhere" / "serve"


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("marked", [False, True])
def test_what_is_somebody_elses_stays(program: Path, place: Path, tmp_path: Path, marked: bool) -> None:
    place.mkdir()
    (place / "thesis.tex").write_text("mine")
    if marked:  # another environment, of another script
        (place / "pyvenv.cfg").touch()
        (place / ".installed").touch()
    before = content(place)
    code, error = script(program, place, tmp_path)
    assert (code, error.count("\n")) == (2, 1)
    assert f"{program.name}: {place} holds something else than an environment of this script; remove it" in error
    assert content(place) == before


def test_a_file_is_no_directory(program: Path, place: Path, tmp_path: Path) -> None:
    place.write_text("mine")
    code, error = script(program, place, tmp_path)
    assert (code, error) == (2, f"{program.name}: {place} is a file; expected a directory, choose another one\n")
    code, error = script(program, place / "below", tmp_path)
    assert (code, error.count("\n")) == (2, 1), error


@pytest.mark.parametrize("empty", [False, True])
def test_an_environment_is_made_beside_and_moved(program: Path, place: Path, tmp_path: Path, empty: bool) -> None:
    if empty:
        place.mkdir()
    assert script(program, place, tmp_path) == (0, "")
    assert (place / "bin" / "program").read_text() == f"#!{place}/bin/python\n"
    assert (place / "pyvenv.cfg").read_text() == "made as serve\n"
    assert {path.name for path in place.parent.iterdir()} == {"serve", "serve.lock"}
    before = (place / "pyvenv.cfg").stat().st_mtime_ns
    assert script(program, place, tmp_path) == (0, "")
    assert (place / "pyvenv.cfg").stat().st_mtime_ns == before


def test_an_older_one_is_replaced_when_the_new_one_is_whole(program: Path, place: Path, tmp_path: Path) -> None:
    assert script(program, place, tmp_path) == (0, "")
    mark = place / ".installed"
    mark.write_text(mark.read_text() + "another==1\n")
    (place / "old").touch()
    before = content(place)
    code, error = script(program, place, tmp_path, pip_ends=1)
    assert (code, "cannot be installed" in error) == (2, True)
    assert content(place) == before
    assert {path.name for path in place.parent.iterdir()} == {"serve", "serve.lock"}
    assert script(program, place, tmp_path) == (0, "")
    assert content(place).keys() == before.keys() - {"old"}
    assert "another" not in mark.read_text()
