"""Every form of a family of runs: a folder per run, each compared with its own run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.app.export.networks import BOUND, images_of
from econ_ae.app.run.context import Context
from econ_ae.app.run.family import FamilyDirectory
from econ_ae.config.family import FamilyConfig
from econ_ae.training.export.saved import SavedModel
from tests.hls_toolchain import require_toolchain
from tests.required import require_program

Command = Callable[..., tuple[int, str, str]]
MEMBERS = ["3elinks", "4elinks"]


@pytest.fixture(scope="module")
def family(layers_run: Context, cells_run: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = dict(zip(MEMBERS, (layers_run, cells_run), strict=True))
    config = FamilyConfig(name="two", members={name: context.config for name, context in runs.items()})
    found = FamilyDirectory.create(tmp_path_factory.mktemp("family") / "two", config)
    for name, context in runs.items():
        shutil.copytree(context.run.path, found.path / name)
    return found.path


def test_saved_models_of_a_family(family: Path, layers_run: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, error = command("export", str(family), "--format", "savedmodel", "--out", str(out), "--json")
    assert code == 0, error
    rows = json.loads(printed)
    assert [row["encoder"] for row in rows] == MEMBERS
    assert [row["latents that differ"] for row in rows] == [0, "no graph"]
    assert all(float(row["largest difference of a charge / module sum"]) < BOUND for row in rows)
    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert list(manifest["runs"]) == MEMBERS
    assert {path.name for path in out.iterdir()} == {*MEMBERS, "export.json", "verification.json"}
    assert (out / "4elinks" / "decoder").is_dir()
    assert not (out / "4elinks" / "encoder").exists()
    model, events = layers_run.model(), layers_run.rows("report")
    latents = emulator.encode(model, events.charges) * 2.0**-model.latent.fraction
    found = SavedModel(out / "3elinks" / "encoder").run(images_of(model, events))["latents"]
    assert np.array_equal(found, latents)


def test_libraries_of_a_family(family: Path, command: Command, tmp_path: Path) -> None:
    require_toolchain()
    require_program("make")
    out = tmp_path / "out"
    code, printed, error = command("export", str(family), "--format", "emulator", "--out", str(out), "--json")
    assert code == 0, error
    rows = json.loads(printed)
    names = ["small_layers_v1", "small_cells_v1"]
    assert [(row["library"], row["frames that differ"]) for row in rows] == [(name, 0) for name in names]
    assert all(row["events"] > 50 for row in rows)
    assert all(float(row["largest difference of a charge / module sum"]) < BOUND for row in rows)
    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert (manifest["libraries"], list(manifest["runs"])) == (names, MEMBERS)
    assert {path.name for path in out.iterdir()} == {*names, "export.json"}
