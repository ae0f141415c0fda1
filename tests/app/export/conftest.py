"""Runs that several tests deliver: made once, never changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import econ_ae.training  # noqa: F401  before anything imports TensorFlow
from econ_ae.app.run.context import Context
from tests.app.export.made import made
from tests.app.export.small_runs import cells_run, exported, layers_run

__all__ = ["cells_run", "exported", "layers_run", "run"]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Context]:
    known: dict[str, Context] = {}
    folder: Path = tmp_path_factory.mktemp("delivered")

    def one(name: str) -> Context:
        if name not in known:
            known[name] = made(folder / name, name)
        return known[name]

    return one
