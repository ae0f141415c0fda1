"""Conditions of every module of its own: the same module always changes alike, others otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae.config import ConditionsConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.conditions import apply, describe
from econ_ae.data.module_changes import dead, modules, overlaid
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY


def batch(rows: int = 240, events: int = 10, seed: int = 1) -> Batch:
    rng = np.random.default_rng(seed)
    place = rng.integers(0, 6, rows)
    metadata = {
        "event": np.sort(rng.integers(0, events, rows)),
        "layer": place % 2,
        "zside": rng.choice([-1, 1], rows),
        "x": 16.7 * (place // 2),
        "y": np.full(rows, 50.0),
    }
    charges = np.where(rng.random((rows, 48)) < 0.4, rng.integers(1, 60, (rows, 48)), 0).astype(np.uint32) * 8
    return Batch(charges, Provenance("test", synthetic=False), metadata)


def test_dead_cells_belong_to_the_module() -> None:
    images = batch()
    seen = apply(images, ConditionsConfig(dead_count=5, per_module=True), LOW_DENSITY)
    keys, which = modules(images)
    assert len(keys) == 12
    gone = dead(keys, np.ones(48, np.bool_), 5, 1)
    assert (gone.sum(axis=1) == 5).all()
    assert len({row.tobytes() for row in gone}) == 12
    for module in range(len(keys)):
        rows = which == module
        assert not seen.charges[rows][:, gone[module]].any()
    same = ~gone[which]
    # Which rows there are says nothing of which cells of a module are dead, nor does another number of dead cells.
    part = apply(images[:50], ConditionsConfig(dead_count=5, per_module=True), LOW_DENSITY)
    np.testing.assert_array_equal(part.charges, seen.charges[:50])
    assert (dead(keys, np.ones(48, np.bool_), 3, 1) <= gone).all()
    ones = apply(images, ConditionsConfig(dead_count=5), LOW_DENSITY).charges
    assert ((ones == 0).all(axis=0)).sum() == 5
    assert same.any()


def test_gains_are_one_per_module_and_cell() -> None:
    images = replace(batch(), charges=np.full((240, 48), 1 << 12, np.uint32))
    seen = apply(images, ConditionsConfig(drift=0.3, per_module=True), LOW_DENSITY).charges
    _, which = modules(images)
    for module in range(12):
        assert len(np.unique(seen[which == module], axis=0)) == 1
    assert len(np.unique(seen, axis=0)) == 12
    one = apply(images, ConditionsConfig(drift=0.3), LOW_DENSITY).charges
    assert len(np.unique(one, axis=0)) == 1


def test_pileup_is_that_of_the_same_module_in_other_crossings() -> None:
    """Every place has charges in cells of its own: none of another place may come in."""
    images = batch(events=2)
    _, place = modules(images, sides=False)
    charges = np.zeros((240, 48), np.uint32)
    for cell in range(8):
        charges[np.arange(240), place * 8 + cell] = 8 * (1 + np.arange(240) % 7)
    images = replace(images, charges=charges)
    seen = apply(images, ConditionsConfig(pileup=2.0, per_module=True), LOW_DENSITY).charges
    other = np.ones((240, 48), np.bool_)
    for cell in range(8):
        other[np.arange(240), place * 8 + cell] = False
    assert not seen[other].any()
    assert seen.sum() > 1.6 * charges.sum()
    blind = apply(images, ConditionsConfig(pileup=2.0), LOW_DENSITY).charges
    assert blind[other].any()


def test_a_module_that_is_seldom_hit_gets_little_pileup() -> None:
    rows = np.arange(100)
    metadata = {"event": rows, "layer": np.where(rows < 10, 1, 0), "x": np.zeros(100), "y": np.zeros(100)}
    images = Batch(np.full((100, 48), 80, np.uint32), Provenance("test", synthetic=False), metadata)
    out = overlaid(images.charges.astype(np.float64), 2.0, images, np.random.default_rng(3))
    grown = out.sum(axis=1) / (48 * 80)
    assert grown[:10].mean() == pytest.approx(1.1, abs=0.3)
    assert grown[10:].mean() == pytest.approx(1.9, abs=0.1)


def test_images_that_do_not_say_their_module_are_refused() -> None:
    images = batch()
    blind = replace(images, metadata={"layer": images.metadata["layer"]})
    with pytest.raises(DataError, match=r"conditions.per_module: test does not say which module .* \(it has layer\)"):
        apply(blind, ConditionsConfig(dead_count=1, per_module=True), LOW_DENSITY)


def test_at_least_one_cell_is_left() -> None:
    with pytest.raises(ConfigError, match="every trigger cell is dead"):
        apply(batch(), ConditionsConfig(dead=(1, 2), dead_count=46), LOW_DENSITY)
    assert describe(ConditionsConfig(dead_count=2, drift=0.1, pileup=1.5, per_module=True)) == [
        "pileup times 1.5, of the same module",
        "calibration drift of 10.0% per cell of every module",
        "2 dead cells of every module, drawn at random",
    ]
