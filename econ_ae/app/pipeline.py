"""The stages of a run: each reads what earlier stages wrote, writes its own files, and is recorded in the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from econ_ae.app import cells
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import OPTIONAL, RunDirectory, Stopwatch, check_free
from econ_ae.app.stages import costs, data, freeze, generate, report, train, verify
from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.splits import Split
from econ_ae.errors import ConfigError, DataError, did_you_mean
from econ_ae.geometry import LOW_DENSITY, WaferGeometry
from econ_ae.progress import Progress

STAGES: dict[str, Callable[[Context], list[Path]]] = {
    "data": data.run,
    "train": train.run,
    "freeze": freeze.run,
    "generate": generate.run,
    "verify": verify.run,
    "costs": costs.run,
    "report": report.run,
}
"""Every stage returns the files that it wrote."""


def run(path: Path, config: RunConfig, *, overwrite: bool, resume: bool, progress: Progress) -> Context:
    """Do the whole main job in ``path`` and return its context.

    Nothing is written before the data has been read and the tools were found. With ``resume`` finished stages whose
    inputs and files are unchanged are not repeated, and an interrupted training continues after its last epoch.
    """
    if resume and path.exists():
        check_tools()
        context = Context(RunDirectory.resume(path, config), LOW_DENSITY, progress)
        prepared = None
    else:
        check_free(path, overwrite=overwrite)
        prepared = data.prepare(config, LOW_DENSITY, progress)
        check_settings(config, LOW_DENSITY, prepared.rows)
        check_tools()
        progress.say(prepared.title)
        context = Context(RunDirectory.create(path, config, overwrite=overwrite), LOW_DENSITY, progress)
    with context.run.lock(progress):
        if prepared is not None:
            data.write(context, prepared)
        for name in STAGES:
            run_stage(context, name, repeat=False)
    return context


def check_settings(config: RunConfig, geometry: WaferGeometry, rows: Split) -> None:
    """Find what would stop a later stage, before anything is written.

    Raises
    ------
    ConfigError, ModelError
        When the encoder cannot be built or a pipeline register does not exist.
    DataError
        When there are fewer training events than one batch.
    """
    check_encoder(config, geometry)
    if len(rows.train) < config.training.batch or not len(rows.validation):
        raise DataError(
            f"{config.data.source} has {len(rows.train)} events to train on and {len(rows.validation)} to validate; "
            f"expected at least one batch of {config.training.batch} (training.batch) and one"
        )


def check_encoder(config: RunConfig, geometry: WaferGeometry) -> None:
    """Raise ConfigError or ModelError when an encoder cannot be built, or a pipeline register does not exist."""
    from rtl_gen.verilog import latency

    model = skeleton(config, geometry)
    latency(model, generate.verilog_options(config, model))


def run_stage(
    context: Context, name: str, *, repeat: bool, work: Callable[[Context], list[Path]] | None = None
) -> None:
    """Run one stage unless it is done already; ``repeat`` runs it in any case.

    Parameters
    ----------
    work : does the stage's own work with what is known already, and returns the files that it wrote

    Raises
    ------
    RunDirectoryError
        When an earlier stage has not finished, its files are not what it wrote, or another process writes in the run.
    """
    if name not in STAGES:
        raise ConfigError(f"stage {name!r} is unknown; expected one of {', '.join(STAGES)}{did_you_mean(name, STAGES)}")
    run, progress = context.run, context.progress
    with run.lock(progress):
        earlier = run.earlier(name)
        run.check(*(stage for stage in earlier if stage not in OPTIONAL))
        if name == "data" and run.has(name):
            run.check(name)  # what everything was made of is not made anew behind what was made of it
            progress.say(f"{name}: already done")
            return
        inputs = run.inputs_of(earlier)
        if not repeat and run.is_done(name, inputs):
            progress.say(f"{name}: already done")
            return
        watch = Stopwatch()
        progress.say(name)
        left_out = cells.left_out(context, name)
        outputs = (work or STAGES[name])(context) if left_out is None else left_out
        run.record(name, inputs, outputs, watch.seconds())


def check_tools() -> None:
    """Fail before any long work when a program that a later stage needs is missing."""
    from sim.bench.runner import require_simulator

    require_simulator()
