"""Whole events with places: of archives and of ntuples of modules, their energies, mistakes by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.data.readers import read
from econ_ae.data.readers.cms_events import EventsOptions, read_events
from econ_ae.data.whole_events import from_npz, from_ntuple
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from tests.data import ntuples
from tests.data import test_modules as modules
from tests.data.whole_events import arrays, write

TREE = modules.TREE


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("whole") / "events.npz")


def test_counts_and_columns_are_those_of_the_reader(file: Path) -> None:
    whole = from_npz(file)
    batch = read_events(file, EventsOptions(calibration="counts"), LOW_DENSITY)
    assert whole.batch.content_hash() == batch.content_hash()
    raw = arrays()
    for name in ("x_cm", "y_cm", "gev_per_count"):
        np.testing.assert_array_equal(getattr(whole, name), raw[name].astype(float))
    np.testing.assert_array_equal(whole.z_cm, raw["z_cm_of_layer"].astype(float)[raw["layer"]])
    assert whole.truth is None


def test_calibrated_is_what_the_reader_calibrates(file: Path) -> None:
    assert from_npz(file).calibrated().content_hash() == read(file).content_hash()


def test_places_of_cells_are_global(file: Path) -> None:
    """One cell, by hand: centre plus its place of the table minus the mean of all, x mirrored on side -1."""
    whole, raw = from_npz(file), arrays()
    x, y, z = whole.cell_positions()
    middle = LOW_DENSITY.xy.mean(axis=0)
    for row in (np.flatnonzero(raw["zside"] == 1)[0], np.flatnonzero(raw["zside"] == -1)[0]):
        for cell in (0, 21, 47):
            side = float(raw["zside"][row])
            there = 1.2084 * (LOW_DENSITY.xy[cell] - middle)
            assert x[row, cell] == pytest.approx(side * (raw["x_cm"][row] + there[0]))
            assert y[row, cell] == pytest.approx(raw["y_cm"][row] + there[1])
            assert z[row, cell] == pytest.approx(side * raw["z_cm_of_layer"][raw["layer"][row]])


def test_transverse_energy_of_counts(file: Path) -> None:
    whole = from_npz(file)
    x, y, z = whole.cell_positions()
    eta = np.arctanh(np.abs(z) / np.sqrt(x * x + y * y + z * z))
    expected = whole.batch.charges * whole.gev_per_count[:, None] / np.cosh(eta)
    np.testing.assert_allclose(whole.cell_et(whole.batch.charges), expected)
    np.testing.assert_allclose(whole.cell_et(whole.batch.charges * 0.5), expected / 2)
    with pytest.raises(DataError, match=r"charges have shape \(3, 48\); expected \(120, 48\)"):
        whole.cell_et(np.zeros((3, 48)))


def test_events_and_rows_are_chosen(file: Path) -> None:
    whole, raw = from_npz(file), arrays()
    for part in (whole.of_events([2, 7]), from_npz(file, [7, 2]), whole[np.isin(raw["event"], [2, 7])]):
        np.testing.assert_array_equal(part.events, [2, 7])
        np.testing.assert_array_equal(part.y_cm, raw["y_cm"][np.isin(raw["event"], [2, 7])])
        np.testing.assert_array_equal(part.batch.metadata["y"], part.y_cm)
    chosen = from_npz(file, options=EventsOptions(section="CE-E", calibration="transverse"))
    np.testing.assert_array_equal(chosen.batch.metadata["wafer"], raw["wafer"][raw["layer"] < 13])
    with pytest.raises(DataError, match="has no image of the 2 events that were asked for with all sections"):
        from_npz(file, [50, 51])


# Ntuples of modules: places near a lattice, of any layer with trigger.


def places(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    n = modules.ROWS
    layer = rng.choice([1, 5, 25, 27, 40], n)
    side = rng.choice([-1, 1], n)
    angle, radius = rng.uniform(-np.pi, np.pi, n), rng.uniform(40, 150, n)
    found = {
        "wafer_x": radius * np.cos(angle), "wafer_y": radius * np.sin(angle), "wafer_z": side * (322.0 + layer),
        "wafer_layer": layer, "wafer_zside": side, "wafer_energy": rng.uniform(1, 50, n),
    }  # fmt: skip
    return found | changed


def test_modules_of_an_ntuple(tmp_path: Path) -> None:
    path = modules.write(tmp_path / "ntuple.root", **places())
    whole, raw = from_ntuple(path), places()
    lit = modules.charges().sum(axis=1) > 0
    np.testing.assert_array_equal(whole.batch.charges, modules.charges()[lit])
    np.testing.assert_array_equal(whole.event, np.repeat(np.arange(len(modules.COUNTS)), modules.COUNTS)[lit])
    number = {1: 0, 5: 2, 25: 12, 27: 13, 40: 26}
    np.testing.assert_array_equal(whole.batch.metadata["layer"], [number[n] for n in raw["wafer_layer"][lit]])
    x, y, z = whole.cell_positions()
    np.testing.assert_allclose(x.mean(axis=1), raw["wafer_x"][lit])
    np.testing.assert_allclose(y.mean(axis=1), raw["wafer_y"][lit])
    np.testing.assert_allclose(z[:, 0], raw["wafer_z"][lit])
    # Charges are transverse: the energies of all cells of a module together are the branch's.
    et = whole.cell_et(whole.batch.charges)
    energy = et * np.hypot(np.hypot(x, y), z) / np.hypot(x, y)
    np.testing.assert_allclose(energy.sum(axis=1), raw["wafer_energy"][lit])
    ratio = et / np.maximum(whole.batch.charges, 1)
    np.testing.assert_allclose(ratio[whole.batch.charges > 0], np.repeat(ratio.max(axis=1), whole.batch.occupancy))
    assert whole.calibrated() is whole.batch
    np.testing.assert_allclose(whole.batch.charges * np.asarray(whole.batch.metadata["gev_per_calq"])[:, None], et)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (places(wafer_x=None), "bad.root has no branch of the modules' x; whole events need wafer_x, wafer_y, wafer_z"),
        (places(wafer_z=None), "bad.root has no branch of the modules' z; "),
        (places(wafer_layer=np.full(modules.ROWS, 8)), "bad.root: layer 8 has no trigger; expected 1, 3, ... 25 or"),
        (places(wafer_y=np.full(modules.ROWS, np.nan)), r"entry 0: a module at \(.*, nan, .*\) cm with"),
        (places(wafer_energy=np.zeros(modules.ROWS)), "with 0 GeV; expected a place in an endcap and an energy above"),
    ],
    ids=["x", "z", "layer", "y", "energy"],
)
def test_mistakes_of_ntuples(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_ntuple(modules.write(tmp_path / "bad.root", **changed))


def test_other_files(tmp_path: Path) -> None:
    cells = ntuples.write(tmp_path / "cells.root", ntuples.random_events(2, 1))
    with pytest.raises(DataError, match=r"cells.root has trigger cells; expected an ntuple of modules \(wafer_\*\)"):
        from_ntuple(cells)
    with pytest.raises((DataError, ConfigError), match="no such file"):
        from_ntuple(tmp_path / "none.root")
    with pytest.raises(DataError, match=r"cannot read .*none.npz: No such file"):
        from_npz(tmp_path / "none.npz")
