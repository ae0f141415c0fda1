"""A verification that compared nothing, or not everything, is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from econ_ae.errors import ToolMissingError, VerificationError
from sim.icarus import TESTS, require_simulator
from sim.result import check_complete, read_junit, read_records, summarise

LOG = Path("simulator.log")


def record(**changes: Any) -> dict[str, Any]:
    base = {"test": "campaign", "kind": "real", "weights": "real", "gaps": False, "events": 5, "compared": 5}
    return base | {"mismatches": 0, "latencies": [2], "first_mismatch": None, "seconds": 0.5} | changes


def junit(tmp_path: Path, cases: str) -> Path:
    path = tmp_path / "results.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("", "ran no test"),
        ('<testcase name="reset"><skipped/></testcase>', "skipped test 'reset'"),
        ("<testcase", "is no JUnit file"),
    ],
)
def test_junit_without_a_finished_test(cases: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=message):
        read_junit(junit(tmp_path, cases), LOG)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"left no results\.xml; see simulator\.log"):
        read_junit(tmp_path / "results.xml", LOG)
    with pytest.raises(VerificationError, match=r"left no events\.jsonl"):
        read_records(tmp_path / "events.jsonl", LOG)


def test_failures_are_read(tmp_path: Path) -> None:
    cases = '<testcase name="reset"/><testcase name="campaign"><failure message="event 3"/></testcase>'
    assert read_junit(junit(tmp_path, cases), LOG) == {"reset": None, "campaign": "event 3"}


@pytest.mark.parametrize(
    ("tests", "records", "events", "message"),
    [
        ({"reset": None}, [record()], 5, "did not run test 'campaign'"),
        ({"reset": None, "campaign": None}, [record(events=0)], 0, "sent 0 events"),
        ({"reset": None, "campaign": None}, [record()], 10, "sent 5 events, expected 10"),
        ({"reset": None, "campaign": "KeyError"}, [record()], 5, "broke: KeyError"),
    ],
)
def test_incomplete_verifications(
    tests: dict[str, str | None], records: list[dict[str, Any]], events: int, message: str
) -> None:
    with pytest.raises(VerificationError, match=message):
        check_complete(tests, records, TESTS, events, LOG)


def test_summary_counts_kinds_and_mismatches(tmp_path: Path) -> None:
    records = [
        record(test="reset", events=8),
        record(kind="corner", weights="all_max", events=3),
        record(mismatches=2, first_mismatch="event 1"),
    ]
    paths = {"junit": tmp_path / "a.xml", "report": tmp_path / "b.json", "log": LOG}
    result = summarise(records, stated_latency=2, simulator="x", seconds=1.0, not_reached=("a corner",), **paths)
    assert (result.events, result.corner_events, result.real_events, result.random_events) == (8, 3, 5, 0)
    assert (result.mismatches, result.passed, result.first_mismatch, result.latency) == (2, False, "event 1", 2)
    assert result.weight_sets == ("all_max", "real")
    assert result.events_per_second == 8.0
    assert json.loads(result.to_json())["not_reached"] == ["a corner"]
    assert json.loads(result.to_json())["junit"] == "a.xml"


def test_missing_simulator_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"^Icarus Verilog .* apt install iverilog$"):
        require_simulator()
