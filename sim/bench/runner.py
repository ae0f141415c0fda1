"""Runs cocotb benches in Icarus Verilog as a process of its own, and reads back what they compared."""

from __future__ import annotations

import json
import os
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae import process
from econ_ae.errors import ToolError, VerificationError
from econ_ae.process import IVERILOG, VVP
from econ_ae.progress import Bar, Progress, Silent
from rtl_gen.writer import write_files
from sim.result import Outcome, first

TIMEOUT = 24 * 3600.0
"""Seconds after which a simulation is stopped: only one that hangs takes so long."""
QUIET_SECONDS = 15.0
"""Seconds after which a simulation says that it still runs."""
_ASSERTION = "ECON_AE_ASSERT "
"""What a line of the simulator's log holds when an assertion of the Verilog fired."""


def require_simulator() -> str:
    """Return the simulator's name and version; ToolMissingError when it is not on the PATH."""
    process.require(VVP)
    return process.version(IVERILOG, "-V").removesuffix(" ()")


@dataclass(frozen=True)
class Workspace:
    """Where everything of one simulation goes.

    Parameters
    ----------
    directory : absolute
    build : the simulator's files, and those that bench and runner exchange
    junit : the tests of the bench
    log : everything that the simulator printed
    report : the result as JSON
    records : one line per finished test or phase
    steps : how far the bench is
    """

    directory: Path
    build: Path
    junit: Path
    log: Path
    report: Path
    records: Path
    steps: Path

    @classmethod
    def prepare(cls, directory: Path, report: str = "verification.json") -> Workspace:
        """Make the directory and remove the results of an earlier run."""
        directory = directory.resolve()
        build = directory / "build"
        build.mkdir(parents=True, exist_ok=True)
        names = ("results.xml", "simulator.log", report, "build/events.jsonl", "build/steps.txt")
        files = [directory / name for name in names]
        for stale in files:
            stale.unlink(missing_ok=True)
        return cls(directory, build, *files)


@dataclass(frozen=True, kw_only=True)
class Simulated(Outcome):
    """Outcome of a simulation in Icarus.

    Parameters
    ----------
    simulator : name and version
    junit, report, log : paths of the JUnit file, of this result as JSON and of the simulator's log
    """

    simulator: str
    junit: Path
    report: Path
    log: Path


@dataclass(frozen=True)
class Simulation:
    """What a finished simulation left; every expected test ran, and one that failed is explained by a mismatch.

    Parameters
    ----------
    space : where everything is
    records : facts of every finished test or phase
    tests : names of the tests that ran
    assertions : lines of the log in which an assertion of the Verilog fired
    simulator : name and version
    seconds : wall time of build, start and simulation
    """

    space: Workspace
    records: Sequence[Mapping[str, Any]]
    tests: tuple[str, ...]
    assertions: tuple[str, ...]
    simulator: str
    seconds: float

    def problems(self) -> list[str]:
        """Return the first mismatch of every record that has one, and the assertions."""
        return [record["first_mismatch"] for record in self.records if record["mismatches"]] + list(self.assertions)

    def common(self) -> dict[str, Any]:
        """Return the fields of ``Simulated`` that do not depend on what was simulated."""
        space = self.space
        paths = {"junit": space.junit, "report": space.report, "log": space.log}
        return {"seconds": self.seconds, "simulator": self.simulator, **paths}

    def counted(self, others: Sequence[str] = ()) -> dict[str, Any]:
        """Return what a result counts by comparisons, of every test; ``others`` are problems found after the bench."""
        problems = [*self.problems(), *others]
        compared = sum(record["compared"] for record in self.records)
        found = {"events": compared, "mismatches": len(problems), "first_mismatch": first(problems)}
        return {**found, "tests": self.tests, **self.common()}

    def facts(self, *names: str) -> dict[str, Any]:
        """Return facts from the records that have them; None when a mismatch kept the bench from one."""
        return {name: next((r[name] for r in self.records if name in r), None) for name in names}


