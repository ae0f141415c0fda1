"""The stages of a run: each reads what earlier stages wrote, writes its own files, and is recorded in the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae import costing, dataset_stage
from econ_ae.config import RunConfig
from econ_ae.data import store
from econ_ae.data.batch import Batch
from econ_ae.data.splits import Split
from econ_ae.dataset_stream import DATASET, TRAINING_ROWS
from econ_ae.emulator import encode_images, input_images
from econ_ae.errors import ConfigError, DataError, RunDirectoryError, VerificationError, did_you_mean
from econ_ae.files import write_json, write_text
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY, WaferGeometry
from econ_ae.ir import codec, validate
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products
from econ_ae.progress import Progress
from econ_ae.rundir import RunDirectory, Stopwatch, check_free
from econ_ae.skeleton import skeleton

ENCODER = "encoder.json"
TRAINING = "training"
RTL = "rtl"
VERIFY = "verify"
REPORT = "report"

_RANDOM_IMAGES = 10_000


@dataclass(frozen=True)
class Context:
    """What every stage gets."""

    run: RunDirectory
    geometry: WaferGeometry
    progress: Progress

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""
        return self.run.config

    def path(self, *parts: str) -> Path:
        """Return a path in the run directory."""
        return self.run.path.joinpath(*parts)

    @property
    def stream(self) -> Path | None:
        """Return the dataset file of the training rows when they are streamed."""
        path = self.path(TRAINING_ROWS)
        return path if path.is_file() else None

    def rows(self, name: str) -> Batch:
        """Return the ``train``, ``validation`` or ``report`` rows; of a streamed set, the first training rows."""
        return store.load(self.path(DATASET), name)

    def model(self) -> EncoderModel:
        """Return the frozen encoder."""
        return codec.loads(self.path(ENCODER).read_text(encoding="utf-8"))


def check_tools() -> None:
    """Fail before any long work when a program that a later stage needs is missing."""
    from sim.runner import require_simulator

    require_simulator()


def _train(context: Context) -> list[Path]:
    folder = context.path(TRAINING)
    train(context, context.config, folder)
    return [p for p in folder.iterdir() if p.is_file() and not p.name.startswith("writing-")]


def train(context: Context, config: RunConfig, folder: Path) -> None:
    """Train what ``config`` says on the rows of the run into ``folder``, continuing what is there."""
    from econ_ae.training import artifact

    batches = context.rows("train"), context.rows("validation")
    rows = context.path(TRAINING_ROWS)
    stream = rows if rows.is_file() else None
    artifact.train(config, context.geometry, batches, folder, context.progress, stream=stream)


def _freeze(context: Context) -> list[Path]:
    from econ_ae.training import artifact

    config = context.config
    networks = artifact.load(config, context.geometry, context.path(TRAINING))
    provenance = {
        "training": context.run.inputs_of(["data"]),
        "data": context.rows("train").provenance.source,
        "weights": config.hardware.weights,
    }
    model = artifact.freeze_run(config, context.geometry, networks, provenance)
    real = input_images(model.input, model.normalise, context.rows("report").charges)
    compared = {
        "real_events": artifact.compare_with_keras(model, networks.encoder, real),
        "random_events": artifact.compare_with_keras(model, networks.encoder, random_images(model, config.seed)),
        "mismatches": 0,
    }
    if config.hardware.accumulate == "trn_each":
        model = truncate_products(model)
    write_text(context.path(ENCODER), codec.dumps(model) + "\n")
    write_json(context.path("freeze.json"), compared | {"sha256": codec.sha256(model)})
    return [context.path(ENCODER), context.path("freeze.json")]


def random_images(model: EncoderModel, seed: int) -> IntArray:
    """Return uniformly random input images and the two extremes, int64 (n, rows, cols, channels)."""
    largest = model.normalise.out.max
    shape = model.input.arrangement.shape
    images = np.random.default_rng([seed, 3]).integers(0, largest + 1, (_RANDOM_IMAGES, *shape))
    images[0], images[1] = 0, largest
    return images


def _generate(context: Context) -> list[Path]:
    from rtl_gen.verilog import generate
    from rtl_gen.writer import write_files

    model = validate.check(context.model())
    return write_files(generate(model, verilog_options(context.config, model)), context.path(RTL), overwrite=True)


def verilog_options(config: RunConfig, model: EncoderModel) -> Any:
    """Return the Verilog options that a configuration asks for."""
    from rtl_gen.verilog import VerilogOptions, default_options

    registers = config.hardware.registers
    return default_options(model) if registers is None else VerilogOptions(frozenset(registers))


def _verify(context: Context) -> list[Path]:
    result = verify(context, context.config.verify.real_events)
    if not result.passed:
        raise VerificationError(
            f"{result.mismatches} of {result.events} events differ between Verilog and emulator; "
            f"first: {result.first_mismatch}; see {context.path(VERIFY)}"
        )
    return [p for p in context.path(VERIFY).iterdir() if p.suffix in {".json", ".xml"}]


def verify(context: Context, real_events: int) -> Any:
    """Simulate the Verilog in ``rtl/`` against the emulator on report rows, random images and all corners."""
    from sim.runner import verify_encoder

    model = context.model()
    config = context.config
    folder = context.path(RTL)
    charges = np.concatenate([context.rows(name).charges for name in ("report", "validation", "train")])
    images = input_images(model.input, model.normalise, charges[:real_events])
    return verify_encoder(
        model,
        verilog_options(config, model),
        images,
        context.path(VERIFY),
        random_events=config.verify.random_events,
        seed=config.seed,
        progress=context.progress,
        files={str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.v"))},
    )


def _report(context: Context) -> list[Path]:
    from econ_ae import reporting

    return reporting.write(context)


Stage = Callable[[Context], list[Path]]
STAGES: dict[str, Stage] = {
    "train": _train,
    "freeze": _freeze,
    "generate": _generate,
    "verify": _verify,
    "costs": costing.fast,
    "report": _report,
}
"""The stages after ``data``, in order."""

_ORDER = ["data", *STAGES]
_OPTIONAL = {"costs"}
"""Stages that no later one needs."""


def run(path: Path, config: RunConfig, *, overwrite: bool, resume: bool, progress: Progress) -> Context:
    """Do the whole main job in ``path`` and return its context.

    Nothing is written before the data has been read and the tools were found. With ``resume`` finished stages whose
    inputs and files are unchanged are not repeated, and an interrupted training continues after its last epoch.
    """
    if resume and path.exists():
        check_tools()
        context = Context(RunDirectory.resume(path, config), LOW_DENSITY, progress)
    else:
        check_free(path, overwrite=overwrite)
        data = dataset_stage.prepare(config, LOW_DENSITY, progress)
        check_settings(config, LOW_DENSITY, data.rows)
        check_tools()
        progress.say(data.title)
        context = Context(RunDirectory.create(path, config, overwrite=overwrite), LOW_DENSITY, progress)
        dataset_stage.write(context, data)
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
    from rtl_gen.verilog import latency

    model = skeleton(config, geometry)
    latency(model, verilog_options(config, model))
    if len(rows.train) < config.training.batch or not len(rows.validation):
        raise DataError(
            f"{config.data.source} has {len(rows.train)} events to train on and {len(rows.validation)} to validate; "
            f"expected at least one batch of {config.training.batch} (training.batch) and one"
        )


def open_run(path: Path, progress: Progress) -> Context:
    """Return the context of an existing run directory."""
    return Context(RunDirectory.open(path), LOW_DENSITY, progress)


def run_stage(context: Context, name: str, *, repeat: bool) -> None:
    """Run one stage unless it is done already; ``repeat`` runs it in any case.

    Raises
    ------
    RunDirectoryError
        When an earlier stage has not finished.
    """
    if name not in STAGES:
        raise ConfigError(f"stage {name!r} is unknown; expected one of {', '.join(STAGES)}{did_you_mean(name, STAGES)}")
    done = context.run.manifest()["stages"]
    earlier = [s for s in _ORDER[: _ORDER.index(name)] if s in done or s not in _OPTIONAL]
    missing = [s for s in earlier if s not in done]
    if missing:
        raise RunDirectoryError(
            f"{context.run.path}: stage {missing[0]!r} has not finished; run: econ-ae {missing[0]} {context.run.path}"
        )
    inputs = context.run.inputs_of(earlier)
    if not repeat and context.run.is_done(name, inputs):
        context.progress.say(f"{name}: already done")
        return
    watch = Stopwatch()
    context.progress.say(name)
    outputs = STAGES[name](context)
    context.run.record(name, inputs, outputs, watch.seconds())


def load_json(path: Path) -> Any:
    """Return the content of a JSON file of the run."""
    return json.loads(path.read_text(encoding="utf-8"))


def latents_of(model: EncoderModel, batch: Batch) -> IntArray:
    """Return the latents of a batch, int64 (n, latents)."""
    return encode_images(model, input_images(model.input, model.normalise, batch.charges))
