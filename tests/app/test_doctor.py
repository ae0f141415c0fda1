"""`econ-ae doctor`: what is hidden is missing, what fails is broken, and the exit code says both."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae import extras
from econ_ae.app import doctor
from econ_ae.errors import ConfigError
from metrics import emd_compiled

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports are taken to work: those of TensorFlow take seconds."""
    monkeypatch.setattr(doctor, "_import_problems", lambda _modules: {})


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH of one directory, which has only what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def states(found: list[doctor.Finding]) -> dict[str, str]:
    return {one.name: one.state for one in found}


@pytest.mark.usefixtures("quick", "programs")
def test_hidden_programs_are_missing_and_cost_something() -> None:
    found = [one for one in doctor.examine() if one.kind == "program"]
    assert {one.state for one in found} == {"missing"}
    assert next(one.remedy for one in found if one.name == "iverilog") == "apt-get install iverilog"
    assert all(one.use for one in found)


@pytest.mark.usefixtures("quick")
def test_programs_that_work_and_that_fail(programs: Path) -> None:
    said = programs / "iverilog"
    said.write_text("#!/bin/sh\necho Icarus Verilog version 99\n")
    (programs / "yosys").write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    for path in programs.iterdir():
        path.chmod(0o755)
    found = {one.name: one for one in doctor.examine()}
    assert (found["iverilog"].state, found["iverilog"].version) == ("works", "Icarus Verilog version 99")
    assert found["yosys"].state == "broken"
    assert "no such library" in found["yosys"].remedy
    assert not doctor.is_well(found.values())


@pytest.mark.usefixtures("quick")
def test_hidden_packages_name_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uproot", None)
    found = {one.name: one for one in doctor.examine()}
    assert found["root"].state == "missing"
    assert found["root"].remedy == "pip install 'econ-ae[root]' (lacks uproot)"
    assert found["train"].state == "works"


def test_what_is_needed_decides() -> None:
    one = doctor.Finding("yosys", "program", "missing", "", "gates")
    other = doctor.Finding("core", "part", "works", "1", "all")
    assert doctor.is_well([one, other])
    assert doctor.is_well([one, other], ["core"])
    assert not doctor.is_well([one, other], ["yosys"])
    with pytest.raises(ConfigError, match=r"--need yosis is unknown; .*did you mean 'yosys'"):
        doctor.is_well([one, other], ["yosis"])


def test_imports_that_fail_or_die_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fails_here.py").write_text("raise OSError('libx.so: cannot open\\nshared object')\n")
    (tmp_path / "dies_here.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    (tmp_path / "fine_here.py").write_text("print('hello')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    found = doctor._import_problems(["json", "fails_here", "dies_here", "fine_here", "nowhere_here"])
    assert sorted(found) == ["dies_here", "fails_here", "nowhere_here"]
    assert found["fails_here"] == "OSError: libx.so: cannot open shared object"
    assert "SIGKILL" in found["dies_here"]


def test_the_emd_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._emd().state == "works"
    monkeypatch.setattr(emd_compiled, "library", lambda: None)
    slow = doctor._emd()
    assert (slow.state, slow.version) == ("works", "POT network simplex")
    assert "twenty times slower" in slow.remedy
    for name in [name for name in sys.modules if name.partition(".")[0] == "ot" or name == "metrics.emd_pot"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ot", None)
    monkeypatch.delattr(sys.modules["metrics"], "emd_pot")
    none = doctor._emd()
    assert none.state == "missing"
    assert "econ-ae[pot]" in none.remedy


@pytest.mark.usefixtures("quick")
def test_the_command(command: Run, programs: Path) -> None:
    code, out, _ = command("doctor", "--json")
    told = json.loads(out)
    assert (code, told["well"]) == (0, True)
    assert {one["name"] for one in told["findings"]} >= {*extras.EXTRAS, "python", "core", "emd", "iverilog"}
    code, out, _ = command("doctor", "--need", "core,iverilog")
    assert code == 1
    assert "iverilog" in out
    assert "missing" in out
    code, _, err = command("doctor", "--need", "nothing")
    assert code == 2
    assert "--need nothing is unknown" in err
    shutil.rmtree(programs)
