"""`econ-ae retrain`: a trained encoder under new conditions, before and after training goes on from its weights.

The result is a directory with two run directories, ``before`` (the old weights on the new conditions) and ``after``
(the retrained ones), and the summary: ``index.html``, ``retrain.json`` and the I2C writes that turn one into the other.

Of an encoder that sends cells the choice of the mode (limits and biases, in the chip) is learned anew and the
receiver's network goes on from its weights; the receiver's table stays.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.cells import sends_cells
from econ_ae.app.run.context import FACTS, TRAINING, Context, open_run
from econ_ae.app.run.directory import MANIFEST, RunDirectory, Stopwatch
from econ_ae.app.run.lock import content, lock
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.stages.data import InMemory, Prepared
from econ_ae.app.stages.streamed import write_rows
from econ_ae.config import ConditionsConfig, RunConfig, changed, parse
from econ_ae.data import conditions, store
from econ_ae.data.batch import concatenated
from econ_ae.data.splits import Split
from econ_ae.data.store import DATASET
from econ_ae.errors import ConfigError, ModelError, RunDirectoryError
from econ_ae.files import write_json
from econ_ae.ir import weights
from econ_ae.progress import Progress

BEFORE, AFTER = "before", "after"

_PLAN = "plan.json"
_EPOCHS_SHARE = 5  # by default a fifth of the run's epochs
_NEEDED = ("data", "train", "freeze")


@dataclass(frozen=True)
class Plan:
    """What is retrained and how.

    Parameters
    ----------
    conditions : what is different now
    epochs : of the retraining; None takes a fifth of the run's
    learning_rate : at its start; None takes a quarter of the run's
    trains : ``all``, ``encoder``, ``dense`` (the encoder's dense layers and the decoder) or ``decoder``
    source : a file whose rows train, validate and are reported, by the run's settings; None takes the run's own rows
    whole : ``before`` is verified on its new images too, and both run directories get reports
    """

    conditions: ConditionsConfig
    epochs: int | None = None
    learning_rate: float | None = None
    trains: str = "all"
    source: str | None = None
    whole: bool = True

    @property
    def stages_before(self) -> tuple[str, ...]:
        """What is done with the old weights; the hardware stays as it is, and so do its costs."""
        return ("freeze", "generate", "verify", "report") if self.whole else ("freeze",)

    @property
    def stages_after(self) -> tuple[str, ...]:
        """What is done with the new weights."""
        return ("train", "freeze", "generate", "verify", *(("report",) if self.whole else ()))

    def told(self) -> list[str]:
        """Return what is different now, in words."""
        new = [f"images of {Path(self.source).name}"] if self.source else []
        return [*new, *conditions.describe(self.conditions)]

    def before(self, old: RunConfig) -> RunConfig:
        """Return the run's configuration on the new images."""
        config = old.model_copy(update={"conditions": self.conditions})
        return changed(config, "options", data={"source": self.source}) if self.source else config

    def config(self, old: RunConfig) -> RunConfig:
        """Return the configuration of the retraining.

        Raises
        ------
        ConfigError
            When the encoder has no part that is to be trained.
        """
        training = old.training
        if sends_cells(old) and self.trains == "dense":
            raise ConfigError("--only dense: an encoder of cells has no layers; expected all, encoder or decoder")
        epochs = self.epochs or max(1, training.epochs // _EPOCHS_SHARE)
        rate = self.learning_rate or training.learning_rate / 4
        pruned = training.prune.weights if training.prune else None
        settings = self.before(old).model_dump(mode="json")
        settings["encoder"] = old.on_chip.model_dump(mode="json")
        if sends_cells(old):
            epochs = 1 if self.trains == "encoder" else epochs  # the network stays: one pass that measures it
            settings["cells"]["refits"] = 0  # the rule is learned anew at the start, and once more at the end
        settings["training"] |= {
            "epochs": epochs,
            "patience": epochs,
            "warmup": min(training.warmup, epochs // 10),
            "learning_rate": rate,
            "final_learning_rate": rate * training.final_learning_rate / training.learning_rate,
            "trains": self.trains,
            "seeds": 1,
            "distill": None,
            # What was removed stays away: filters and outputs by the encoder's shape, weights from the first epoch on.
            "prune": {"weights": pruned, "start": 0.0, "end": 1e-6} if pruned else None,
        }
        return parse(settings, "retraining")


def retrain(run_path: Path, out: Path, plan: Plan, progress: Progress, *, resume: bool = False) -> dict[str, Any]:
    """Do everything in ``out`` and return the summary, see ``retrain_report.summarise``.

    Raises
    ------
    RunDirectoryError
        When ``run_path`` is no run or not finished, ``out`` exists (or, to resume, is not of this retraining) or
        cannot be written, or another process writes there.
    ConfigError
        When nothing is to change, a condition is impossible, or the encoder has no part that is to be trained.
    DataError
        When the new file cannot be read, or lacks what the decoder knows of its module.
    """
    # The same networks are loaded for three runs in one process, which TensorFlow takes for needless tracing.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    run = _finished(run_path, progress)
    check_changes(plan)
    conditions.check(plan.conditions, run.geometry)
    config = plan.config(run.config)
    pipeline.check_tools()
    made = {"run": run_path.name, "encoder": dict(run.run.manifest().stages["freeze"].outputs)}
    made |= {"config": config.model_dump(mode="json")}
    if resume and out.exists():
        _check_same(out, made)
    elif out.exists() and (not out.is_dir() or content(out)):
        raise RunDirectoryError(f"{out} exists; give another --out, or --resume to continue a retraining there")
    prepared = _other_rows(run, out, plan)
    with lock(out, progress):
        if not (out / _PLAN).is_file():
            write_json(out / _PLAN, made)
        return _retrain(run, out, plan, config, prepared)


def check_changes(plan: Plan) -> None:
    """Raise ConfigError when nothing is different."""
    if not plan.conditions.changes and plan.source is None:
        raise ConfigError(
            "nothing changed; give at least one of --data, --dead, --dead-count, --noisy, --partial, --drift and "
            "--pileup"
        )


def _other_rows(run: Context, out: Path, plan: Plan) -> Prepared | None:
    """Return the rows of the new file; None without one, or when they are in ``out`` already."""
    if plan.source is None or ((out / BEFORE / MANIFEST).is_file() and RunDirectory.open(out / BEFORE).has("data")):
        return None
    config = plan.before(run.config)
    prepared = dataset_stage.prepare(config, run.geometry, run.progress)
    pipeline.check_settings(config, run.geometry, prepared.rows)
    return prepared


def check_start(run: Context, out: Path, plan: Plan) -> None:
    """Raise ConfigError or DataError, as ``retrain``, for what would stop a retraining before anything is trained."""
    check_changes(plan)
    conditions.check(plan.conditions, run.geometry)
    plan.config(run.config)
    _other_rows(run, out, plan)


def _retrain(run: Context, out: Path, plan: Plan, config: RunConfig, prepared: Prepared | None) -> dict[str, Any]:
    from econ_ae.app.studies.retrain_report import summarise

    progress = run.progress
    before = _context(run, out / BEFORE, plan.before(run.config))
    after = _context(run, out / AFTER, config)
    with before.run.lock(progress), after.run.lock(progress):
        if not before.run.has("data"):
            progress.say("conditions: " + "; ".join(plan.told()))
            if prepared is not None:
                dataset_stage.write(before, prepared)
            else:
                _write_data(run, before)
        if not after.run.has("data"):
            _share_data(before, after)
        if not before.run.has("train"):
            _copy_training(run, before)
        _give_start(run, after)
        progress.say("old weights, new conditions")
        for stage in plan.stages_before:
            pipeline.run_stage(before, stage, repeat=False)
            if stage == "freeze" and weights.pack(before.model()) != weights.pack(run.model()):
                raise ModelError(
                    f"{run.run.path}: training/ does not hold the weights of encoder.json; freeze that run again"
                )
        progress.say("new weights, new conditions")
        for stage in plan.stages_after:
            pipeline.run_stage(after, stage, repeat=False)
        return summarise(run, before, after, out, changes=plan.told())


def _finished(path: Path, progress: Progress) -> Context:
    run = open_run(path, progress)
    run.run.check(*_NEEDED)
    return run


def _check_same(out: Path, made: dict[str, Any]) -> None:
    if not (out / _PLAN).is_file():
        raise RunDirectoryError(f"{out} holds no retraining to resume; choose another --out")
    try:
        plan = json.loads((out / _PLAN).read_text(encoding="utf-8"))
    except ValueError as problem:
        raise RunDirectoryError(f"{out / _PLAN} is damaged; choose another --out") from problem
    if plan != made:
        raise RunDirectoryError(f"{out} was retrained from another run or with other settings; choose another --out")


def _context(run: Context, path: Path, config: RunConfig) -> Context:
    if (path / "manifest.json").is_file():
        return Context(RunDirectory.resume(path, config), run.geometry, run.progress)
    return Context(RunDirectory.create(path, config, overwrite=path.exists()), run.geometry, run.progress)


def _write_data(run: Context, before: Context) -> None:
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
        dataset_stage.write(before, InMemory(batch, rows))
        return
    with training.open() as data:
        counts = write_rows(
            before.run.path,
            data.batches(),
            run.rows("validation"),
            run.rows("report"),
            config=before.config,
            geometry=run.geometry,
        )
    steps = [*facts["steps"], *conditions.describe(before.config.conditions)]
    write_json(before.path(FACTS), facts | counts | {"steps": steps})
    files = [before.path(DATASET), before.path(FACTS)]
    before.run.record("data", before.run.inputs_of([]), files, watch.seconds())


def _share_data(before: Context, after: Context) -> None:
    files = []
    for name in before.run.manifest().stages["data"].outputs:
        target = after.path(name)
        target.unlink(missing_ok=True)
        target.hardlink_to(before.path(name))  # the same rows; files of a run are replaced, never changed
        files.append(target)
    after.run.record("data", after.run.inputs_of([]), files, 0.0)


def _copy_training(run: Context, before: Context) -> None:
    from econ_ae.training.kept import copy_result

    folder = before.path(TRAINING)
    folder.mkdir(exist_ok=True)
    copy_result(run.path(TRAINING), folder, _parts(run))
    before.run.record("train", before.run.inputs_of(["data"]), folder.iterdir(), 0.0)


def _give_start(run: Context, after: Context) -> None:
    from econ_ae.training.start import START, start_from, start_with

    folder, parts = after.path(TRAINING), _parts(run)
    if parts is not None:
        start_with(run.path(TRAINING), folder, parts)
    elif not (folder / START).is_dir():
        start_from(run.path(TRAINING), folder)


def _parts(run: Context) -> tuple[str, ...] | None:
    """Return the files of the training of an encoder of cells; None of one of layers."""
    if not sends_cells(run.config):
        return None
    from econ_ae.training.cells.warm import PARTS

    return PARTS