def run(
    space: Workspace,
    files: Mapping[str, str],
    top: str,
    benches: Sequence[str],
    job: Mapping[str, Any],
    *,
    tests: Collection[str],
    steps: int,
    title: str = "events",
    progress: Progress | None = None,
) -> Simulation:
    """Build Verilog, run benches on it, and return what they found.

    Parameters
    ----------
    files : Verilog by relative path
    top, benches : names of the module and of the Python modules
    job : what the benches read besides; holds ``seed``
    tests : names of the tests of the benches; every one has to run
    steps : of the progress bar: what the benches add up by ``Job.advance``
    title : of the bar, and of the line that says that Icarus builds

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, a test did not run, or one broke without a mismatch.
    """
    simulator = require_simulator()
    sources = [path for path in write_files(files, space.directory / "rtl", overwrite=True) if path.suffix == ".v"]
    content = {
        "sources": [str(path) for path in sources],
        "top": top,
        "bench": ",".join(benches),
        "build_dir": str(space.build),
        "junit": str(space.junit),
        "records": str(space.records),
        "steps": str(space.steps),
        **job,
    }
    path = space.build / "job.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    progress = progress or Silent()
    progress.say(f"{title}: Icarus builds and loads {len(sources)} files of Verilog")
    seconds = _simulate(path, space, steps, title, progress)
    ran, records = read_junit(space.junit, space.log), read_records(space.records, space.log)
    check_complete(ran, records, tests, space.log)
    lines = space.log.read_text(encoding="utf-8", errors="replace").splitlines()
    fired = tuple(line for line in lines if _ASSERTION in line)
    return Simulation(space, records, tuple(ran), fired, simulator, round(seconds, 2))


def _simulate(job: Path, space: Workspace, steps: int, title: str, progress: Progress) -> float:
    """Run the simulation with everything that it prints in the log; return the wall time."""
    # Inherited variables of a test session, or of a numeric library, must not change what the simulator does.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COCOTB_", "GPI_", "PYGPI_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OPENBLAS_NUM_THREADS": "1"}
    with progress.bar(title, steps) as bar:
        watch = Watch(space.steps, steps, title, progress, bar)
        try:
            command = [sys.executable, "-m", f"{__package__}.simulate", str(job)]
            run = process.run(
                command, space.log, timeout=TIMEOUT, directory=job.parent, environment=environment, watch=watch
            )
        except ToolError as problem:
            raise VerificationError(f"the simulation failed: {_reason(space.log, problem)}; see {space.log}") from None
        watch()
    return run.seconds


class Watch:
    """Moves a bar on by the steps that a bench wrote down, and says a line where a tenth of them takes long.

    Parameters
    ----------
    path : of the file of steps
    clock : seconds
    """

    def __init__(
        self,
        path: Path,
        steps: int,
        title: str,
        progress: Progress,
        bar: Bar,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._steps, self._title = path, max(steps, 1), title
        self._progress, self._bar, self._clock = progress, bar, clock
        self._done, self._started = 0, clock()
        self._said = self._started

    def __call__(self) -> None:
        """Look at the file; a line that is still being written does not count yet."""
        lines = self._path.read_text(encoding="ascii").split("\n")[:-1] if self._path.is_file() else []
        before, self._done = self._done, sum(map(int, lines))
        self._bar.advance(self._done - before)
        now = self._clock()
        if self._done * 10 // self._steps > before * 10 // self._steps:
            self._said = now
        elif now - self._said > QUIET_SECONDS:
            self._said = now
            self._progress.say(f"{self._title}: {self._done} of {self._steps} after {now - self._started:.0f} s")


def _reason(log: Path, problem: ToolError) -> str:
    """Return the first line of the log that names an error, which compilers print before their callers give up."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in lines if "error" in line.lower()), str(problem))


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
    """Return the bench's records, one per finished test or phase; VerificationError when there are none."""
    if not path.is_file():
        raise VerificationError(f"the bench compared nothing: it left no {path.name}; see {log}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check_complete(
    ran: Mapping[str, str | None], records: Sequence[Mapping[str, Any]], expected: Collection[str], log: Path
) -> None:
    """Check that every test ran, and that without any mismatch each left a record and none failed.

    Raises
    ------
    VerificationError
        Otherwise.
    """
    missing = sorted(set(expected) - set(ran))
    if missing:
        raise VerificationError(f"the simulation did not run test {missing[0]!r}; see {log}")
    if any(record["mismatches"] for record in records):
        return  # a test may break because of what another one found
    for test, failure in ran.items():
        if failure or not any(record["test"] == test for record in records):
            raise VerificationError(f"test {test!r} of the bench broke: {failure or 'it left no record'}; see {log}")
