"""Runs with data and an encoder that were never trained, for what needs no training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.app.run.context import ENCODER, Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data
from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.splits import split
from econ_ae.files import write_text
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.floatcodes import decode_4e3m
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Silent


def untrained(path: Path, model: EncoderModel, config: RunConfig | None = None, *, events: int = 300) -> Context:
    """Return a new run of random images whose frozen encoder is ``model``."""
    codes = np.random.default_rng(3).integers(0, 128, (events, 48))
    charges = np.where(codes == 0, 0, decode_4e3m(codes, LOW_DENSITY_BITS))
    made = Context(RunDirectory.create(path, config or RunConfig()), LOW_DENSITY, Silent())
    batch = Batch(charges, Provenance("codes", synthetic=True))
    data.write(made, data.InMemory(batch, split(batch, seed=1)))
    made.run.record("train", made.run.inputs_of(["data"]), [], 0.0)
    give_encoder(made, model)
    return made


def give_encoder(context: Context, model: EncoderModel) -> None:
    """Make ``model`` the frozen encoder of a run."""
    write_text(context.path(ENCODER), codec.dumps(model))
    context.run.record("freeze", context.run.inputs_of(["data", "train"]), [context.path(ENCODER)], 0.0)
