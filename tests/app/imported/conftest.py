"""Models of others, saved in every form: made once, never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from tests.app.imported import collaboration


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collaboration.saved(tmp_path_factory.mktemp("theirs"))
