"""EMD: hand-computed values, metric axioms, equality with the full problem, accounting of undefined pairs."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.emd import emd, emd_duals, emd_matrix

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


def test_the_nearest_arc_is_not_always_part_of_the_optimum() -> None:
    # TCs 0..3 on a line, charge at 1 and 3 to 0 and 2: 1 -> 0, 3 -> 2 costs 2 each. Greedy by distance may start
    # with 1 -> 2 and then pays 6 for 3 -> 0.
    x, y = one_cell(1) + one_cell(3), one_cell(0) + one_cell(2)
    assert emd(x, y, MODULE).values == pytest.approx([2.0])


def test_multiples_of_an_image_are_at_exactly_zero() -> None:
    x = sparse_images(200, 1)
    scale = np.linspace(1e-6, 1e6, 200)[:, None]
    np.testing.assert_array_equal(emd(x, x * scale, MODULE).values, 0.0)


def test_largest_distance_of_the_module() -> None:
    far = np.unravel_index(MODULE.distance.argmax(), MODULE.distance.shape)
    assert emd(one_cell(int(far[0])), one_cell(int(far[1])), MODULE).values == pytest.approx([13.757], abs=5e-4)


def test_is_symmetric_and_obeys_the_triangle_inequality() -> None:
    x, y, z = (sparse_images(100, seed) for seed in (5, 6, 7))
    xy, yz, xz = emd(x, y, MODULE).values, emd(y, z, MODULE).values, emd(x, z, MODULE).values
    np.testing.assert_allclose(emd(y, x, MODULE).values, xy, rtol=0, atol=1e-12)
    assert (xz <= xy + yz + 1e-12).all()
    assert (xz < xy + yz - 0.1).any()  # the inequality is not an accident of equal values


def test_pairs_with_an_empty_image_are_undefined_and_in_no_average() -> None:
    x, y = np.repeat(one_cell(0), 4, axis=0), np.repeat(one_cell(1), 4, axis=0)
    x[1], y[2], x[3], y[3] = 0, 0, 0, 0
    result = emd(x, y, MODULE, return_flow=True)
    assert result.defined.tolist() == [True, False, False, False]
    assert result.n_undefined == 3
    assert np.isnan(result.values[1:]).all()
    assert result.of_defined == pytest.approx([2.0])
    assert result.flow is not None
    assert not result.flow[1:].any()
    assert np.isnan(emd_duals(x, y, MODULE).u).any(axis=1).tolist() == [False, True, True, True]


def test_matrix_is_all_pairs() -> None:
    x, y = sparse_images(7, 10), sparse_images(5, 11)
    y[3] = 0
    result = emd_matrix(x, y, MODULE)
    assert result.values.shape == (7, 5)
    pairs = emd(np.repeat(x, 5, axis=0), np.tile(y, (7, 1)), MODULE)
    np.testing.assert_array_equal(result.values.ravel(), pairs.values)
    assert result.n_undefined == 7
    assert len(result.of_defined) == 28
    assert emd_matrix(x, np.zeros((0, 48)), MODULE).values.shape == (7, 0)


def test_threshold_drops_tiny_fractions() -> None:
    x = one_cell(0, 0.999) + one_cell(47, 0.001)
    assert emd(x, one_cell(1), MODULE).values[0] > 2.001
    assert emd(x, one_cell(1), MODULE, threshold=0.002).values == pytest.approx([2.0])
    assert emd(np.ones((1, 48)), x, MODULE, threshold=0.5).n_undefined == 1  # nothing is left of a flat image
    assert np.isnan(emd_matrix(np.ones((1, 48)), x, MODULE, threshold=0.5).values).all()


def test_no_pairs_is_no_error() -> None:
    assert len(emd(np.zeros((0, 48)), np.zeros((0, 48)), MODULE)) == 0
    assert emd_duals(np.zeros((0, 48)), np.zeros((0, 48)), MODULE).u.shape == (0, 48)


def test_integers_and_other_layouts_give_the_same_values() -> None:
    x, y = (sparse_images(9, seed).astype(np.uint32) for seed in (8, 9))
    expected = emd(x.astype(float), y, MODULE).values
    np.testing.assert_array_equal(emd(x, np.asfortranarray(y), MODULE).values, expected)
    np.testing.assert_array_equal(emd(x.astype(np.float32), y.astype(np.int64), MODULE).values, expected)
    np.testing.assert_array_equal(emd(np.repeat(x, 2, axis=0)[::2], y.tolist(), MODULE).values, expected)


def test_threads_change_no_bit_and_progress_counts_every_pair() -> None:
    x, y = (sparse_images(20_000, seed) for seed in (12, 13))  # three chunks
    x[17] = 0
    done: list[int] = []
    one, many = (emd(x, y, MODULE, jobs=jobs, progress=done.append) for jobs in (1, 3))
    assert one.values.tobytes() == many.values.tobytes()
    assert sorted(done) == sorted([8192, 8192, 3616] * 2)
    duals = [emd_duals(x, y, MODULE, jobs=jobs).u.tobytes() for jobs in (1, 3)]
    assert duals[0] == duals[1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "y row 9002, trigger cell 7 is -1.0; expected a finite charge >= 0"),
        (np.nan, "y row 9002, trigger cell 7 is nan; expected a finite charge >= 0"),
        (np.inf, "y row 9002, trigger cell 7 is inf; expected a finite charge >= 0"),
    ],
)
def test_bad_charges_name_the_first_row_before_anything_is_solved(value: float, message: str) -> None:
    x = np.ones((9005, 48))
    y = np.ones((9005, 48))
    y[9002, 7] = y[9004, 0] = value
    solved: list[int] = []
    with pytest.raises(DataError, match=re.escape(message)):
        emd(x, y, MODULE, progress=solved.append)
    assert not solved
    with pytest.raises(DataError, match=re.escape(message)):
        emd_duals(x, y, MODULE)
    with pytest.raises(DataError, match=re.escape(message)):
        emd_matrix(x[:1], y, MODULE)


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


def test_bad_options() -> None:
    image = np.ones((1, 48))
    with pytest.raises(DataError, match=re.escape("jobs must be at least 1 (or None), not 0")):
        emd(image, image, MODULE, jobs=0)
    with pytest.raises(DataError, match=re.escape("0 <= threshold < 1, not 1.0")):
        emd(image, image, MODULE, threshold=1.0)
