"""`econ-ae widths`: a front of ordinary configurations with their areas; mistakes are one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae.app.area_model import estimate
from econ_ae.app.run.context import Context
from econ_ae.config import RunConfig, load
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY
from tests.random_cells import random_cell_model
from tests.untrained import untrained

Command = Callable[..., tuple[int, str, str]]

CONFIG = RunConfig.model_validate(
    {
        "name": "small",
        "encoder": {
            "conv": [{"filters": 2, "weight": "s0.4", "activation": "u2.4"}],
            "dense": [{"units": 3, "weight": "s0.4", "activation": "u1.5"}],
        },
        "decoder": {"hidden": [8]},
        "training": {"epochs": 4, "batch": 20, "learning_rate": 0.1, "final_learning_rate": 0.1},
    }
)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return untrained(tmp_path / "run", skeleton(CONFIG, LOW_DENSITY), CONFIG)


def test_a_front_of_ordinary_configurations(context: Context, command: Command) -> None:
    run = str(context.run.path)
    code, out, err = command("widths", run, "--price", "100", "--json")
    assert code == 0, err
    rows = json.loads(out)
    assert rows
    for row in rows:
        config = load(context.path(row["config"]))
        found = estimate(skeleton(config, LOW_DENSITY))
        assert (row["area"]["kge"], row["area"]["registers"]) == (found.kge, found.registers)
        assert row["weights"] == [config.encoder.conv[0].weight, config.encoder.dense[0].weight]
    whole = estimate(skeleton(CONFIG, LOW_DENSITY))
    assert rows[0]["area"]["kge"] < whole.kge
    assert rows[0]["area"]["registers"] < whole.registers
    code, _, err = command("widths", run, "--price", "1")
    assert code == 2
    assert "widths exists; give --overwrite to replace it" in err
    code, out, err = command("widths", run, "--price", "0", "--epochs", "1", "--overwrite")
    assert code == 0, err
    assert "epoch-1/config.json" in "".join(out.split())


def test_cells_have_no_widths(tmp_path: Path, command: Command) -> None:
    config = RunConfig.model_validate({"encoder": {"family": "cells"}, "hardware": {"elinks": 2}})
    made = untrained(tmp_path / "run", random_cell_model(1), config)
    code, _, err = command("widths", str(made.run.path), "--price", "1")
    assert code == 2
    assert "an encoder that sends cells has no weights" in err
    assert not made.path("widths").exists()
