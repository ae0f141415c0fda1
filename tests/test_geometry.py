"""The geometry against the public module tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import ConfigError
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY


@pytest.fixture(scope="module")
def table(reference: Path) -> dict[str, np.ndarray]:
    with (reference / "trigger_cells.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    np.testing.assert_array_equal(columns["tc"], np.arange(48))
    return columns


def test_positions_equal_the_public_ones(table: dict[str, np.ndarray]) -> None:
    expected = np.stack([table["x_cm"], table["y_cm"]], axis=1)
    np.testing.assert_allclose(LOW_DENSITY.xy * CM_PER_UNIT, expected, atol=1e-3)  # the table's rounding


def test_numberings_equal_the_public_ones(table: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(LOW_DENSITY.premux, table["econ_premux"])
    np.testing.assert_array_equal(LOW_DENSITY.postmux, table["econ_postmux"])


@pytest.mark.parametrize(("size", "groups"), [("stc4", LOW_DENSITY.stc4), ("stc16", LOW_DENSITY.stc16)])
def test_super_trigger_cells_equal_the_public_ones(table: dict[str, np.ndarray], size: str, groups: np.ndarray) -> None:
    for group, members in enumerate(groups):
        np.testing.assert_array_equal(table[size][members], group)
        np.testing.assert_array_equal(table[f"{size}_index"][members], np.arange(len(members)))


@pytest.mark.parametrize("name", ["8x8x1", "4x4x3"])
def test_arrangements_equal_the_public_ones(reference: Path, name: str) -> None:
    public = json.loads((reference / "arrangements.json").read_text(encoding="utf-8"))[name]["map"]
    arrangement = LOW_DENSITY.arrangement(name)
    assert list(arrangement.cells) == public
    assert arrangement.shape == tuple(int(n) for n in name.split("x"))


def test_largest_and_smallest_distance() -> None:
    assert LOW_DENSITY.distance.max() == pytest.approx(13.757, abs=5e-4)
    np.testing.assert_array_equal(LOW_DENSITY.distance, LOW_DENSITY.distance.T)
    inside = LOW_DENSITY.sector[:, None] == LOW_DENSITY.sector
    np.fill_diagonal(inside, False)
    assert LOW_DENSITY.distance[inside].min() == pytest.approx(2)  # the pitch is two units


def test_rhombi_tile_the_module() -> None:
    area = np.abs(np.linalg.det(LOW_DENSITY.edges))
    np.testing.assert_allclose(area, 2 * np.sqrt(3))
    np.testing.assert_allclose(LOW_DENSITY.rhombi.mean(axis=1), LOW_DENSITY.xy)
    # Two rhombi of one sector never overlap: in edge coordinates their centres are at least one edge apart.
    for sector in range(3):
        cells = np.flatnonzero(LOW_DENSITY.sector == sector)
        steps = (LOW_DENSITY.xy[cells, None] - LOW_DENSITY.xy[cells]) @ np.linalg.inv(LOW_DENSITY.edges[cells[0]])
        apart = np.abs(steps).max(axis=-1)[~np.eye(16, dtype=bool)]
        assert apart.min() == pytest.approx(1)


def test_overlapping_groups_are_compact_and_cover_every_cell() -> None:
    groups = LOW_DENSITY.overlapping_groups
    assert len({frozenset(g) for g in groups.tolist()}) == len(groups) == 36
    assert set(groups.ravel().tolist()) == set(range(48))
    spread = LOW_DENSITY.distance[groups[:, :, None], groups[:, None, :]].max(axis=(1, 2))
    assert spread.max() < 4.7  # the long diagonal of two cells, plus the shift along a sector border


def test_arrays_are_read_only() -> None:
    for array in (LOW_DENSITY.xy, LOW_DENSITY.distance, LOW_DENSITY.rhombi, LOW_DENSITY.premux):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_unknown_arrangement_suggests_one() -> None:
    with pytest.raises(ConfigError, match=r"arrangement '8x8' is unknown; expected one of 4x4x3, 8x8x1; did you mean"):
        LOW_DENSITY.arrangement("8x8")


def test_rotations_map_the_module_onto_itself() -> None:
    turns = LOW_DENSITY.rotations
    assert turns.shape == (3, 48)
    assert np.array_equal(turns[0], np.arange(48))
    for turn in turns:
        assert sorted(turn) == list(range(48))
        assert np.allclose(LOW_DENSITY.distance[np.ix_(turn, turn)], LOW_DENSITY.distance)
    assert np.array_equal(turns[1][turns[1]], turns[2])
