"""When, by which command and from which commit."""

from __future__ import annotations

import sys

import pytest

from econ_ae.app.run import made
from econ_ae.app.run.manifest import Manifest


def test_the_command_line_is_told_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/econ-ae", "run", "--data", "my file.csv"])
    assert made.command() == "econ-ae run --data 'my file.csv'"
    monkeypatch.setattr(sys, "argv", ["/x/econ_ae/__main__.py", "report", "r"])
    assert made.command() == "econ-ae report r"
    monkeypatch.setattr(sys, "argv", ["/x/pytest", "tests"])
    assert made.command() == "called from Python"


def test_the_date_can_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert made.made()["made"] == "1970-01-02 00:00 UTC"


def test_a_manifest_of_an_earlier_version_says_nothing_of_it() -> None:
    assert Manifest(1, "ab").facts().keys().isdisjoint({"command", "commit"})
    assert Manifest.new(1, "ab", "cd").facts()["command"] == made.command()
