"""What surrounds a task in a worker: the program that does it is the driver's, does one at a time, and notes it."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import econ_ae
from econ_ae.app.explore.work import Outcome, Task, Work
from econ_ae.app.run.manifest import versions
from econ_ae.files import write_text

WORKING = "working"
"""In the directory of a search: which task is at work on every trial."""
SOURCES = "sources"
_NUMBERS = ("econ-ae", "numpy", "scipy", "tensorflow", "tf-keras", "qkeras", "POT")
"""Packages whose other versions may give other numbers."""
_OURS = {".py", ".json", ".toml", ".j2", ".v"}
_one = threading.Lock()


@cache
def program() -> dict[str, str]:
    """Return what results depend on besides their settings: versions of packages, and a hash of our own sources."""
    # Not by their names: in a wheel both packages are inside econ_ae.
    from metrics import __path__ as metrics
    from rtl_gen import __path__ as rtl_gen

    found = hashlib.sha256()
    for package, folders in (("econ_ae", econ_ae.__path__), ("metrics", metrics), ("rtl_gen", rtl_gen)):
        for folder in map(Path, folders):
            for path in sorted(p for p in folder.rglob("*") if p.suffix in _OURS):
                found.update(f"{package}/{path.relative_to(folder).as_posix()}\0".encode())
                found.update(hashlib.sha256(path.read_bytes()).digest())
    every = versions()
    return {name: every[name] for name in _NUMBERS} | {SOURCES: found.hexdigest()[:12]}


def checked(wanted: Mapping[str, str], content: bytes) -> Outcome:
    """Do what ``content`` holds, pickled (work, task, key), see ``begun``.

    It is unpacked only by the program that packed it, and with nothing else beside it: TensorFlow's state is that of
    the process, whatever threads a worker was given.

    Parameters
    ----------
    wanted : ``program`` of the driver

    Raises
    ------
    ImportError
        When this worker has another version of something, or other sources.
    """
    from distributed.protocol import pickle

    own = program()
    for name, value in wanted.items():
        if own.get(name) != value:
            raise ImportError(f"{socket.gethostname()} has {name} {own.get(name, 'none')}, the search has {value}")
    with _one:
        return begun(*pickle.loads(content))


def begun(work: Work, task: Task, key: str) -> Outcome:
    """Do a task in a worker; while it works that is noted, as a worker that dies says only which tasks it had.

    Tasks that only waited there are among those, and finished ones whose outcome nobody had fetched.

    Raises
    ------
    FileNotFoundError
        When this worker does not see the directory of the search.
    """
    search = Path(task.path).parents[1]
    if not search.is_dir():  # before anything is made under that path
        raise FileNotFoundError(f"{search} is not there")
    note = _note(task)
    note.parent.mkdir(exist_ok=True)
    write_text(note, key)
    try:
        return work(task)
    finally:
        note.unlink(missing_ok=True)


def was_at_work(task: Task, key: str) -> bool:
    """Tell whether a worker that is gone was at work on a task, of those that it had."""
    note = _note(task)
    return note.is_file() and note.read_text(encoding="utf-8") == key


def _note(task: Task) -> Path:
    path = Path(task.path)
    return path.parents[1] / WORKING / path.name
