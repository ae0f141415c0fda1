"""Runs an external program in a process group of its own: time limit, log that stays, peak memory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from econ_ae.errors import ToolError, ToolMissingError

YOSYS, OPENSTA = "yosys", "sta"
PACKAGES = {YOSYS: "yosys", OPENSTA: "opensta"}
"""The programs by the name on the PATH, and the Debian packages that they come from."""

_ERROR = re.compile(r"^(?:.*:\d+: )?(?:ERROR|Error)\b[: ].*$", re.MULTILINE)


@dataclass(frozen=True)
class ToolRun:
    """What a finished program took.

    Parameters
    ----------
    log : everything that it printed
    seconds : wall time
    peak_memory : bytes, of the largest process of the group
    """

    log: Path
    seconds: float
    peak_memory: int


def has(tool: str) -> bool:
    """Tell whether a program is on the PATH."""
    return shutil.which(tool) is not None


def require(tool: str) -> None:
    """Find a program.

    Raises
    ------
    ToolMissingError
        When it is not on the PATH.
    """
    if not has(tool):
        raise ToolMissingError(f"{tool} is not on the PATH; install it with: apt-get install {PACKAGES[tool]}")


def run(arguments: Sequence[str], log: Path, *, timeout: float) -> ToolRun:
    """Run a program to its end and keep its log.

    Parameters
    ----------
    arguments : the program and its arguments
    log : file that standard output and error go to; the program runs in its directory, which exists
    timeout : seconds after which the whole process group is killed (abc, which yosys starts, survives its parent)

    Raises
    ------
    ToolMissingError
        When the program is not on the PATH.
    ToolError
        When it fails, is killed or takes too long.
    """
    tool = arguments[0]
    require(tool)
    started = perf_counter()
    folder = log.parent.resolve()
    with tempfile.TemporaryDirectory(prefix="tool-", dir=folder) as scratch, log.open("wb") as stream:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env=os.environ | {"TMPDIR": scratch},  # abc's files go when a killed yosys leaves them
        )
        late = threading.Event()
        timer = threading.Timer(timeout, _stop, (process.pid, late))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            _kill(process.pid)
    if process.returncode:
        raise ToolError(_failure(tool, process.returncode, log, timeout if late.is_set() else None))
    return ToolRun(log, perf_counter() - started, usage.ru_maxrss * 1024)


def _stop(group: int, late: threading.Event) -> None:
    late.set()
    _kill(group)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _failure(tool: str, code: int, log: Path, timeout: float | None) -> str:
    if timeout is not None:
        return f"{tool} did not finish in {timeout:g} s and was stopped; allow more time (--timeout), log: {log}"
    if code < 0:
        return f"{tool} was killed by {signal.Signals(-code).name}; is there enough memory? log: {log}"
    return f"{tool} failed: {_reason(log, code)}; log: {log}"


def _reason(log: Path, code: int) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    found = _ERROR.findall(text)
    lines = text.strip().splitlines()
    return str(found[-1] if found else lines[-1] if lines else f"exit code {code}")
