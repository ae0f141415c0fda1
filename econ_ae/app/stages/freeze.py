"""Freeze: from weights to the integer model, compared with QKeras before anything is made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.app.run.context import ENCODER, FREEZE, TRAINING, Context
from econ_ae.emulator import input_images
from econ_ae.files import write_json, write_text
from econ_ae.fixedpoint import IntArray
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products

_RANDOM_IMAGES = 10_000


def run(context: Context) -> list[Path]:
    """Freeze the run's training into ``encoder.json``.

    Raises
    ------
    ModelError
        When the integers are not what QKeras computes, or frames do not give back what an encoder of cells sends.
    """
    provenance = {"training": context.run.inputs_of(["data"]), "data": context.rows("train").provenance.source}
    cells = context.config.encoder.family == "cells"
    model, compared = _cells(context, provenance) if cells else _layers(context, provenance)
    write_text(context.path(ENCODER), codec.dumps(model) + "\n")
    write_json(context.path(FREEZE), compared | {"mismatches": 0, "sha256": codec.sha256(model)})
    return [context.path(ENCODER), context.path(FREEZE)]


def _layers(context: Context, provenance: dict[str, str]) -> tuple[EncoderModel, dict[str, int]]:
    from econ_ae.training import artifact

    config = context.config
    networks = artifact.load(config, context.geometry, context.path(TRAINING))
    provenance = provenance | {"weights": config.hardware.weights}
    model = artifact.freeze_run(config, context.geometry, networks, provenance)
    real = input_images(model.input, model.normalise, context.rows("report").charges)
    compared = {
        "real_events": artifact.compare_with_keras(model, networks.encoder, real),
        "random_events": artifact.compare_with_keras(model, networks.encoder, random_images(model, config.seed)),
    }
    if config.hardware.accumulate == "trn_each":
        model = truncate_products(model)
    return model, compared


def _cells(context: Context, provenance: dict[str, str]) -> tuple[EncoderModel, dict[str, int]]:
    from econ_ae.training.cells import artifact

    config = context.config
    model = artifact.freeze_run(config, context.geometry, context.path(TRAINING), provenance)
    return model, {
        "real_events": artifact.compare_with_frames(model, context.rows("report").charges),
        "random_events": artifact.compare_with_frames(model, random_charges(model, config.seed)),
    }


def random_charges(model: EncoderModel, seed: int) -> IntArray:
    """Return random charges of every occupancy and size, all 0 and all the largest, int64 (n, cells)."""
    rng = np.random.default_rng([seed, 3])
    shape, largest = (_RANDOM_IMAGES, model.input.cells), model.input.charge.max
    size = 2.0 ** rng.uniform(0, model.input.charge.width, (_RANDOM_IMAGES, 1))
    hit = rng.random(shape) < rng.random((_RANDOM_IMAGES, 1))
    charges = np.minimum(rng.random(shape) ** 4 * size, largest).astype(np.int64) * hit
    charges[0], charges[1] = 0, largest
    return charges


def random_images(model: EncoderModel, seed: int) -> IntArray:
    """Return uniformly random input images and the two extremes, int64 (n, rows, cols, channels)."""
    largest = model.normalise.out.max
    shape = model.input.arrangement.shape
    images = np.random.default_rng([seed, 3]).integers(0, largest + 1, (_RANDOM_IMAGES, *shape))
    images[0], images[1] = 0, largest
    return images
