"""The one way to run a program: a process group of its own, a time limit, a log that stays, its peak memory."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from econ_ae.errors import ToolError, ToolMissingError

YOSYS, ABC, OPENSTA = "yosys", "yosys-abc", "sta"
IVERILOG, VVP, VERILATOR, GXX = "iverilog", "vvp", "verilator", "g++"
PACKAGES = {
    YOSYS: "yosys",
    ABC: "yosys",
    OPENSTA: "opensta",
    IVERILOG: "iverilog",
    VVP: "iverilog",
    VERILATOR: "verilator",
    GXX: "g++",
}
"""The programs by the name on the PATH, and the Debian packages that they come from."""

_LOG = logging.getLogger(__name__)
_ERROR = re.compile(r"^(?:.*:\d+: )?(?:%?ERROR|%?Error)\b[-A-Z]*[: ].*$", re.MULTILINE)
_SECONDS_TO_SAY_A_VERSION = 30.0
_WATCH_SECONDS = 0.1


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
        package = PACKAGES.get(Path(tool).name)
        hint = f"; install it with: apt-get install {package}" if package else ""
        raise ToolMissingError(f"{tool} is not on the PATH{hint}")


def version(tool: str, option: str = "--version") -> str:
    """Return the first line that a program says of its version; ToolMissingError when it is not on the PATH."""
    with tempfile.TemporaryDirectory(prefix="econ-ae-") as folder:
        log = Path(folder) / "version.log"
        run([tool, option], log, timeout=_SECONDS_TO_SAY_A_VERSION)
        return log.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()


def run(
    arguments: Sequence[str],
    log: Path,
    *,
    timeout: float,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    output: Path | None = None,
    watch: Callable[[], None] | None = None,
) -> ToolRun:
    """Run a program to its end and keep its log.

    Parameters
    ----------
    arguments : the program and its arguments
    log : file that standard output and error go to
    timeout : seconds after which the whole process group is killed (abc, which yosys starts, survives its parent)
    directory : that the program runs in; by default that of the log
    environment : instead of this process's
    output : file for standard output alone; the log then has standard error
    watch : called about ten times a second while the program runs, for progress

    Raises
    ------
    ToolMissingError
        When the program is not on the PATH.
    ToolError
        When it fails, is killed or takes too long.
    """
    tool = arguments[0]
    require(tool)
    _LOG.debug("runs %s, log: %s", shlex.join(arguments), log)
    started = time.perf_counter()
    folder = (directory or log.parent).resolve()
    late = False
    with tempfile.TemporaryDirectory(prefix="tool-", dir=folder) as scratch, log.open("wb") as stream:
        standard = stream if output is None else output.open("wb")
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=standard,
            stderr=subprocess.STDOUT if output is None else stream,
            start_new_session=True,
            cwd=folder,
            # abc's files go when a killed yosys leaves them
            env={**(os.environ if environment is None else environment), "TMPDIR": scratch},
        )
        try:
            pause = 0.002
            while (found := os.wait4(process.pid, os.WNOHANG))[0] == 0:
                if not late and time.perf_counter() - started > timeout:
                    late = True
                    _kill(process.pid)
                if watch is not None:
                    watch()
                time.sleep(pause)
                pause = min(2 * pause, _WATCH_SECONDS)
            _, status, usage = found
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            _kill(process.pid)
            if process.returncode is None:
                process.wait()
            if standard is not stream:
                standard.close()
    if process.returncode:
        raise ToolError(_failure(Path(tool).name, process.returncode, log, timeout if late else None))
    return ToolRun(log, time.perf_counter() - started, usage.ru_maxrss * 1024)


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
