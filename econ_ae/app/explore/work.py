"""What a worker does for a point: train up to a rung, judge it, synthesise it, verify it; all of it only once.

Every function finds out by itself what is done already, so that work which was lost on its way is given out again.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.app.costed import BLOCK
from econ_ae.app.explore.records import Checked, Rung, Silicon
from econ_ae.app.run.context import TRAINING, VERIFICATION, VERIFY, Context, open_run
from econ_ae.app.run.directory import MANIFEST, RunDirectory, Stopwatch, clear_unfinished, config_hash
from econ_ae.app.run.lock import lock
from econ_ae.config import RunConfig
from econ_ae.config.explore import SynthesisSection
from econ_ae.errors import EconAeError, RunDirectoryError, ToolError, ToolMissingError, TrainingError, one_line
from econ_ae.files import read_json, write_json
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER = "explore"
"""In the directory of a trial: what the search found out about it."""
THREADS = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""Of a worker: always one, so that the numbers do not depend on how many CPUs there are."""
_PATIENCE = 600.0
"""Seconds in which a worker that was given up lets go of a trial's directory."""


@dataclass(frozen=True)
class Task:
    """Work on a trial that is sent to a worker.

    Parameters
    ----------
    kind : ``train``, ``synthesise`` or ``check``
    path : directory of the trial, on a disk that all workers see
    config : its settings
    data : directory of a run with the same rows
    rung, until : comparison after which the training pauses, and its epochs
    last : whether that is the end of the training
    synthesis : what to synthesise
    verify : whether the Verilog is verified
    """

    kind: str
    number: int
    path: str
    config: RunConfig
    data: str
    rung: int = 0
    until: int = 0
    last: bool = False
    synthesis: SynthesisSection | None = None
    verify: bool = True


@dataclass(frozen=True)
class Outcome:
    """What came of it: one of the results, or why there is none.

    Parameters
    ----------
    again : the reason may be gone when it is tried again
    """

    number: int
    rung: Rung | None = None
    silicon: Silicon | None = None
    checked: Checked | None = None
    failure: str = ""
    again: bool = False


Work = Callable[[Task], Outcome]


def work(task: Task) -> Outcome:
    """Do a task; what goes wrong with the point itself is its outcome.

    Raises
    ------
    FileNotFoundError
        When this worker does not see the directory of the search.
    """
    if not Path(task.data).is_dir():
        raise FileNotFoundError(f"{task.data} is not there")  # no fault of the point
    os.environ.update(THREADS)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        with _held(Path(task.path)):
            context = _opened(task)
            if task.kind == "train":
                return Outcome(task.number, rung=_train(context, task))
            if task.kind == "synthesise":
                return Outcome(task.number, silicon=_synthesise(context, task))
            return Outcome(task.number, checked=_check(context, task))
    except (_InUseError, MemoryError, OSError) as problem:
        return Outcome(task.number, failure=_told(problem), again=True)
    except EconAeError as problem:
        return Outcome(task.number, failure=one_line(problem))


def _told(problem: Exception) -> str:
    if isinstance(problem, MemoryError):
        return f"out of memory ({problem})"
    if isinstance(problem, OSError):
        return f"{problem.filename or ''} {problem.strerror or problem}".strip()
    return one_line(problem)


class _InUseError(Exception):
    """Another process works on a trial, or nothing can be written into its directory."""


