"""A run with a small encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.splits import split
from econ_ae.files import write_text
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.floatcodes import decode_4e3m
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from tests.costs.small import small_model


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A run with data and an encoder, never trained."""
    codes = np.random.default_rng(3).integers(0, 128, (300, 48))
    charges = np.where(codes == 0, 0, decode_4e3m(codes, LOW_DENSITY_BITS))
    made = Context(RunDirectory.create(tmp_path / "run", RunConfig()), LOW_DENSITY, Silent())
    batch = Batch(charges, Provenance("codes", synthetic=True))
    dataset_stage.write(made, dataset_stage.InMemory(batch, split(batch, seed=1)))
    write_text(made.path("encoder.json"), codec.dumps(small_model()))
    return made
