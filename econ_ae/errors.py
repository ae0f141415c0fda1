"""Errors for the person who made the mistake: what was given, what was expected, how to fix it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EconAeError(Exception):
    """Base of all errors that the command line shows as one line with exit code 2."""

    exit_code = 2


class DataError(EconAeError):
    """An input file or array cannot be read as trigger-cell charges."""


class ConfigError(EconAeError):
    """A run configuration is wrong."""


class ModelError(EconAeError):
    """An encoder model is structurally wrong or cannot be expressed in integers."""


class RegisterError(EconAeError):
    """A register file names an unknown register or holds a value that does not fit."""


class RunDirectoryError(EconAeError):
    """A run directory exists, is incomplete, or does not belong to this run."""


class TrainingError(EconAeError):
    """A training diverged."""


class ToolMissingError(EconAeError):
    """An external program (simulator, compiler) is not on the PATH."""


class PackageMissingError(ToolMissingError):
    """A Python package that comes with an extra is not installed."""


class ToolError(EconAeError):
    """An external program failed, was killed or took too long; its log is kept and named."""


class LibertyError(EconAeError):
    """A Liberty file cannot be read, or lacks cells without which nothing can be mapped."""


class VerificationError(EconAeError):
    """A verification compared nothing, or found a difference."""

    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``'; did you mean X?'`` for the nearest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def one_line(problem: BaseException) -> str:
    """Return what an error says, in one line; its kind where it says nothing."""
    return " ".join(str(problem).split()) or type(problem).__name__
