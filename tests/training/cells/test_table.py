"""The table decoder: levels of the training events, fractions that sum to 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.config.skeleton import skeleton
from econ_ae.errors import RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.cells.candidates import candidates
from econ_ae.training.cells.table import LEVELS, Table
from metrics.emd import emd
from tests.training.cells.sparse import config, images

MODEL = skeleton(config(), LOW_DENSITY)
MODES = MODEL.cell_code.choose.modes


def test_fractions_follow_pulses() -> None:
    seen = candidates(MODEL, images(400, 1))
    found = Table.fitted(MODES, seen, LOW_DENSITY)
    image = found.fractions(seen.mode, seen.pulses)
    assert np.allclose(image.sum(axis=1), 1)
    assert image.min() >= 0
    assert (image[seen.pulses > 0] > 0).all()
    plain = seen.pulses / seen.pulses.sum(axis=1, keepdims=True)
    fitted, without = (emd(seen.charges[seen.row], one, LOW_DENSITY).values.mean() for one in (image, plain))
    assert fitted < without, "levels and unsent cells are nearer than the pulses themselves"


def test_a_level_is_the_median_of_the_charges_it_stands_for() -> None:
    table = Table(
        np.tile(np.arange(1.0, LEVELS + 1), (2, 1)),
        np.array([0.0, 2.0]),
        np.array([[0.0] * 5, [0.0, 0.5, 0.0, 0.0, 0.0]]),
        np.asarray(LOW_DENSITY.stc4),
    )
    pulses = np.zeros((1, 48), np.int64)
    first = LOW_DENSITY.stc4[0]
    pulses[0, first[0]] = 20
    image = table.fractions(np.array([1]), pulses)[0]
    assert image[first[0]] == pytest.approx(22 / 23.5)
    assert image[first[1:]] == pytest.approx([0.5 / 23.5] * 3)
    assert image.sum() == pytest.approx(1)
    assert table.fractions(np.array([0]), pulses)[0, first[0]] == 1


def test_kept_and_damaged(tmp_path: Path) -> None:
    found = Table.fitted(MODES, candidates(MODEL, images(100, 2)), LOW_DENSITY)
    path = tmp_path / "table.npz"
    found.save(path)
    read = Table.load(path)
    assert (read.levels == found.levels).all()
    assert (read.unsent == found.unsent).all()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RunDirectoryError, match=r"table.npz is missing or damaged"):
        Table.load(path)
