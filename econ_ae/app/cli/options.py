"""Options and arguments that several commands have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from econ_ae.errors import ConfigError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT."""


class Interrupted(Exception):  # noqa: N818  # no error
    """Ctrl-C where it is known how to go on; its text is the command for that."""


@contextmanager
def continued_by(command: str, path: Path) -> Iterator[None]:
    """Answer Ctrl-C with the command that goes on, when the directory of the work is there already."""
    try:
        yield
    except KeyboardInterrupt:
        if not path.exists():
            raise
        raise Interrupted(command) from None


Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output instead of a table.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory made by `econ-ae run`.")]
FamilyPath = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="Run directory made by `econ-ae run`; of a family or a campaign: all its runs."),
]


def numbers(text: str, option: str) -> list[int]:
    """Return the numbers of a list with commas, in its order; ConfigError when it is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.removeprefix("-").isdecimal() for part in parts):
        raise ConfigError(f"{option} {text!r} is no list of numbers; expected for example 3,17")
    return [int(part) for part in parts]


def decimals(text: str, option: str) -> list[float]:
    """Return the numbers of a list with commas, in its order; none of an empty text. ConfigError when it is no list."""
    try:
        found = [float(part) for part in text.split(",")] if text.strip() else []
    except ValueError:
        found = [math.nan]
    if not all(math.isfinite(value) for value in found):
        raise ConfigError(f"{option} {text!r} is no list of numbers; expected for example 0.05,0.1")
    return found


def span(text: str, option: str) -> tuple[float, float]:
    """Return both ends of a range ``first:last``, or of one number twice; ConfigError when it is none."""
    try:
        first, _, last = text.partition(":")
        return float(first), float(last or first)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is no range; expected for example 5:100") from None


def check_file(path: Path, *, overwrite: bool) -> None:
    """Find out before any work whether a file can be written.

    Raises
    ------
    ConfigError
        When it is a directory, or is there and may not be replaced.
    RunDirectoryError
        When its directory cannot be written.
    """
    from econ_ae.files import check_writable

    if path.is_dir():
        raise ConfigError(f"--out {path} is a directory; expected the name of a file")
    if path.exists() and not overwrite:
        raise ConfigError(f"{path} exists; give --overwrite to replace it, or another --out")
    check_writable(path.parent)
