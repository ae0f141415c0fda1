"""Maps: every module once, pictures that can be read, colours for every name."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.image import imread

from econ_ae.errors import DataError
from metrics.detector import maps
from metrics.detector.maps import Places


def places() -> Places:
    lattice = np.array([[u * 14.5, v * 16.74 + u * 8.37] for u in range(-2, 3) for v in range(-2, 3)])
    xy = np.concatenate([lattice, lattice, lattice])
    return Places(np.repeat([0, 0, 5], len(lattice)), xy[:, 0], xy[:, 1])


def test_every_module_once_with_the_mean_of_its_images() -> None:
    values = np.concatenate([np.full(25, 1.0), np.full(25, 3.0), np.full(25, np.nan)])
    modules, mean = maps.averages(places(), values)
    assert len(modules) == 50
    np.testing.assert_array_equal(mean[modules[:, 0] == 0], 2.0)
    assert np.isnan(mean[modules[:, 0] == 5]).all()


def test_pictures_can_be_read_and_are_not_empty() -> None:
    modules, mean = maps.averages(places(), np.linspace(0.01, 1, 75))
    for png in (
        maps.of_numbers(modules, mean, "EMD"),
        maps.of_names(modules, ["a", "b"] * 25, ["a", "b"], "class"),
    ):
        picture = imread(io.BytesIO(png))
        assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 5
        assert maps.data_uri(png).startswith("data:image/png;base64,iVBOR")


def test_mistakes_are_named() -> None:
    modules, mean = maps.averages(places(), np.full(75, np.nan))
    with pytest.raises(DataError, match="at least one module"):
        maps.of_numbers(modules, mean, "EMD")
    with pytest.raises(DataError, match=r"\['c'\] do not fit"):
        maps.of_names(modules, ["c"] * 50, ["a"], "class")
