"""What a machine does not have skips tests with a reason, and fails them where nothing may be skipped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import required

pytest_plugins = ["pytester"]
TESTS = Path(__file__).parent
OWN = {TESTS / "required.py", Path(__file__)}
NO_TOOL = {TESTS / "app" / "run" / "test_writers.py": "whether a disk can be mounted is the machine's right, no tool"}
NEEDS: dict[str, Callable[[], object]] = {
    "a module that is not there": lambda: required.require_module("econ_ae_of_nobody", "pip install it"),
    "a program that is not there": lambda: required.require_program("econ-ae-of-nobody"),
    "a reason": lambda: required.absent("no disk"),
}


@pytest.mark.parametrize("name", NEEDS)
def test_absent_is_skipped_or_failed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(required.VARIABLE, raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"is not installed; pip install it|not on the PATH|no disk"):
        NEEDS[name]()
    assert required.needs("econ-ae-of-nobody").args == (True,)
    monkeypatch.setenv(required.VARIABLE, "1")
    with pytest.raises(pytest.fail.Exception, match=f"; {required.VARIABLE} is set"):
        NEEDS[name]()
    assert required.needs("econ-ae-of-nobody").args == (False,)


@pytest.mark.parametrize("variable", [None, "1"])
def test_a_whole_file_does_not_vanish(
    variable: str | None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(required.VARIABLE, raising=False)
    if variable:
        monkeypatch.setenv(required.VARIABLE, variable)
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parent))
    pytester.makepyfile(
        "from tests.required import require_module\n"
        "require_module('econ_ae_of_nobody', 'pip install it')\n"
        "def test_it() -> None: ...\n"
    )
    found = pytester.runpytest_subprocess("-rs", "-p", "no:cacheprovider")
    found.assert_outcomes(**({"errors": 1} if variable else {"skipped": 1}))
    found.stdout.fnmatch_lines(["*econ_ae_of_nobody is not installed; pip install it*"])


def test_what_is_there_is_given() -> None:
    assert required.require_module("json", "").dumps([1]) == "[1]"
    assert Path(required.require_program("sh")).is_file()
    assert required.needs("sh").args == (False,)


def test_no_test_skips_by_itself() -> None:
    own = re.compile(rf"importorskip|pytest\.skip\(|mark\.skip|{required.VARIABLE}")
    files = [path for path in TESTS.rglob("*.py") if path not in OWN | set(NO_TOOL)]
    assert len(files) > 100
    assert [str(path.relative_to(TESTS)) for path in files if own.search(path.read_text(encoding="utf-8"))] == []
