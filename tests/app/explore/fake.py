"""Work of a worker that takes no time: figures by a formula, and accidents by files that ask for them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from econ_ae.app.explore.records import Checked, Rung, Silicon
from econ_ae.app.explore.work import Outcome, Task
from econ_ae.config.explore import ExploreConfig, load

SEARCH = """
name = "small"
base = "quick"
constraints = ["registers <= 9000 bits"]
[settings.data]
events = 600
[settings.training]
epochs = 4
batch = 64
[space]
"encoder.conv.0.filters" = { low = 1, high = 12 }
"encoder.dense.0.units" = { low = 2, high = 24 }
"encoder.dense.0.weight" = ["s0.2", "s0.3", "s0.5"]
"hardware.elinks" = [2, 3, 4]
"training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }
[budget]
trials = 24
generation = 5
rungs = [1, 2, 4]
keep = 0.5
"""


def write(folder: Path, text: str = SEARCH, name: str = "search.toml") -> Path:
    """Write a search into a folder."""
    path = folder / name
    path.write_text(text)
    return path


def search(folder: Path, text: str = SEARCH) -> ExploreConfig:
    """Return a search."""
    return load(write(folder, text))


def accident(task: Task, name: str) -> bool:
    """Tell whether an accident is asked for; each happens once, but for those that always do."""
    file = Path(task.path).parents[1] / f"{name}-{task.number}"
    always = file.with_name(f"{file.name}-always").exists()
    if file.exists():
        file.unlink()
        return True
    return always


def done(task: Task) -> None:
    """Note that work began, once per line."""
    with (Path(task.path).parents[1] / "worked.txt").open("a") as stream:
        stream.write(f"{task.kind} {task.number} {task.rung}\n")


def work(task: Task) -> Outcome:
    """Return figures that depend on the settings alone."""
    done(task)
    if (Path(task.path).parents[1] / "blind").exists():
        raise FileNotFoundError(f"{task.data} is not there")
    if accident(task, "kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if accident(task, "memory"):
        return Outcome(task.number, failure="out of memory", again=True)
    if accident(task, "disk"):
        raise OSError(28, "No space left on device")
    if accident(task, "nan"):
        return Outcome(task.number, failure="training diverged in epoch 1: the training loss is nan")
    if accident(task, "raise"):
        raise RuntimeError("nobody expected this")
    if (pause := Path(task.path).parents[1] / "slow").exists():
        time.sleep(float(pause.read_text()))
    config = task.config
    if task.kind == "synthesise":
        return Outcome(task.number, silicon=Silicon(100.0 + 10 * config.encoder.conv[0].filters, None, 0.0))
    if task.kind == "check":
        return Outcome(task.number, checked=Checked(7 if task.verify else None, 1.0, 0.1))
    filters, units = config.encoder.conv[0].filters, config.encoder.dense[0].units
    emd = 4 / (1 + filters) + 3 / units + 1 / task.until + abs(config.training.learning_rate - 3e-3)
    return Outcome(task.number, rung=Rung(task.rung, task.until, emd, 0.01, 0.0))
