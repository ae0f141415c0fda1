"""Measures: known distributions, errors that are right, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from metrics.trigger import resolution
from metrics.trigger.calibrate import Calibration, calibrated, calibration
from metrics.trigger.clusters import Clusters
from metrics.trigger.electrons import Found, shifts
from metrics.trigger.match import Targets, away_from, matched, pairs
from metrics.trigger.resampling import Events
from metrics.trigger.resolution import Cruijff, effective_rms, fit_cruijff
from metrics.trigger.separation import as_in_the_others, efficiency, separate
from metrics.trigger.shapes import Shapes
from metrics.trigger.turn_on import (
    CROSSINGS_MHZ,
    efficiencies,
    fit_turn_on,
    points,
    rate,
    rate_change,
    rates,
    share_error,
)


@pytest.fixture
def rng() -> Iterator[np.random.Generator]:
    return np.random.default_rng(4)


def clusters_at(side: list[int], pt: list[float], eta: list[float], phi: list[float]) -> Clusters:
    n = len(side)
    names = Shapes.names()
    flat = {name: np.ones(n) for name in names}
    return Clusters(np.array(side), *(np.array(x, float) for x in (pt, eta, phi)), Shapes(**flat))


def test_effective_rms_of_a_gaussian_is_its_width(rng: np.random.Generator) -> None:
    values = rng.normal(1.0, 0.08, 20_000)
    assert effective_rms(values) == pytest.approx(0.994 * 0.08, rel=0.02)
    assert effective_rms(np.append(values, np.full(200, 50.0))) == pytest.approx(0.08, rel=0.04)  # tails do not matter
    assert np.isnan(effective_rms(np.array([1.0, 2.0])))


def test_effective_rms_is_half_of_the_shortest_interval() -> None:
    assert effective_rms(np.array([0.0, 1.0, 1.1, 1.2, 9.0])) == pytest.approx((1.2 - 0.0) / 2)
    assert effective_rms(np.array([0.0, 1.0, 1.1, 1.2])) == pytest.approx((1.2 - 1.0) / 2)  # 3 of 4 are 68 %


def test_cruijff_finds_two_widths_and_tails(rng: np.random.Generator) -> None:
    true = Cruijff(1.0, 0.1, 0.05, 0.15, 0.05)
    x = rng.uniform(0.2, 1.6, 400_000)
    values = x[rng.random(len(x)) < true.shape(x)]
    found = fit_cruijff(values)
    assert found is not None
    assert found.mean == pytest.approx(1.0, abs=0.01)
    assert found.left == pytest.approx(0.1, rel=0.08)
    assert found.right == pytest.approx(0.05, rel=0.08)
    assert fit_cruijff(values[:20]) is None


def test_two_sides_give_the_resolution_of_one(rng: np.random.Generator) -> None:
    true = rng.uniform(20, 80, 20_000)
    a, b = (true * rng.normal(1, 0.06, len(true)) for _ in range(2))
    assert resolution.two_sided(a, b) == pytest.approx(0.06, rel=0.03)
    assert resolution.two_sided_mean(a, b) == pytest.approx(0.06, rel=0.03)
    assert resolution.two_sided(a, a) == 0
    assert np.isnan(resolution.two_sided(a[:0], b[:0]))


def test_correlation_of_the_shuffled_vanishes(rng: np.random.Generator) -> None:
    true = rng.uniform(5, 100, 4000)
    seen = true * rng.normal(1, 0.08, len(true))
    draws = Events(np.arange(len(true)))
    assert draws.of(resolution.correlation, seen, true).value > 0.97
    shuffled = draws.of(resolution.correlation, seen, rng.permutation(true)).measured
    assert abs(shuffled.value) < 4 * shuffled.error
    assert shuffled.error == pytest.approx(1 / np.sqrt(len(true)), rel=0.2)


def test_the_middle_is_without_the_largest_and_smallest_differences() -> None:
    one = np.arange(20.0)
    other = one.copy()
    other[[3, 11]] += 100  # among the largest tenth
    other[7] += 1
    assert resolution.correlation(one, other) < 0.9
    assert resolution.middle_correlation(one, other) > 0.99


def test_the_bootstrap_error_of_a_mean_is_that_of_events(rng: np.random.Generator) -> None:
    event = np.repeat(np.arange(400), 5)
    shared = rng.normal(size=400)[event]  # all rows of an event are the same
    found = Events(event, 400).of(lambda x: float(x.mean()), shared).measured
    assert found.error == pytest.approx(shared.std() / np.sqrt(400), rel=0.15)


def test_what_two_algorithms_share_cancels(rng: np.random.Generator) -> None:
    values = rng.normal(1, 0.1, 1000)
    draws = Events(np.arange(1000))
    one, other = draws.of(effective_rms, values), draws.of(effective_rms, values.copy())
    assert (one.minus(other).value, one.minus(other).error) == (0.0, 0.0)
    assert (one.relative(other).value, one.relative(other).error) == (0.0, 0.0)
    assert one.measured.error > 0


def test_matching_takes_the_hardest_within_reach_on_the_same_side() -> None:
    found = clusters_at(
        [0, 0, 0, 1, 1], [10, 30, 90, 50, 40], [-2.0, -2.05, -2.3, 2.0, 2.0], [3.14, -3.13, 3.1, 0.0, 1.0]
    )
    targets = Targets(
        np.array([0, 0, 0]), np.array([0, 1, 1]), np.array([-2.02, 2.0, 2.5]), np.array([3.12, 0.98, 0.0]), np.ones(3)
    )
    np.testing.assert_array_equal(matched(targets, found), [1, 4, -1])
    np.testing.assert_array_equal(away_from(targets, found, 0.4), [False, False, False, True, False])


def test_pairs_are_back_to_back() -> None:
    found = clusters_at(
        [0, 1, 2, 3, 4, 5, 4], [30, 31, 30, 30, 20, 10, 90], [-2.0, 2.02, -2.0, 2.0, -1.9, 1.9, -2.8],
        [0.5, 0.5 - np.pi, 0.5, 0.6, 1.0, 1.0 - np.pi, 0.0],
    )  # fmt: skip
    some = pairs(found, 3)
    np.testing.assert_array_equal(some.event, [0, 0])
    np.testing.assert_array_equal(some.side, [0, 1])
    assert len(pairs(found, 3, least_pt=30.5)) == 0


def test_a_position_is_a_distance_in_mm() -> None:
    one = Found(np.ones(2), np.array([2.0, 2.0]), np.array([0.0, 0.01]))
    eta, phi, mm = shifts(one, np.array([2.0, 2.0]), np.zeros(2))
    np.testing.assert_allclose(eta, 0)
    np.testing.assert_allclose(phi, [0, 0.01])
    np.testing.assert_allclose(mm, [0, 2 * 3313.3 / np.sinh(2.0) * np.sin(0.005)])


def test_a_turn_on_is_found(rng: np.random.Generator) -> None:
    pt = rng.uniform(5, 60, 4000)
    seen = pt * rng.normal(0.9, 0.08, len(pt))
    curve = fit_turn_on(pt, seen, 20.0)
    assert curve is not None
    assert curve.half == pytest.approx(20 / 0.9, rel=0.02)
    assert curve.point == pytest.approx(20 / (0.9 - 1.645 * 0.08), rel=0.03)
    assert curve.plateau > 0.99
    assert fit_turn_on(pt, seen, 1000.0) is None
    rising = points(pt, seen, np.array([10.0, 20.0, 30.0]))
    assert (np.diff(rising) > 5).all()


def test_rates_are_shares_of_the_crossings() -> None:
    highest = np.array([0.0, 5.0, 20.0, 30.0])
    np.testing.assert_allclose(rates(highest, np.array([10.0, 20.0, 40.0])) / CROSSINGS_MHZ, [0.5, 0.5, 0.0])
    assert pytest.approx(31.04, abs=0.01) == CROSSINGS_MHZ


def test_errors_of_shares_are_binomial_and_not_0_where_none_or_all_pass() -> None:
    assert share_error(np.array([300.0]), np.array([1000.0]))[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 1000), rel=0.01)
    none, every = share_error(np.array([0.0, 50.0]), np.array([50.0, 50.0]))
    assert none == every > 0.01
    _, error, _ = efficiencies(np.full(20, 30.0), np.full(20, 30.0), 20.0, np.array([25.0, 35.0]))
    assert error[0] > 0


def test_rates_of_few_events_have_errors_and_so_have_their_changes(rng: np.random.Generator) -> None:
    highest = np.full(50, 5.0)
    highest[0] = 30.0
    assert rate(highest, 20.0).value == pytest.approx(CROSSINGS_MHZ / 50)
    assert rate(highest, 40.0).value == 0.0
    assert rate(highest, 40.0).error > 0.2 * CROSSINGS_MHZ / 50
    moved = highest * 0.99
    change = rate_change(moved, highest, 20.0)  # the same event passes
    assert change.value == 0.0
    assert change.error > 0.5 * CROSSINGS_MHZ / 50
    same = rate_change(highest, highest.copy(), 20.0)
    assert (same.value, same.error) == (0.0, 0.0)
    # With many events the error is that of the events that pass in one of both.
    one, other = rng.uniform(0, 30, (2, 4000))
    passed = (one >= 20).astype(float) - (other >= 20)
    assert rate_change(one, other, 20.0).value == pytest.approx(CROSSINGS_MHZ * passed.mean())
    assert rate_change(one, other, 20.0).error == pytest.approx(CROSSINGS_MHZ * passed.std() / np.sqrt(4000), rel=0.01)


def test_what_tells_a_place_alone_separates_nothing(rng: np.random.Generator) -> None:
    """Electrons are flat in a variable and the others are not: with weights the variable is of no use."""
    electron = np.arange(1200) < 600
    place = np.where(electron, rng.uniform(1.6, 2.8, 1200), 1.6 + 1.2 * rng.beta(6, 2, 1200))
    event = rng.integers(0, 100, 1200)
    weight = as_in_the_others(place, electron, np.linspace(1.2, 3.2, 21))
    assert weight[electron].sum() == pytest.approx(weight[~electron].sum())
    assert set(weight[~electron]) <= {0.0, 1.0}
    table = place[:, None]
    plain, matched_ = separate(table, electron, event), separate(table, electron, event, weight)
    assert plain is not None
    assert matched_ is not None
    kind = electron.astype(float)
    assert efficiency(plain.score, kind, 0.95) > 0.25
    assert efficiency(matched_.score, kind, 0.95, matched_.weight) < 0.15


def test_bins_with_one_kind_alone_do_not_count() -> None:
    electron = np.array([True, True, True, False, False])
    weight = as_in_the_others(np.array([0.5, 0.6, 1.5, 0.7, 2.5]), electron, np.arange(4.0))
    np.testing.assert_array_equal(weight, [0.5, 0.5, 0.0, 1.0, 0.0])


def test_shapes_that_differ_separate_and_noise_does_not(rng: np.random.Generator) -> None:
    n = 600
    electron = np.arange(n) < 200
    event = rng.integers(0, 60, n)
    noise = rng.normal(size=(n, 4))
    told = noise.copy()
    told[:, 1] += 6 * electron
    good, bad = separate(told, electron, event), separate(noise, electron, event)
    assert good is not None
    assert bad is not None
    assert efficiency(good.score, electron.astype(float), 0.99) > 0.9
    chance = efficiency(bad.score, electron.astype(float), 0.95)
    assert chance == pytest.approx(0.05, abs=0.06)  # what was learnt by heart is of no use in other events
    assert separate(noise[:30], electron[:30], event[:30]) is None


def test_a_calibration_takes_out_scale_and_pileup(rng: np.random.Generator) -> None:
    true, eta = rng.uniform(5, 100, 3000), rng.uniform(1.6, 2.8, 3000)
    seen = 0.8 * true + 6 * eta - 5
    found = calibration(true, seen, eta)
    np.testing.assert_allclose(found.apply(seen, -eta), true, rtol=1e-9)
    assert calibration(true[:5], seen[:5], eta[:5]) == Calibration()
    targets = Targets(np.arange(3000), 2 * np.arange(3000), eta, np.zeros(3000), true)
    moved = calibrated(targets, Found(seen, eta, np.zeros(3000)))
    np.testing.assert_allclose(moved.pt, true, rtol=1e-9)


def test_a_calibration_does_not_know_its_own_events() -> None:
    event = np.arange(200)
    true = np.where(event % 2, 10.0, 20.0) + np.linspace(0, 1, 200)
    eta = np.linspace(1.6, 2.8, 200)
    targets = Targets(event, 2 * event, eta, np.zeros(200), true)
    seen = Found(np.where(event % 2, 2.0, 1.0) * true, eta, np.zeros(200))
    # Odd events are seen twice as large, even ones as they are: each half gets the scale of the other.
    ratio = calibrated(targets, seen).pt / true
    assert ratio[event % 2 == 1].mean() > 1.5
    assert ratio[event % 2 == 0].mean() < 0.7
