"""Training as a stage of a run: from batches to a directory of weights, and back to models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data import conditions
from econ_ae.data.batch import Batch
from econ_ae.data.generated import generated
from econ_ae.data.module_conditions import Conditions
from econ_ae.data.store import Rows
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress, waiting
from econ_ae.training import recipe
from econ_ae.training.cells import artifact as cells
from econ_ae.training.frozen import chip_model, compare_with_keras, decode, fractions_as_trained, freeze_run, transmit
from econ_ae.training.judge import Judge
from econ_ae.training.kept import Epoch
from econ_ae.training.networks import TRAINED, Networks, build, load
from econ_ae.training.sample import Sample, make_sample
from econ_ae.training.source import InMemory, Mixed, Source, Streamed

__all__ = [
    "TRAINED",
    "Networks",
    "build",
    "chip_model",
    "compare_with_keras",
    "decode",
    "fractions_as_trained",
    "freeze_run",
    "load",
    "train",
    "transmit",
]

_KEY = 3  # of the random conditions; 0, 1 and 2 are training, validation and report rows


def train(
    config: RunConfig,
    geometry: WaferGeometry,
    batches: tuple[Batch, Batch],
    directory: Path,
    progress: Progress,
    *,
    stream: Rows | None = None,
    judge: Judge | None = None,
    until: int | None = None,
) -> list[Epoch]:
    """Train on (training, validation) batches into ``directory``, continuing what is there; return the history.

    With ``stream``, a set of rows with charge in a dataset file, these are the training events instead of the batch.
    A judge of the validation events chooses what is kept, instead of their loss and their EMD. ``until`` stops the
    training after as many of its epochs, with its best weights so far; it is continued to the same bits.
    """
    if config.encoder.family == "cells":
        return cells.train(config, geometry, batches, directory, progress, stream=stream, judge=judge, until=until)
    target = skeleton(config, geometry)
    training, validation = batches
    turns = geometry.rotations if config.training.rotations else geometry.rotations[:1]
    known = Conditions(config.decoder.conditions)
    count = len(training) if stream is None else "streamed"
    with waiting(progress, f"{len(validation)} validation events, {count} training events"):
        if stream is None:
            views = [replace(training, charges=training.charges[:, turn]) for turn in turns]
            samples = [make_sample(view, target.input, target.normalise, known) for view in views]
        validating = make_sample(validation, target.input, target.normalise, known)
    others = _generated(config, geometry, progress)

    def source(seed: int) -> Source:
        main: Source
        if stream is None:
            main = InMemory(samples, seed)
        else:
            main = Streamed(stream, turns, target.input, target.normalise, seed, config.data.memory_mb, known)
        return main if others is None else Mixed(main, others[0], others[1], seed)

    events = recipe.Events(source, validating, validation, judge, until)
    return recipe.fit(config, geometry, events, directory, progress)


def _generated(config: RunConfig, geometry: WaferGeometry, progress: Progress) -> tuple[Sample, float] | None:
    """Return the generated images that the configuration mixes in, under its conditions, and their share."""
    admixture = config.training.admixture
    if admixture is None:
        return None
    target = skeleton(config, geometry)
    with waiting(progress, f"{admixture.events} generated images for training"):
        batch = generated(admixture, config.seed, geometry, progress)
        batch = conditions.apply(batch, config.conditions, geometry, key=_KEY)
        known = Conditions(config.decoder.conditions)
        return make_sample(batch, target.input, target.normalise, known), admixture.share
