"""A run whose stages are recorded as far as the verification."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae.config import parse
from econ_ae.ir.model import EncoderModel
from tests.untrained import untrained

SETTINGS = {"name": "small", "verify": {"real_events": 20, "random_events": 5}}


@pytest.fixture
def path(tmp_path: Path, econ_t_model: EncoderModel) -> Path:
    """The directory of a run that was never trained."""
    run = untrained(tmp_path / "run", econ_t_model, parse(SETTINGS, "test")).run
    for stage in ("generate", "verify"):
        run.record(stage, run.inputs_of(run.earlier(stage)), [], 0.0)
    return run.path
