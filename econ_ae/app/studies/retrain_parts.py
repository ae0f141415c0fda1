"""The two run directories of a retraining: their rows, the old weights, and what the new ones start from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from econ_ae.app.cells import sends_cells
from econ_ae.app.run.context import FACTS, TRAINING, Context
from econ_ae.app.run.directory import RunDirectory, Stopwatch
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.stages.data import InMemory
from econ_ae.app.stages.streamed import write_rows
from econ_ae.config import RunConfig
from econ_ae.data import conditions, store
from econ_ae.data.batch import Batch, concatenated
from econ_ae.data.splits import Split
from econ_ae.data.store import DATASET
from econ_ae.files import write_json


def member(run: Context, path: Path, config: RunConfig) -> Context:
    """Return one of the two run directories, made or opened; RunDirectoryError when it has other settings."""
    if (path / "manifest.json").is_file():
        return Context(RunDirectory.resume(path, config), run.geometry, run.progress)
    return Context(RunDirectory.create(path, config, overwrite=path.exists()), run.geometry, run.progress)


def _thinned(rows: Split, most: int) -> Split:
    """Return at most as many rows of every set, evenly taken."""
    sets = (rows.train, rows.validation, rows.report)
    train, validation, report = (part[:: max(1, -(-len(part) // most))] for part in sets)
    return replace(
        rows, train=train, validation=validation, report=report, rule=f"{rows.rule}; then at most {most} of each"
    )


def _at_most(batch: Batch, most: int | None) -> Batch:
    return batch if most is None else batch[:: max(1, -(-len(batch) // most))]


def write_data(run: Context, before: Context, most: int | None = None) -> None:
    """Write the run's rows under the conditions as the data stage of another run."""
    watch = Stopwatch()
    facts = run.json(FACTS)
    training = store.streamed(run.run.path)
    if training is None:
        sets = [run.rows(name) for name in store.SETS]
        ends = np.cumsum([len(batch) for batch in sets])
        train, validation, report = np.split(np.arange(ends[-1]), ends[:-1])
        old = Split(
            train,
            validation,
            report,
            excluded=facts["excluded_without_charge"],
            undefined=facts["undefined_in_report"],
            rule=facts["rows"],
            copies=facts["copies_left_out"],
        )
        batch, rows = dataset_stage.change(concatenated(sets), old, before.config, run.geometry)
        if most is not None:
            rows = _thinned(rows, most)
        dataset_stage.write(before, InMemory(batch, rows))
        return
    judged = [_at_most(run.rows(name), most) for name in store.SETS[1:]]
    with training.open() as data:
        counts = write_rows(
            before.run.path,
            data.batches() if most is None else iter([_at_most(run.rows("train"), most)]),
            *judged,
            config=before.config,
            geometry=run.geometry,
        )
    steps = [*facts["steps"], *conditions.describe(before.config.conditions)]
    write_json(before.path(FACTS), facts | counts | {"steps": steps})
    files = [before.path(DATASET), before.path(FACTS)]
    before.run.record("data", before.run.inputs_of([]), files, watch.seconds())


def share_data(before: Context, after: Context) -> None:
    """Give the retrained run the same rows."""
    files = []
    for name in before.run.manifest().stages["data"].outputs:
        target = after.path(name)
        target.unlink(missing_ok=True)
        target.hardlink_to(before.path(name))  # the same rows; files of a run are replaced, never changed
        files.append(target)
    after.run.record("data", after.run.inputs_of([]), files, 0.0)


def copy_training(run: Context, before: Context) -> None:
    """Give ``before`` the old weights, as if it had trained them."""
    from econ_ae.training.kept import copy_result

    folder = before.path(TRAINING)
    folder.mkdir(exist_ok=True)
    copy_result(run.path(TRAINING), folder, _parts(run))
    before.run.record("train", before.run.inputs_of(["data"]), folder.iterdir(), 0.0)


def give_start(run: Context, after: Context) -> None:
    """Give ``after`` the old weights to start from, unless it has them already."""
    from econ_ae.training.kept import require_weights
    from econ_ae.training.start import start_with

    old = run.path(TRAINING)
    start_with(old, after.path(TRAINING), _parts(run) or [path.name for path in require_weights(old)])


def _parts(run: Context) -> tuple[str, ...] | None:
    """Return the files of the training of an encoder of cells; None of one of layers."""
    if not sends_cells(run.config):
        return None
    from econ_ae.training.cells.warm import PARTS

    return PARTS
