"""What a verification found: parsed from the bench's lines and the JUnit file, and never taken on trust."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.errors import VerificationError
from sim.stimulus import CORNER, RANDOM, REAL

CAMPAIGN = "campaign"
"""Name of the bench test whose events are counted."""


class Outcome:
    """What every result of a simulation has in common; results are frozen dataclasses with these fields and more."""

    mismatches: int
    junit: Path
    report: Path
    log: Path

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return self.mismatches == 0

    def to_json(self) -> str:
        """Return the result as JSON; paths are given by file name, so that the directory can be moved."""
        names = {key: getattr(self, key).name for key in ("junit", "report", "log")}
        return json.dumps(vars(self) | names | {"passed": self.passed}, indent=2) + "\n"


@dataclass(frozen=True)
class VerificationResult(Outcome):
    """Outcome of a comparison of the Verilog with the emulator; every latent of every event was compared.

    Parameters
    ----------
    events : images sent
    mismatches : events that were wrong in any way: value, unknown bit, order, number, latency, reset
    corner_events, random_events, real_events : events by kind
    latency : clocks from in_valid to out_valid, measured on every event; None when it was not the same everywhere
    stated_latency : clocks that the generator states
    weight_sets : names of the weight sets that were applied
    simulator : name and version
    seconds : wall time of build, start and simulation
    events_per_second : of the simulation alone, with everything compared
    first_mismatch : the first difference in words
    not_reached : corners of the arithmetic that no event reached (``sim.coverage``)
    junit, report, log : paths of the JUnit file, of this result as JSON and of the simulator's log
    """

    events: int
    mismatches: int
    corner_events: int
    random_events: int
    real_events: int
    latency: int | None
    stated_latency: int
    weight_sets: tuple[str, ...]
    simulator: str
    seconds: float
    events_per_second: float
    first_mismatch: str | None
    not_reached: tuple[str, ...]
    junit: Path
    report: Path
    log: Path


def read_junit(path: Path, log: Path) -> dict[str, str | None]:
    """Return the failure message, or None, of every test in a JUnit file.

    Raises
    ------
    VerificationError
        When the file is missing or malformed, holds no test, or a test was skipped.
    """
    try:
        cases = list(ET.parse(path).iter("testcase"))
    except FileNotFoundError:
        raise VerificationError(f"the simulation left no {path.name}; see {log}") from None
    except ET.ParseError as problem:
        raise VerificationError(f"{path} is no JUnit file ({problem}); see {log}") from problem
    if not cases:
        raise VerificationError(f"the simulation ran no test; see {log}")
    skipped = [case.get("name") for case in cases if case.find("skipped") is not None]
    if skipped:
        raise VerificationError(f"the simulation skipped test {skipped[0]!r}; see {log}")
    return {str(case.get("name")): _failure(case) for case in cases}


def _failure(case: ET.Element) -> str | None:
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            return found.get("message") or found.get("error_msg") or "failed"
    return None


def read_records(path: Path, log: Path) -> list[dict[str, Any]]:
    """Return the bench's records, one per finished phase; VerificationError when there are none."""
    if not path.is_file():
        raise VerificationError(f"the bench compared nothing: it left no {path.name}; see {log}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check_complete(
    tests: Mapping[str, str | None],
    records: Sequence[Mapping[str, Any]],
    expected: Collection[str],
    events: int,
    log: Path,
) -> None:
    """Check that every test ran, every event was sent, and that a failed test is explained by a mismatch.

    Raises
    ------
    VerificationError
        Otherwise.
    """
    missing = sorted(set(expected) - set(tests))
    if missing:
        raise VerificationError(f"the simulation did not run test {missing[0]!r}; see {log}")
    for test, failure in tests.items():
        if failure and not any(r["mismatches"] for r in records if r["test"] == test):
            raise VerificationError(f"test {test!r} of the bench broke: {failure}; see {log}")
    sent = sum(r["events"] for r in records if r["test"] == CAMPAIGN)
    if not sent or sent != events:
        raise VerificationError(f"the simulation sent {sent} events, expected {events}; see {log}")


def summarise(records: Sequence[Mapping[str, Any]], **facts: Any) -> VerificationResult:
    """Return the result of complete records; ``facts`` are the fields that the bench does not know."""
    counted = [r for r in records if r["test"] == CAMPAIGN]

    def events(kind: str) -> int:
        return sum(r["events"] for r in counted if r["kind"] == kind)

    total = sum(r["events"] for r in counted)
    latencies = {value for r in records for value in r["latencies"]}
    return VerificationResult(
        events=total,
        mismatches=sum(r["mismatches"] for r in records),
        corner_events=events(CORNER),
        random_events=events(RANDOM),
        real_events=events(REAL),
        latency=latencies.pop() if len(latencies) == 1 else None,
        weight_sets=tuple(dict.fromkeys(r["weights"] for r in counted)),
        events_per_second=round(total / max(sum(r["seconds"] for r in counted), 1e-9), 1),
        first_mismatch=next((r["first_mismatch"] for r in records if r["mismatches"]), None),
        **facts,
    )
