"""The lattice that decoders see: rings of neighbours, weights shared by all cells."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.hexagonal import Around, rings


def test_rings_of_the_lattice() -> None:
    first, second = rings(LOW_DENSITY)
    assert first.sum(axis=1).max() == 6
    assert second.sum(axis=1).max() == 8
    assert not np.trace(first + second)
    assert (first + second).max() == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_a_turned_module_gives_turned_channels(turn: int) -> None:
    layer = Around(rings(LOW_DENSITY), 4, 1)
    x = np.random.default_rng(1).normal(size=(48, 5, 4)).astype(np.float32)
    cells = LOW_DENSITY.rotations[turn]
    assert np.allclose(np.asarray(layer(x))[cells], np.asarray(layer(x[cells])), atol=1e-5)
    assert not np.allclose(np.asarray(layer(x)), np.asarray(layer(x[cells])), atol=1e-2)


def test_a_cell_sees_two_rings_and_the_mean() -> None:
    layer = Around(rings(LOW_DENSITY), 4, 1)
    x = np.random.default_rng(1).normal(size=(48, 1, 4)).astype(np.float32)
    swapped = x.copy()
    near = rings(LOW_DENSITY).sum(axis=0)[20] > 0
    far = np.flatnonzero(~near & (np.arange(48) != 20))[:2]
    swapped[far] = x[far[::-1]]
    assert np.allclose(np.asarray(layer(x))[20], np.asarray(layer(swapped))[20], atol=1e-5), "the mean alone"
    swapped[np.flatnonzero(near)[0]] += 1
    assert not np.allclose(np.asarray(layer(x))[20], np.asarray(layer(swapped))[20], atol=1e-3)
