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
    """Freeze the run's training into ``encoder.json``; ModelError when it is not what QKeras computes."""
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
    write_json(context.path(FREEZE), compared | {"sha256": codec.sha256(model)})
    return [context.path(ENCODER), context.path(FREEZE)]


def random_images(model: EncoderModel, seed: int) -> IntArray:
    """Return uniformly random input images and the two extremes, int64 (n, rows, cols, channels)."""
    largest = model.normalise.out.max
    shape = model.input.arrangement.shape
    images = np.random.default_rng([seed, 3]).integers(0, largest + 1, (_RANDOM_IMAGES, *shape))
    images[0], images[1] = 0, largest
    return images
