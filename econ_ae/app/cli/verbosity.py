"""How much the command line says: quiet, normal or verbose. The level is that of the logger ``econ_ae``."""

from __future__ import annotations

import logging
import sys
from enum import IntEnum

LOG = logging.getLogger("econ_ae")


class Verbosity(IntEnum):
    """What is shown besides results on standard output and errors: nothing, progress, or also every program started."""

    QUIET = logging.ERROR
    NORMAL = logging.INFO
    VERBOSE = logging.DEBUG


class _ToStderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Lines on what standard error is when they are written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        self.stream = sys.stderr
        super().emit(record)


def set_verbosity(level: Verbosity) -> None:
    """Show as much as ``level`` says from now on."""
    if not any(isinstance(handler, _ToStderr) for handler in LOG.handlers):
        handler = _ToStderr()
        handler.setFormatter(logging.Formatter("  %(relativeCreated)8.0f ms  %(message)s"))
        LOG.addHandler(handler)
        LOG.propagate = False
    LOG.setLevel(level)


def quiet() -> bool:
    """Tell whether only results and errors are wanted."""
    return LOG.level >= Verbosity.QUIET
