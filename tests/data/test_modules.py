"""Ntuples of modules that uproot writes: both spellings, 48 and 64 charges, selections, mistakes by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from econ_ae.config import ModuleBranchesConfig
from econ_ae.data.dataset import load
from econ_ae.data.readers import RootOptions, read
from econ_ae.data.readers.modules import ModuleFile
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from tests.data import ntuples

Command = Callable[..., tuple[int, str, str]]

TREE = "FloatingpointThreshold0DummyHistomaxDummynTuple/HGCalTriggerNtuple"
PIXELS = LOW_DENSITY.arrangement("8x8x1").cells
COUNTS = [3, 0, 5, 2, 1, 4] * 5
ROWS = sum(COUNTS)


def charges(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 5000, (ROWS, 48)) * (rng.random((ROWS, 48)) < 0.4)


def columns(pixels: int = 64, prefix: str = "", between: str = "", **changed: Any) -> dict[str, Any]:
    """Return branches by name, one value per module; a change to None leaves one out."""
    rng = np.random.default_rng(2)
    cells = PIXELS if pixels == 64 else range(48)
    image = {f"CALQ{between}{i}": charges()[:, c] if c >= 0 else np.zeros(ROWS, int) for i, c in enumerate(cells)}
    image |= {f"AEin{between}{i}": rng.random(ROWS).astype(np.float32) for i in range(2)}  # of as many
    place = {
        "eta": rng.uniform(-2.9, -1.6, ROWS).astype(np.float32),
        "waferu": rng.integers(-9, 10, ROWS),
        "waferv": rng.integers(-9, 10, ROWS),
        "layer": rng.integers(1, 48, ROWS),
        "wafertype": rng.integers(0, 4, ROWS),
        "energy": rng.random(ROWS).astype(np.float32),
        "simenergy": rng.random(ROWS).astype(np.float32),
        "zside": rng.choice([-1, 1], ROWS),
        "x": rng.random(ROWS).astype(np.float32),
    }
    found = {f"{prefix}wafer_{name}": values for name, values in (image | place).items()} | changed
    return {name: np.asarray(values) for name, values in found.items() if values is not None}


def write(path: Path, tree: str = TREE, *, flat: bool = False, **options: Any) -> Path:
    branches = columns(**options)
    with uproot.recreate(path) as file:
        if "/" in tree:
            file.mkdir(tree.rpartition("/")[0])
        kinds = {n: v.dtype if flat else f"var * {v.dtype}" for n, v in branches.items()}
        out = file.mktree(tree, kinds, counter_name=lambda _: "wafer_n", field_name=lambda _, inner: inner)
        out.extend({n: v if flat else ak.unflatten(v, COUNTS) for n, v in branches.items()})
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("modules") / "ntuple.root")


def test_images_and_columns(file: Path) -> None:
    batch, raw = read(file), columns()
    np.testing.assert_array_equal(batch.charges, charges())
    np.testing.assert_array_equal(batch.metadata["entry"], np.repeat(np.arange(len(COUNTS)), COUNTS))
    same = ("eta", "layer", "wafertype", "energy", "zside", "x")
    names = {name: name for name in same} | {"wafer_u": "waferu", "wafer_v": "waferv", "sim_energy": "simenergy"}
    names |= {"detector_layer": "layer"}
    for name, source in names.items():
        np.testing.assert_array_equal(batch.metadata[name], raw[f"wafer_{source}"], err_msg=name)
    np.testing.assert_array_equal(batch.metadata["thickness"], np.array([120, 200, 300, 200])[raw["wafer_wafertype"]])
    assert set(batch.metadata) == {*names, "entry", "thickness"}
    assert batch.provenance.steps[0] == f"read modules of {TREE}: wafer_CALQ0..wafer_CALQ63, pixels of 8x8x1"
    assert len(batch.provenance.sha256) == 64


@pytest.mark.parametrize(
    "options",
    [
        {"pixels": 48},
        {"prefix": "L1THGCAL_", "between": "_", "tree": "Events", "flat": True},
    ],
    ids=str,
)
def test_other_spellings_are_the_same_images(file: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    batch = read(write(tmp_path / "other.root", **options))
    np.testing.assert_array_equal(batch.charges, charges())
    for name in ("eta", "wafer_u", "thickness", "zside"):
        np.testing.assert_array_equal(batch.metadata[name], read(file).metadata[name])


def test_charges_that_are_floats_are_the_same(tmp_path: Path) -> None:
    floats = {f"wafer_CALQ{i}": v.astype(np.float32) for i, v in enumerate(columns().values()) if i < 64}
    np.testing.assert_array_equal(read(write(tmp_path / "f.root", flat=True, **floats)).charges, charges())


def test_names_can_be_given(tmp_path: Path) -> None:
    mine = {name.replace("wafer_", "my_").replace("eta", "ETA"): v for name, v in columns().items()}
    mine |= dict.fromkeys(columns())
    mine |= {"my_simenergy": None, "my_layer": columns()["wafer_layer"] + 50}
    path = write(tmp_path / "mine.root", "T", flat=True, **mine)
    own = ModuleBranchesConfig(
        charge="my_CALQ", eta="my_ETA", u="my_waferu", v="my_waferv", layer="my_layer", type="my_wafertype",
        energy="my_energy", sim_energy="",
    )  # fmt: skip
    batch = read(path, root=RootOptions(tree="T", modules=own))
    np.testing.assert_array_equal(batch.charges, charges())
    assert "sim_energy" not in batch.metadata
    np.testing.assert_array_equal(batch.metadata["eta"], columns()["wafer_eta"])
    with pytest.raises(DataError, match=r"mine.root: tree T has no branch wafer_CALQ0; did you mean 'my_CALQ0'"):
        ModuleFile(path, RootOptions(tree="T"))


@pytest.mark.parametrize(
    ("options", "keep"),
    [
        (RootOptions(layers=(3, 9, 40)), lambda c: np.isin(c["wafer_layer"], [3, 9, 40])),
        (RootOptions(zside=-1), lambda c: c["wafer_zside"] == -1),
        (RootOptions(density=3), lambda c: np.isin(c["wafer_wafertype"], [0, 3])),
        (RootOptions(density=1), lambda c: np.isin(c["wafer_wafertype"], [1, 2])),
    ],
    ids=["layers", "side", "high density", "low density"],
)
def test_selections(file: Path, options: RootOptions, keep: Callable[..., np.ndarray]) -> None:
    taken = keep(columns())
    batch = read(file, root=options)
    np.testing.assert_array_equal(batch.charges, charges()[taken])
    assert f"left out: {(~taken).sum()} modules" in batch.provenance.steps[-1]
    with pytest.raises(DataError, match="no module is left of 30 entries; left out: 75 modules"):
        read(file, root=RootOptions(wafer=(50, 50)))


HOLE = next(i for i, cell in enumerate(PIXELS) if cell < 0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        *(({f"wafer_{n}": None}, f"has no branch wafer_{n}") for n in ("eta", "waferu", "waferv", "layer", "wafertype",
                                                                       "energy", "simenergy")),
        ({"wafer_CALQ17": None}, "has no branch wafer_CALQ17 of 64"),
        ({f"wafer_CALQ{i}": None for i in range(1, 64)}, "has no branch wafer_CALQ1 of 48"),
        ({"wafer_CALQ5": np.full(ROWS, -1)}, r"entry 0: wafer_CALQ5 is -1 in 75 of 75 modules; expected 0..4194303"),
        ({"wafer_CALQ5": np.full(ROWS, 1 << 22)}, "wafer_CALQ5 is 4.1943e"),
        ({"wafer_CALQ5": np.full(ROWS, 0.5)}, "wafer_CALQ5 is 0.5 in 75 of 75 modules; expected an integer"),
        ({"wafer_CALQ5": np.full(ROWS, np.nan)}, "wafer_CALQ5 is nan"),
        ({f"wafer_CALQ{HOLE}": np.arange(ROWS) // 70}, f"wafer_CALQ{HOLE} is 1 in 5 of 75 modules; expected 0, as"),
        ({"wafer_waferu": np.full(ROWS, 0.25)}, "wafer_waferu is 0.25 in 75 of 75 modules; expected an integer"),
        ({"wafer_wafertype": np.full(ROWS, 4)}, "wafer_wafertype is 4 in 75 of 75 modules; expected 0..3"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_mistakes(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "bad.root", flat=True, **changed))


def test_options_of_trigger_cells_are_refused(file: Path) -> None:
    for options in (RootOptions(transverse=True), RootOptions(charge="compressed")):
        with pytest.raises(ConfigError, match=r"data.root.charge and data.root.transverse are for ntuples of trigger"):
            read(file, root=options)


def test_branches_of_other_lengths(tmp_path: Path) -> None:
    few = {n: v for n, v in columns(48).items() if "AEin" not in n}
    with uproot.recreate(tmp_path / "bad.root") as out:
        branches = {n: ak.unflatten(v, COUNTS[::-1] if n == "wafer_eta" else COUNTS) for n, v in few.items()}
        out.mktree("T", {n: f"var * {v.dtype}" for n, v in few.items()}).extend(branches)
    with pytest.raises(DataError, match="branch wafer_eta has other lengths than wafer_CALQ0"):
        read(tmp_path / "bad.root", root=RootOptions(tree="T"))


def test_rntuples_are_said_to_be_none(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "r.root") as out:
        out.mkrntuple("Events", {n: v for n, v in columns().items() if "_CALQ" in n or n == "wafer_eta"})
    with pytest.raises(DataError, match=r"r.root: Events is an RNTuple, which is not read; expected a TTree"):
        read(tmp_path / "r.root")


def test_trees_are_listed(file: Path, tmp_path: Path, command: Command) -> None:
    code, printed, error = command("data", str(file), "--json")
    assert code == 0, error
    facts = json.loads(printed)
    assert facts["trees"] == [{"tree": TREE, "entries": 30, "holds": "modules (wafer_CALQ*)"}]
    assert facts["events"] == ROWS
    broken = write(tmp_path / "b.root", flat=True, wafer_eta=None)
    code, printed, error = command("data", str(broken))
    assert code == 2
    assert "has no branch wafer_eta" in error
    assert "not readable: " in " ".join(printed.replace("│", " ").split())
    cells = ntuples.write(tmp_path / "cells.root", ntuples.random_events(20, 1))
    code, printed, error = command("data", str(cells), "--json")
    assert json.loads(printed)["trees"] == [{"tree": ntuples.TREE, "entries": 20, "holds": "trigger cells (tc_*)"}]


def test_convert_with_a_tree(file: Path, tmp_path: Path, command: Command) -> None:
    out = tmp_path / "set.h5"
    code, _, error = command("data", "convert", str(file), "--tree", TREE, "--zside", "1", "--out", str(out))
    assert code == 0, error
    kept = load(out)
    np.testing.assert_array_equal(kept.charges, charges()[columns()["wafer_zside"] == 1])
    assert {"eta", "wafer_u", "wafer_v", "detector_layer", "thickness"} <= set(kept.metadata)
    code, _, error = command("data", "convert", str(file), "--tree", "Nothing", "--out", str(tmp_path / "x.h5"))
    assert code == 2
    assert f"has no tree Nothing; it has {TREE}" in error
