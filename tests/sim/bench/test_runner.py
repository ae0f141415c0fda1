"""A verification that compared nothing, or not everything, is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from econ_ae.errors import ToolMissingError, VerificationError
from sim.bench.runner import Simulation, Watch, Workspace, check_complete, read_junit, read_records, require_simulator
from sim.bench.verify import TESTS, summarise

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
    ("tests", "records", "message"),
    [
        ({"reset": None}, [record(test="reset")], "did not run test 'campaign'"),
        ({"reset": None, "campaign": None}, [record(test="reset")], "test 'campaign' of the bench broke: it left no"),
        ({"reset": None, "campaign": "KeyError"}, [record(test="reset"), record()], "broke: KeyError"),
    ],
)
def test_incomplete_simulations(tests: dict[str, str | None], records: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        check_complete(tests, records, TESTS, LOG)


def test_a_test_that_found_a_mismatch_may_fail() -> None:
    check_complete({"reset": None, "campaign": "event 1"}, [record(test="reset"), record(mismatches=1)], TESTS, LOG)


def simulation(folder: Path, records: list[dict[str, Any]], assertions: tuple[str, ...] = ()) -> Simulation:
    return Simulation(Workspace.prepare(folder), records, TESTS, assertions, "x", 1.0)


@pytest.mark.parametrize(("events", "sent"), [(0, 0), (5, 10)])
def test_events_that_were_not_sent(events: int, sent: int, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=f"sent {events} events, expected {sent}; see"):
        summarise(simulation(tmp_path, [record(events=events)]), sent, 2)


def test_summary_counts_kinds_and_mismatches(tmp_path: Path) -> None:
    records = [
        record(test="reset", events=8),
        record(kind="corner", weights="all_max", events=3),
        record(mismatches=2, first_mismatch="event 1"),
    ]
    result = summarise(simulation(tmp_path, records), 8, 2, ("a corner",))
    assert (result.events, result.corner_events, result.real_events, result.random_events) == (8, 3, 5, 0)
    assert (result.mismatches, result.passed, result.first_mismatch, result.latency) == (2, False, "event 1", 2)
    assert result.weight_sets == ("all_max", "real")
    assert result.events_per_second == 8.0
    written = json.loads(result.to_json())
    assert (written["not_reached"], written["junit"], written["passed"]) == (["a corner"], "results.xml", False)


def test_an_assertion_alone_is_a_mismatch(tmp_path: Path) -> None:
    found = simulation(tmp_path, [record(test="reset"), record()], ("ECON_AE_ASSERT it is so",))
    result = summarise(found, 5, 2)
    assert (result.passed, result.mismatches, result.first_mismatch) == (False, 1, "ECON_AE_ASSERT it is so")


def test_results_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    space = Workspace.prepare(tmp_path)
    stale = (space.junit, space.log, space.records, space.steps, space.report)
    for path in stale:
        path.touch()
    Workspace.prepare(tmp_path)
    assert not any(path.exists() for path in stale)


class Screen:
    """Progress that remembers what it showed."""

    def __init__(self) -> None:
        self.steps = 0
        self.lines: list[str] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps += steps

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_a_long_simulation_says_that_it_runs(tmp_path: Path) -> None:
    screen, now, path = Screen(), 0.0, tmp_path / "steps.txt"
    watch = Watch(path, 20, "registers", screen, screen, clock=lambda: now)  # type: ignore[arg-type]
    watch()
    now = 16.0
    watch()
    assert screen.lines == ["registers: 0 of 20 after 16 s"]
    path.write_text("1\n2\n9")  # the last line is not finished
    now = 32.0
    watch()
    assert (screen.steps, len(screen.lines)) == (3, 1)  # a bar without a terminal has shown the tenth
    now = 46.0
    watch()
    now = 48.0
    watch()
    assert screen.lines[1:] == ["registers: 3 of 20 after 48 s"]


def test_missing_simulator_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"^vvp is not .* apt-get install iverilog$"):
        require_simulator()
