"""Runs of both families, trained for seconds, that are exported in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as stage
from econ_ae.config import parse
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

LAYERS: dict[str, Any] = {
    "name": "small_layers",
    "data": {"events": 500},
    "decoder": {"hidden": [24, 24], "use_sum": True, "use_scale": True, "conditions": ["eta", "layer", "log_sum"]},
    "training": {"epochs": 2, "batch": 32, "arithmetic": "hardware"},
    "hardware": {"elinks": 3, "accumulate": "trn_each"},
}
CELLS: dict[str, Any] = {
    "name": "small_cells",
    "data": {"events": 500},
    "encoder": {"family": "cells"},
    "cells": {"rule_events": 100, "units": 4, "depth": 1, "steps": 4, "refits": 0},
    "decoder": {"conditions": ["eta", "layer", "u", "v", "log_sum"], "conditioning": "film"},
    "training": {"epochs": 2, "batch": 32},
    "hardware": {"elinks": 4},
}


def trained(path: Path, settings: dict[str, Any]) -> Context:
    config = parse(settings, "test")
    prepared = stage.prepare(config, LOW_DENSITY)
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    stage.write(context, prepared)
    for name in ("train", "freeze"):
        pipeline.run_stage(context, name, repeat=False)
    return context


@pytest.fixture(scope="session")
def layers_run(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return trained(tmp_path_factory.mktemp("export") / "layers", LAYERS)


@pytest.fixture(scope="session")
def cells_run(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return trained(tmp_path_factory.mktemp("export") / "cells", CELLS)


@pytest.fixture(params=["layers_run", "cells_run"])
def exported(request: pytest.FixtureRequest) -> Context:
    found: Context = request.getfixturevalue(request.param)
    return found
