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
from typing import TYPE_CHECKING, Any

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context, open_run
from econ_ae.app.run.directory import MANIFEST, RunDirectory
from econ_ae.app.run.lock import content, lock
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.stages.data import Prepared
from econ_ae.app.studies.retrain_parts import copy_training, give_start, member, share_data, write_data
from econ_ae.app.studies.retrain_plan import Plan
from econ_ae.config import RunConfig
from econ_ae.data import conditions
from econ_ae.data.module_changes import modules
from econ_ae.errors import ConfigError, ModelError, RunDirectoryError
from econ_ae.files import write_json
from econ_ae.ir import weights
from econ_ae.progress import Progress

if TYPE_CHECKING:
    from econ_ae.app.studies.retrain_report import ImageEmd
    from rtl_gen.registers.difference import WeightDifference

BEFORE, AFTER = "before", "after"

_PLAN = "plan.json"
_NEEDED = ("data", "train", "freeze")


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
    check_conditions(run, plan)
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
    check_conditions(run, plan)
    _other_rows(run, out, plan)


def check_conditions(run: Context, plan: Plan) -> None:
    """Raise ConfigError or DataError when conditions are impossible, or the encoder has no part to be trained."""
    conditions.check(plan.conditions, run.geometry)
    plan.config(run.config)
    if plan.conditions.per_module and plan.source is None:
        modules(run.rows("validation"))


@dataclass(frozen=True)
class Short:
    """A retraining without verification.

    Parameters
    ----------
    before, after : runs with the old and the new weights
    emd : of the report images
    difference : of the weights
    milliseconds : to write the changed bytes, by bus frequency in kHz
    """

    before: Context
    after: Context
    emd: ImageEmd
    difference: WeightDifference
    milliseconds: dict[int, float]


def short(run: Context, out: Path, plan: Plan) -> Short:
    """Retrain a run in ``out`` on its own rows as far as the integer encoder; write what changes in registers."""
    from econ_ae.app.studies.retrain_report import ImageEmd, emd_of, write_difference

    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # as in ``retrain``
    before = member(run, out / BEFORE, plan.before(run.config))
    after = member(run, out / AFTER, plan.config(run.config))
    write_data(run, before, plan.rows)
    share_data(before, after)
    copy_training(run, before)
    give_start(run, after)
    pipeline.run_stage(before, "freeze", repeat=False)
    for stage in ("train", "freeze"):
        pipeline.run_stage(after, stage, repeat=False)
    difference, bus = write_difference(before, after, out)
    return Short(before, after, ImageEmd.of(emd_of(before), emd_of(after)), difference, dict(bus[0].milliseconds))


def _retrain(run: Context, out: Path, plan: Plan, config: RunConfig, prepared: Prepared | None) -> dict[str, Any]:
    from econ_ae.app.studies.retrain_report import summarise

    progress = run.progress
    before = member(run, out / BEFORE, plan.before(run.config))
    after = member(run, out / AFTER, config)
    with before.run.lock(progress), after.run.lock(progress):
        if not before.run.has("data"):
            progress.say("conditions: " + "; ".join(plan.told()))
            if prepared is not None:
                dataset_stage.write(before, prepared)
            else:
                write_data(run, before)
        if not after.run.has("data"):
            share_data(before, after)
        if not before.run.has("train"):
            copy_training(run, before)
        give_start(run, after)
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
