"""The data of one run as the data of another one, read once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from econ_ae.app.run.context import FACTS, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.data.store import DATASET


def share(source: Context, target: Context) -> None:
    """Give a run the rows of another one with the same settings of data, and record the stage; nothing if it has some.

    Raises
    ------
    OSError
        When they cannot be written.
    """
    if target.run.has("data"):
        return
    watch = Stopwatch()
    files = [_linked(source.path(name), target.path(name)) for name in (DATASET, FACTS)]
    target.run.record("data", target.run.inputs_of([]), files, watch.seconds())


def _linked(source: Path, target: Path) -> Path:
    """Make a file of another run a file of this one, without a copy where the disk can."""
    if source.resolve() == target.resolve():
        return target
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target
