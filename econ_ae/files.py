"""Files that are either whole or absent."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from econ_ae.errors import EconAeError, RunDirectoryError

BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
"""What reading a damaged numpy archive (.npz) raises."""

_LOG = logging.getLogger(__name__)
_PROBE = 1 << 16  # bytes; a full disk may still take a name


def write_text(path: Path, text: str) -> None:
    """Write a text file through a temporary neighbour, so that an interrupted write leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _LOG.debug("wrote %s", path)


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON with ``write_text``."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_text(path: Path, error: type[EconAeError], expected: str) -> str:
    """Return a text file that a user gave; ``error``, which names it, when it cannot be read or is no text in UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path}: not a text file; expected {expected}") from problem


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; RunDirectoryError, which names it, when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise RunDirectoryError(f"{path} is missing") from problem
    except (OSError, ValueError) as problem:
        raise RunDirectoryError(f"{path} is damaged: {problem}") from problem


def check_writable(directory: Path) -> None:
    """Find out before any long work whether a file can be written into a directory that may not exist yet.

    Raises
    ------
    RunDirectoryError
        When it, or the directory that it would be made in, takes no file, or its disk is full.
    """
    place = next(parent for parent in (directory, *directory.absolute().parents) if parent.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".writable-") as probe:
            probe.write(bytes(_PROBE))
            probe.flush()
    except OSError as problem:
        raise RunDirectoryError(f"cannot write into {place}: {problem.strerror}; choose another directory") from problem


def sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
