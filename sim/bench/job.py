"""What a bench reads and writes: the job that its runner left, records of finished tests, steps of progress.

Runs inside the simulator; the job's path is in the environment variable ``ECON_AE_BENCH_JOB``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLOCK_NS = 25
"""Period of the core clock: one bunch crossing."""
JOB = "ECON_AE_BENCH_JOB"
GAP_PROBABILITY = 0.4
"""How often in_valid pauses where a phase has gaps."""


@dataclass(frozen=True)
class Job:
    """The job of the running simulation; what the runner was given besides is read by name."""

    content: dict[str, Any]

    @classmethod
    def read(cls) -> Job:
        """Return the job that the runner wrote."""
        return cls(json.loads(Path(os.environ[JOB]).read_text(encoding="utf-8")))

    def __getitem__(self, name: str) -> Any:
        return self.content[name]

    def record(self, test: str, **facts: Any) -> None:
        """Append the record of a finished test or phase: one JSON line."""
        with Path(self["records"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": test, **facts}) + "\n")

    def advance(self, steps: int) -> None:
        """Say that so many steps more are done."""
        with Path(self["steps"]).open("a", encoding="ascii") as file:
            file.write(f"{steps}\n")


@dataclass
class Findings:
    """What a test compared and what was wrong."""

    compared: int = 0
    problems: list[str] = field(default_factory=list)

    def equal(self, got: object, want: object, what: str) -> None:
        """Compare two values."""
        self.compared += 1
        if got != want:
            self.problems.append(f"{what}: got {got!r}, expected {want!r}")
