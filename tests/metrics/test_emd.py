"""EMD: hand-computed values, metric axioms, equality with the full problem, accounting of undefined pairs."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from ot import emd2

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.emd import emd

FloatArray = NDArray[np.float64]


def one_cell(cell: int, charge: float = 1.0) -> FloatArray:
    image = np.zeros((1, 48))
    image[0, cell] = charge
    return image


def sparse_images(n: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    images = rng.lognormal(3, 1.5, (n, 48)) * (rng.random((n, 48)) < 0.3)
    images[:, 0] += 1  # no image is empty
    return images


def test_move_between_neighbours_costs_one_trigger_cell_pitch() -> None:
    # TC 0 and TC 1 are neighbours of one sector: two EMD units, one trigger-cell pitch of 2.4168 cm.
    assert emd(one_cell(0), one_cell(1), MODULE).values == pytest.approx([2.0])


def test_half_of_the_charge_moved_costs_half() -> None:
    half = one_cell(0, 5) + one_cell(1, 5)
    assert emd(one_cell(0), half, MODULE).values == pytest.approx([1.0])


def test_charge_in_the_middle_is_cheaper_to_pass_on_or_to_move_directly() -> None:
    # TCs 0, 1, 2 lie on a line: moving 0 -> 2 costs 4 whether or not cell 1 keeps its charge.
    x, y = one_cell(0) + one_cell(1), one_cell(1) + one_cell(2)
    assert emd(x, y, MODULE).values == pytest.approx([2.0])  # half of the charge by 4


def test_multiples_of_an_image_are_at_exactly_zero() -> None:
    x = sparse_images(200, 1)
    scale = np.linspace(1e-6, 1e6, 200)[:, None]
    np.testing.assert_array_equal(emd(x, x * scale, MODULE).values, 0.0)


def test_largest_distance_of_the_module() -> None:
    far = np.unravel_index(MODULE.distance.argmax(), MODULE.distance.shape)
    assert emd(one_cell(int(far[0])), one_cell(int(far[1])), MODULE).values == pytest.approx([13.757], abs=5e-4)


def test_equals_the_full_transport_problem() -> None:
    x, y = sparse_images(150, 2), sparse_images(150, 3)
    y[:50] = x[:50] * np.random.default_rng(4).uniform(0.9, 1.1, (50, 48))  # small remainders
    y[50:60] = 1.0
    full = [emd2(p / p.sum(), q / q.sum(), MODULE.distance) for p, q in zip(x, y, strict=True)]
    np.testing.assert_allclose(emd(x, y, MODULE).values, full, rtol=0, atol=1e-9)


def test_is_symmetric_and_obeys_the_triangle_inequality() -> None:
    x, y, z = (sparse_images(100, seed) for seed in (5, 6, 7))
    xy, yz, xz = emd(x, y, MODULE).values, emd(y, z, MODULE).values, emd(x, z, MODULE).values
    np.testing.assert_allclose(emd(y, x, MODULE).values, xy, rtol=0, atol=1e-12)
    assert (xz <= xy + yz + 1e-12).all()
    assert (xz < xy + yz - 0.1).any()  # the inequality is not an accident of equal values


def test_pairs_with_an_empty_image_are_undefined_and_in_no_average() -> None:
    x, y = np.repeat(one_cell(0), 4, axis=0), np.repeat(one_cell(1), 4, axis=0)
    x[1], y[2], x[3], y[3] = 0, 0, 0, 0
    result = emd(x, y, MODULE)
    assert result.defined.tolist() == [True, False, False, False]
    assert result.n_undefined == 3
    assert np.isnan(result.values[1:]).all()
    assert result.of_defined == pytest.approx([2.0])


def test_no_pairs_is_no_error() -> None:
    assert len(emd(np.zeros((0, 48)), np.zeros((0, 48)), MODULE)) == 0


def test_integers_and_processes_give_the_same_values() -> None:
    x, y = (sparse_images(9, seed).astype(np.uint32) for seed in (8, 9))
    x[4] = 0
    spawned = emd(x, y, MODULE, jobs=2)
    np.testing.assert_array_equal(spawned.values, emd(x.astype(float), y, MODULE, jobs=1).values)
    assert spawned.n_undefined == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "y row 2, trigger cell 7 is -1.0; expected a finite charge >= 0"),
        (np.nan, "y row 2, trigger cell 7 is nan; expected a finite charge >= 0"),
        (np.inf, "y row 2, trigger cell 7 is inf; expected a finite charge >= 0"),
    ],
)
def test_bad_charges_name_the_first_row(value: float, message: str) -> None:
    x = np.ones((5, 48))
    y = np.ones((5, 48))
    y[2, 7] = y[4, 0] = value
    with pytest.raises(DataError, match=re.escape(message)):
        emd(x, y, MODULE)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((2, 47)), np.ones((2, 48)), "x has shape (2, 47); expected (n, 48)"),
        (np.ones(48), np.ones((1, 48)), "x has shape (48,); expected (n, 48)"),
        (np.ones((2, 48)), np.ones((3, 48)), "x has 2 images and y 3"),
        (np.full((1, 48), "a"), np.ones((1, 48)), "x must hold real numbers"),
        (np.ones((2, 48)), np.vstack([np.ones(48), np.full(48, 1e308)]), "y row 1 has a sum above the float64 range"),
    ],
)
def test_bad_batches(x: FloatArray, y: FloatArray, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        emd(x, y, MODULE)
