"""Runs a cocotb bench in Icarus Verilog as a process of its own, and reads back what it compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.errors import ToolMissingError, VerificationError
from econ_ae.progress import Progress, Silent
from rtl_gen.writer import write_files
from sim.result import CAMPAIGN, VerificationResult, check_complete, read_junit, read_records, summarise

TESTS = ("reset", CAMPAIGN)
_POLL_SECONDS = 0.1
_ASSERTION = "ECON_AE_ASSERT "


def require_simulator() -> str:
    """Return the simulator's name and version; ToolMissingError when it is not on the PATH."""
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        raise ToolMissingError("Icarus Verilog (iverilog, vvp) is not on the PATH; install it: apt install iverilog")
    text = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout
    return text.partition("\n")[0].removesuffix(" ()").strip()


@dataclass(frozen=True)
class Workspace:
    """Where everything of one verification goes: ``rtl/``, ``build/``, ``simulator.log``, ``results.xml``, the result.

    Parameters
    ----------
    directory : absolute
    """

    directory: Path

    @classmethod
    def prepare(cls, directory: Path) -> Workspace:
        """Make the directory and remove the results of an earlier run."""
        found = cls(directory.resolve())
        found.build.mkdir(parents=True, exist_ok=True)
        for stale in (found.junit, found.log, found.records, found.report):
            stale.unlink(missing_ok=True)
        return found

    @property
    def build(self) -> Path:
        """The simulator's files, and those that bench and runner exchange."""
        return self.directory / "build"

    @property
    def junit(self) -> Path:
        """The tests of the bench."""
        return self.directory / "results.xml"

    @property
    def log(self) -> Path:
        """Everything that the simulator printed."""
        return self.directory / "simulator.log"

    @property
    def report(self) -> Path:
        """The result."""
        return self.directory / "verification.json"

    @property
    def records(self) -> Path:
        """One line per finished phase."""
        return self.build / "events.jsonl"


def verify(
    space: Workspace,
    files: Mapping[str, str],
    top: str,
    bench: str,
    job: Mapping[str, Any],
    *,
    events: int,
    not_reached: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> VerificationResult:
    """Build the Verilog, run the bench, and return what it found.

    Parameters
    ----------
    files : Verilog by relative path
    top, bench : names of the module and of the Python module
    job : what the bench reads besides; holds ``latency`` and ``seed``
    events : events of the campaign; fewer is an error
    not_reached : corners that the campaign does not reach, for the result

    Raises
    ------
    ToolMissingError
        When Icarus Verilog is missing.
    VerificationError
        When the Verilog does not compile, or the simulation did not compare everything that it had to.
    """
    simulator = require_simulator()
    sources = [path for path in write_files(files, space.directory / "rtl", overwrite=True) if path.suffix == ".v"]
    content = {
        "sources": [str(path) for path in sources],
        "top": top,
        "bench": bench,
        "build_dir": str(space.build),
        "junit": str(space.junit),
        "records": str(space.records),
        **job,
    }
    path = space.build / "job.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    started = time.perf_counter()
    simulate(path, space.log, space.records, events, progress or Silent())
    seconds = round(time.perf_counter() - started, 2)
    tests = read_junit(space.junit, space.log)
    records = read_records(space.records, space.log)
    check_complete(tests, records, TESTS, events, space.log)
    broken = [line for line in space.log.read_text(encoding="utf-8").splitlines() if line.startswith(_ASSERTION)]
    if broken and not any(record["mismatches"] for record in records):
        raise VerificationError(
            f"all values are right, but {len(broken)} assertions failed: {broken[0]}; see {space.log}"
        )
    result = summarise(
        records,
        stated_latency=job["latency"],
        simulator=simulator,
        seconds=seconds,
        not_reached=not_reached,
        junit=space.junit,
        report=space.report,
        log=space.log,
    )
    space.report.write_text(result.to_json(), encoding="utf-8")
    return result


def simulate(job: Path, log: Path, records: Path, events: int, progress: Progress) -> None:
    """Run the simulation as a process group of its own, with everything that it prints in the log."""
    # Inherited variables of a test session, or of a numeric library, must not change what the simulator does.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COCOTB_", "GPI_", "PYGPI_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OPENBLAS_NUM_THREADS": "1"}
    with log.open("w", encoding="utf-8") as out, progress.bar("verify", events) as bar:
        process = subprocess.Popen(
            [sys.executable, "-m", "sim.simulate", str(job)],
            cwd=job.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            done = 0
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                now = _events_done(records)
                bar.advance(now - done)
                done = now
            bar.advance(_events_done(records) - done)
        finally:
            if process.poll() is None:  # interrupted: the simulator must not outlive its caller
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode:
        raise VerificationError(f"the simulation failed: {_last_line(log)}; see {log}")


def _events_done(records: Path) -> int:
    """Count the events of the finished phases; a line that is still being written does not count yet."""
    if not records.is_file():
        return 0
    lines = records.read_text(encoding="utf-8").split("\n")[:-1]
    return sum(record["events"] for record in map(json.loads, lines) if record["test"] == CAMPAIGN)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[0 if errors else -1]
