"""A run with a small encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from econ_ae.app.run.context import Context
from tests.costs.small import small_model
from tests.untrained import untrained


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A run with data and an encoder, never trained."""
    return untrained(tmp_path / "run", small_model())
