"""One writer at a time in a run directory."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from econ_ae.errors import RunDirectoryError
from econ_ae.progress import Progress

LOCK, HOLDER = ".lock", ".lock.json"
"""What is locked, and who holds it; both stay out of manifests."""

_held: set[Path] = set()


@contextmanager
def lock(directory: Path, progress: Progress) -> Iterator[None]:
    """Hold a directory, which exists, for writing; a process that holds it already holds it on.

    The operating system lets go of the lock of a process that ended; that its holder is still written then is said.

    Raises
    ------
    RunDirectoryError
        When another process holds it.
    OSError
        When nothing can be written into the directory; found here, before any long work.
    """
    place = directory.resolve()
    if place in _held:
        yield
        return
    guard, holder = FileLock(place / LOCK, preserve_lock_file=True), place / HOLDER
    try:
        guard.acquire(timeout=0)
    except Timeout:
        raise RunDirectoryError(
            f"{directory} is in use by {_said(holder)}; wait for its end, or choose another directory"
        ) from None
    try:
        if holder.is_file():
            progress.say(f"{directory}: taking over the lock of {_said(holder)}, which ended without letting go")
        me = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        holder.write_text(json.dumps(me) + "\n", encoding="utf-8")
        _held.add(place)
        try:
            yield
        finally:
            _held.discard(place)
            holder.unlink(missing_ok=True)
    finally:
        guard.release()


def _said(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {found['pid']} on {found['host']} (since {found['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