def _opened(task: Task) -> Context:
    """Open the run of a trial; make it when it is not there, or was cut off while it was made."""
    from econ_ae.app.stages.shared import share

    path = Path(task.path)
    if not (path / MANIFEST).is_file():
        path.mkdir(parents=True, exist_ok=True)
        clear_unfinished(path)
        RunDirectory.create(path, task.config)
    context = Context(RunDirectory.resume(path, task.config), LOW_DENSITY, Silent())
    share(open_run(Path(task.data), Silent()), context)
    return context


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a trial; wait for a worker that the search has given up and that has not noticed yet."""
    end = time.monotonic() + _PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock(path, Silent()))
                break
            except RunDirectoryError as problem:
                if time.monotonic() > end:
                    raise _InUseError(str(problem)) from problem
                time.sleep(1.0)
        yield


def _train(context: Context, task: Task) -> Rung:
    path = context.path(FOLDER, f"rung-{task.rung}.json")
    known = _known(path, context)
    if known is None:
        watch = Stopwatch()
        epochs = _trained(context, task)
        emd, error = _validation(context)
        known = Rung(task.rung, epochs, emd, error, round(watch.seconds(), 3))
        write_json(path, asdict(known) | {"config": config_hash(context.config)})
    if task.last and not context.run.has("freeze"):
        _finish(context)
    return known


def _known(path: Path, context: Context) -> Rung | None:
    if not path.is_file():
        return None
    found = read_json(path)
    return Rung(**found) if found.pop("config", "") == config_hash(context.config) else None


def _trained(context: Context, task: Task) -> int:
    """Train up to the rung; return the epochs that are done."""
    from econ_ae.app.judge import judge_of
    from econ_ae.data import store
    from econ_ae.training import artifact, session

    session.begin_anew()
    batches = context.rows("train"), context.rows("validation")
    history = artifact.train(
        context.config,
        LOW_DENSITY,
        batches,
        context.path(TRAINING),
        Silent(),
        stream=store.streamed(context.run.path),
        judge=judge_of(context.config, LOW_DENSITY, batches[1]),
        until=task.until,
    )
    return len(history)


def _validation(context: Context) -> tuple[float, float]:
    """Return the mean EMD of the validation rows and its standard error, from the bits of the frames."""
    from econ_ae.app.reconstruction import Receiver, reconstruct
    from econ_ae.training import artifact
    from econ_ae.training.cells import artifact as cells
    from metrics.emd import emd

    config, folder = context.config, context.path(TRAINING)
    if config.encoder.family == "cells":
        model = cells.freeze_run(config, LOW_DENSITY, folder, {})
    else:
        model = artifact.chip_model(config, LOW_DENSITY, artifact.load(config, LOW_DENSITY, folder))
    rows = context.rows("validation")
    rows = rows[rows.total > 0]
    sent = reconstruct(context, model, rows, Receiver(config, folder))
    return mean(emd(rows.charges, sent.charges, LOW_DENSITY).of_defined)


def mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of EMDs and its standard error; TrainingError when there is none."""
    if not len(values):
        raise TrainingError("no event has an EMD: the encoder sends no charge of any; train it longer, or otherwise")
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))


def _finish(context: Context) -> None:
    """Record the training, and freeze the encoder, as in any run."""
    from econ_ae.app import pipeline
    from econ_ae.app.stages import train

    folder = context.path(TRAINING)
    pipeline.run_stage(context, "train", repeat=False, work=lambda _: train.files(folder))
    pipeline.run_stage(context, "freeze", repeat=False)


def _synthesise(context: Context, task: Task) -> Silicon:
    from econ_ae.app.costing import FILE, costs, folder_of, read

    asked, watch = task.synthesis, Stopwatch()
    assert asked is not None
    assert asked.liberty is not None  # else nothing is synthesised
    liberty = Path(asked.liberty)
    folder = folder_of(context, liberty, BLOCK)
    try:
        if context.run.study_problem(folder) is None:
            found = read(folder / FILE)
        else:
            found = costs(
                context,
                liberty=liberty,
                block=BLOCK,
                timeout=asked.timeout,
                power_events=asked.power_events,
                simulate=False,
            )
    except (ToolError, ToolMissingError) as problem:
        return Silicon(None, None, round(watch.seconds(), 3), one_line(problem))
    power = None if found.power is None else 1000 * found.power.measured.total.total
    return Silicon(found.areas.gate_equivalents / 1000, power, round(watch.seconds(), 3))


def _check(context: Context, task: Task) -> Checked:
    """Verify the Verilog, and say what the report rows say, which nothing was chosen by."""
    path = context.path(FOLDER, "check.json")
    if path.is_file():
        stored = read_json(path)
        found = Checked(**stored["checked"])
        if stored["config"] == config_hash(context.config) and (found.verified is not None or not task.verify):
            return found
    found = _checked(context, verify=task.verify)
    if not found.problem:
        write_json(path, {"config": config_hash(context.config), "checked": asdict(found)})
    return found


def _checked(context: Context, *, verify: bool) -> Checked:
    from econ_ae.app import pipeline
    from econ_ae.app.reconstruction import reconstruct
    from metrics.emd import emd

    rows = context.rows("report")
    sent = reconstruct(context, context.model(), rows)
    value, error = mean(emd(rows.charges, sent.charges, LOW_DENSITY).of_defined)
    if not verify:
        return Checked(None, value, error)
    try:
        for stage in ("generate", "verify"):
            pipeline.run_stage(context, stage, repeat=False)
    except EconAeError as problem:
        return Checked(None, value, error, one_line(problem))
    return Checked(int(context.json(VERIFY, VERIFICATION)["events"]), value, error)
