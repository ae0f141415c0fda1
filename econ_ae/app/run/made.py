"""When, by which command and from which commit something was made."""

from __future__ import annotations

import functools
import os
import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import econ_ae
from econ_ae import process
from econ_ae.errors import EconAeError

_PROGRAM = "econ-ae"
_SECONDS = 10.0


def made() -> dict[str, str]:
    """Return date, command and version with commit, as a page shows them.

    The date is that of ``SOURCE_DATE_EPOCH`` where the environment has it, so that a page can be made again
    byte by byte.
    """
    known = commit()
    return {
        "made": now().strftime("%Y-%m-%d %H:%M UTC"),
        "command": command(),
        _PROGRAM: econ_ae.__version__ + (f", commit {known}" if known else ""),
    }


def now() -> datetime:
    """Return the date that something is made at."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)


def command() -> str:
    """Return the command line of this process, or that Python called the package."""
    program = Path(sys.argv[0]) if sys.argv else Path()
    if program.name == _PROGRAM or (program.name == "__main__.py" and program.parent.name == "econ_ae"):
        return shlex.join([_PROGRAM, *sys.argv[1:]])
    return "called from Python"


@functools.cache
def commit() -> str:
    """Return the commit of the checkout that this package is run from, ``-dirty`` where files were changed.

    Empty for an installed package, and where there is no git.
    """
    root = Path(econ_ae.__file__).parent.parent
    if not (root / ".git").exists() or not process.has("git"):
        return ""
    with tempfile.TemporaryDirectory(prefix="econ-ae-") as folder:
        log = Path(folder) / "commit.log"
        told = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        unlocked = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}  # somebody may be at work there
        try:
            process.run(told, log, timeout=_SECONDS, environment=unlocked)
        except EconAeError:
            return ""
        return log.read_text(encoding="utf-8", errors="replace").strip()
