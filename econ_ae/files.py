"""Files that are either whole or absent."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

_LOG = logging.getLogger(__name__)


def write_text(path: Path, text: str) -> None:
    """Write a text file through a temporary neighbour, so that an interrupted write leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    _LOG.debug("wrote %s", path)


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON with ``write_text``."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
