"""Runs whose decoder knows its module: refused before training without the data, evaluated with those of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as stage
from econ_ae.config import parse
from econ_ae.data import synthetic
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.emd import emd

Command = Callable[..., tuple[int, str, str]]

SETTINGS: dict[str, Any] = {
    "data": {"events": 500},
    "encoder": {"family": "cells"},
    "cells": {"rule_events": 100, "units": 4, "depth": 1, "steps": 4, "refits": 0},
    "decoder": {"conditions": ["eta", "layer", "u", "v", "log_sum"], "conditioning": "film"},
    "training": {"epochs": 2, "batch": 32},
    "hardware": {"elinks": 3},
}


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Context:
    config = parse(SETTINGS, "test")
    prepared = stage.prepare(config, LOW_DENSITY)
    path = tmp_path_factory.mktemp("conditioned") / "run"
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    stage.write(context, prepared)
    for name in ("train", "freeze"):
        pipeline.run_stage(context, name, repeat=False)
    return context


def test_the_run_keeps_what_is_known_of_its_modules(frozen: Context) -> None:
    rows, model = frozen.rows("report"), frozen.model()
    assert {"eta", "detector_layer", "wafer_u", "wafer_v"} <= set(rows.metadata)
    image = reconstruct(frozen, model, rows).charges
    turned = {name: values[::-1] for name, values in rows.metadata.items()}
    other = reconstruct(frozen, model, type(rows)(rows.charges, rows.provenance, turned)).charges
    assert (image != other).any()


def test_other_events_bring_their_own_conditions(frozen: Context, command: Command, tmp_path: Path) -> None:
    batch = synthetic.generate(60, 9, LOW_DENSITY)
    with DatasetWriter(tmp_path / "other.h5") as writer:
        writer.append(batch)
    out = tmp_path / "evaluation"
    arguments = ("evaluate", str(frozen.run.path), "--algorithms", "ae", "--elinks", "3", "--json")
    code, printed, error = command(*arguments, "--data", str(tmp_path / "other.h5"), "--out", str(out))
    assert code == 0, error
    own = next(row for row in json.loads(printed) if "autoencoder" in row["algorithm"])
    seen = reconstruct(frozen, frozen.model(), batch).charges
    assert "knows of its module: eta, layer, u, v, log_sum" in (out / "index.html").read_text(encoding="utf-8")
    assert own["mean"] == pytest.approx(emd(batch.charges, seen, LOW_DENSITY).of_defined.mean())

    with (tmp_path / "plain.csv").open("w") as file:
        file.write(",".join(f"CALQ_{i}" for i in range(48)) + ",tc_eta\n")
        file.writelines(",".join(map(str, row)) + ",2.1\n" for row in batch.charges)
    code, _, error = command(*arguments, "--data", str(tmp_path / "plain.csv"), "--out", str(tmp_path / "none"))
    assert code == 2
    assert "decoder.conditions has 'layer', but plain.csv has no column detector_layer (it has eta)" in " ".join(
        error.split()
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decoder": {"conditions": ["thickness"]}}, "'thickness', but synthetic .* has no column thickness"),
        ({"data": {"events": 300, "synthetic": {"modules": "7:5,1"}}}, r"all 2\d\d training modules have eta = "),
        (
            {"decoder": {"conditions": ["u", "v"]}, "data": {"events": 300, "synthetic": {"modules": "7:5,1 9:5,0"}}},
            r"all 2\d\d training modules have u = 5; expected a condition that varies: leave 'u' out",
        ),
    ],
    ids=["no such column", "one module", "constant"],
)
def test_refused_before_training(changed: dict[str, Any], message: str) -> None:
    config = parse(SETTINGS | changed, "test")
    with pytest.raises(DataError, match=message):
        stage.prepare(config, LOW_DENSITY)


def test_csv_is_refused_by_name_and_nothing_is_written(command: Command, tmp_path: Path) -> None:
    charges = np.random.default_rng(1).integers(1, 99, (50, 48))
    np.savetxt(tmp_path / "plain.csv", charges, fmt="%d", delimiter=",")
    (tmp_path / "run.toml").write_text('[decoder]\nconditions = ["eta"]\n[training]\nbatch = 10\n')
    code, _, error = command(
        "run", "--config", str(tmp_path / "run.toml"), "--data", str(tmp_path / "plain.csv"), "--out",
        str(tmp_path / "run"),
    )  # fmt: skip
    assert code == 2
    assert "has 'eta', but plain.csv has no column eta (it has no columns)" in " ".join(error.split())
    assert not (tmp_path / "run").exists()
