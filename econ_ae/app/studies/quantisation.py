"""What quantization costs: the EMD of a run's network in float, and as integers after several ways of training it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.app.run.context import TRAINING, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.stages import train
from econ_ae.config import RunConfig
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.files import write_json

FOLDER = "quantisation"
REFERENCE = "float, latents as sent"


@dataclass(frozen=True)
class Way:
    """One way from data to reconstructions.

    Parameters
    ----------
    name : for the table
    folder : of its training
    config : that it is trained with
    integers : evaluated from the frames of its integer encoder; otherwise as it was trained
    """

    name: str
    folder: str
    config: RunConfig
    integers: bool


def ways(config: RunConfig) -> list[Way]:
    """Return what is compared; the same network, data, loss, schedule and seeds in all."""

    def training(**changes: str) -> RunConfig:
        return config.model_copy(update={"training": config.training.model_copy(update=changes)})

    everything_float = training(quantise="post")
    found = [
        Way("float", "float", everything_float, False),
        Way(REFERENCE, "float-latents-as-sent", training(quantise="latents"), False),
        Way("float, rounded after training", "float", everything_float, True),
        Way("trained in its formats", "aware", training(quantise="aware", arithmetic="hardware"), True),
    ]
    if config.hardware.accumulate == "trn_each":
        exact = training(quantise="aware", arithmetic="exact")
        found.insert(3, Way("trained in its formats with exact sums, run on the chip", "aware-exact-sums", exact, True))
    return found


def compare(context: Context) -> list[dict[str, Any]]:
    """Train what is missing, and return the mean EMD of the report events with charge for every way.

    Trainings are kept in ``quantisation/`` of the run and continue after an interruption; the run has its own already.
    Writes ``quantisation/emd.json``. The change is relative to the float network whose latents are sent as they are on
    the chip: what the formats of weights and sums cost. (What few bits of the latents cost is the step before it.)

    Raises
    ------
    RunDirectoryError
        When another process writes in the run, or a training is not what it was when it ended.
    """
    with context.run.lock(context.progress):
        return _compare(context)


def _compare(context: Context) -> list[dict[str, Any]]:
    from metrics.emd import emd
    from metrics.statistics import paired_difference, summarise

    own = context.config
    if own.encoder.family == "cells":
        raise ConfigError(f"{context.run.path} sends cells as pulses: it has no weights that are quantised")
    batch = context.rows("report")
    batch = batch[batch.total > 0]
    results = {}
    for way in ways(own):
        folder = _trained(context, way)
        results[way.name] = emd(batch.charges, _fractions(way, context, folder, batch), context.geometry)
    table = []
    for name, result in results.items():
        mean = summarise(result, own.seed).mean
        change = paired_difference(result, results[REFERENCE], own.seed).mean
        reference = summarise(results[REFERENCE], own.seed).mean.value
        table.append(
            {
                "network": name,
                "mean EMD": mean.value,
                "error": mean.error,
                "change [%]": 100 * change.value / reference,
                "error [%]": 100 * change.error / reference,
            }
        )
    write_json(context.path(FOLDER, "emd.json"), table)
    return table


def _trained(context: Context, way: Way) -> Path:
    """Return where the training of a way is: the run's own, a finished one, or one made or continued now."""
    if way.config == context.config and context.run.has("train"):
        context.run.check("train")
        return context.path(TRAINING)
    folder = context.path(FOLDER, way.folder)
    if context.run.has_study(folder):
        if (problem := context.run.study_problem(folder)) is not None:
            raise RunDirectoryError(f"{folder} is not what was trained ({problem}); delete it to train it anew")
        return folder
    context.progress.say(f"training: {way.name}")
    watch = Stopwatch()
    train.train(context, way.config, folder)
    context.run.record_study(folder, train.files(folder), watch.seconds())
    return folder


def _fractions(way: Way, context: Context, folder: Path, batch: Any) -> Any:
    from econ_ae.training import artifact

    if not way.integers:
        return artifact.fractions_as_trained(way.config, context.geometry, folder, batch)
    networks = artifact.load(way.config, context.geometry, folder)
    model = artifact.chip_model(way.config, context.geometry, networks)
    known = Conditions(way.config.decoder.conditions).features(batch)
    return artifact.decode(way.config, networks, model, artifact.transmit(model, batch.charges), known)
