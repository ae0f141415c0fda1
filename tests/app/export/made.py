"""Runs whose weights are random, with data that say where every module is: for what is delivered of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.campaign import unconditional
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data, train
from econ_ae.config import RunConfig, parse
from econ_ae.data.module_conditions import Conditions
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training.kept import save_weights, write_history
from econ_ae.training.networks import build
from tests.data import whole_events

SETTINGS: dict[str, dict[str, Any]] = {
    "chip": {"hardware": {"elinks": 3, "accumulate": "trn_each"}},
    "paper": {
        "encoder": {"arrangement": "4x4x3", "conv": [{"stride": 1}]},
        "hardware": {"elinks": 2},
        "decoder": {"hidden": [24], "output": "softmax"},
    },
    "signed": {
        "encoder": {
            "input": "u1.5",
            "conv": [
                {"filters": 5, "stride": 1, "weight": "s1.3", "activation": "u3.4"},
                {"filters": 3, "kernel": 2, "padding": "valid", "weight": "s0.4", "activation": "s3.2"},
            ],
            "dense": [{"units": 7, "weight": "s0.7", "activation": "s2.5"}],
        },
        "hardware": {"elinks": 2, "keep": [6, 5, 4, 3, 8, 2, 7]},
        "decoder": {"kind": "conv", "hidden": [16], "filters": [8, 4]},
    },
    "knowing": {
        "decoder": {
            "conditions": ["layer", "thickness", "eta", "log_sum", "v", "u"],
            "conditioning": "film",
            "use_sum": True,
            "use_scale": True,
        },
        "hardware": {"elinks": 4},
    },
}
"""Settings of encoders of several shapes; the last decoder knows all that there is to know."""


def made(path: Path, name: str, **changes: Any) -> Context:
    """Return a run with random weights, frozen, on a file of made-up whole events."""
    source = path.with_suffix(".npz")
    if not source.exists():
        np.savez_compressed(source, **whole_events.arrays(events=14, modules=40))
    settings: dict[str, Any] = {
        "name": name,
        "data": {"source": str(source), "cms_events": {"calibration": "counts"}},
        "decoder": {"hidden": [24]},
        "training": {"batch": 32},
    }
    for section, values in (SETTINGS.get(name, {}) | changes).items():
        settings[section] = {**settings.get(section, {}), **values}
    config = parse(settings, "test")
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    data.write(context, data.prepare(config, LOW_DENSITY))
    random_training(context)
    if config.encoder.family == "layers":
        pipeline.run_stage(context, "freeze", repeat=False)
    return context


def random_training(context: Context) -> None:
    """Give a run weights that exercise its arithmetic instead of a training."""
    _random_weights(context.config, context.path(TRAINING), 5)
    files = train.files(context.path(TRAINING))
    context.run.record("train", context.run.inputs_of(["data"]), files, 0.0)


def second_decoder(context: Context) -> Context:
    """Give a run a decoder without conditions beside its own, where campaigns train theirs; return the run."""
    folder = context.path(unconditional.FOLDER)
    _random_weights(unconditional.config_of(context.config), folder, 6)
    context.run.record_study(folder, train.files(folder), 0.0)
    return context


def _random_weights(config: RunConfig, folder: Path, seed: int) -> None:
    networks, rng = build(config, LOW_DENSITY), np.random.default_rng(seed)
    for variable in networks.encoder.trainable_variables:
        limit = variable.constraint
        variable.assign(np.clip(rng.normal(0.02, 0.25, variable.shape), limit.low, limit.high).astype(np.float32))
    for variable in networks.decoder.trainable_variables:
        variable.assign_add(rng.normal(0, 0.1, variable.shape).astype(np.float32))
    folder.mkdir()
    save_weights(folder, networks.encoder, networks.decoder, conditions=Conditions(config.decoder.conditions))
    write_history(folder, [])
