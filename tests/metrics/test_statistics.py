"""Summaries, paired differences and profiles of known samples."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.errors import DataError
from metrics.emd import EmdResult
from metrics.profiles import profile, quantile_edges
from metrics.statistics import paired_difference, summarise


def result(values: list[float] | np.ndarray) -> EmdResult:
    array = np.array(values, dtype=np.float64)
    return EmdResult(array, ~np.isnan(array))


def test_undefined_pairs_enter_no_number() -> None:
    summary = summarise(result([1.0, np.nan, 2.0, 3.0, np.nan]), seed=0)
    assert (summary.n_defined, summary.n_undefined) == (3, 2)
    assert summary.mean.value == 2.0
    assert summary.median.value == 2.0


def test_bootstrap_errors_are_those_of_the_normal_distribution() -> None:
    n = 4000
    summary = summarise(result(np.random.default_rng(3).normal(10, 2, n)), seed=0, resamples=400)
    assert summary.mean.error == pytest.approx(2 / np.sqrt(n), rel=0.15)
    assert summary.median.error == pytest.approx(2 * np.sqrt(np.pi / 2 / n), rel=0.25)
    assert (summary.low.value, summary.high.value) == pytest.approx((8.01, 11.99), abs=0.15)


def test_the_seed_decides_the_errors() -> None:
    values = result(np.arange(50.0))
    assert summarise(values, seed=1) == summarise(values, seed=1)
    assert summarise(values, seed=1).mean.error != summarise(values, seed=2).mean.error


def test_chunked_resampling_gives_every_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    values = result(np.arange(50.0))
    whole = summarise(values, seed=1)
    monkeypatch.setattr("metrics.statistics._CHUNK", 120)  # two resamples at once
    assert summarise(values, seed=1) == whole


def test_paired_difference_sees_what_separate_errors_hide() -> None:
    base = np.random.default_rng(0).normal(0, 100, 500)
    a, b = base + 1.0, base.copy()
    b[7] = np.nan
    difference = paired_difference(result(a), result(b), seed=0)
    assert difference.mean.value == pytest.approx(1.0)
    assert difference.significance > 1e6
    assert (difference.a_better, difference.b_better, difference.n_pairs) == (0.0, 1.0, 499)
    assert paired_difference(result(a), result(a), seed=0).significance == 0.0


def test_nothing_defined_is_an_error() -> None:
    with pytest.raises(DataError, match="none of the 2 pairs has an EMD"):
        summarise(result([np.nan, np.nan]), seed=0)
    with pytest.raises(DataError, match="none of the 2 events has an EMD in both"):
        paired_difference(result([1, np.nan]), result([np.nan, 1]), seed=0)
    with pytest.raises(DataError, match="the same events: 1 and 2"):
        paired_difference(result([1]), result([1, 2]), seed=0)


def test_profile_bins() -> None:
    values = result([1.0, 3.0, np.nan, 10.0, 20.0, 99.0])
    p = profile(values, [0, 1, 1, 2, 4, 5], [0, 2, 3, 4])
    assert p.count.tolist() == [2, 1, 1]  # 4 is the last edge and counts; 5 is outside; NaN is no event
    assert p.mean.tolist() == [2.0, 10.0, 20.0]
    assert p.mean_error[0] == pytest.approx(1.0)
    assert np.isnan(p.mean_error[1])
    assert p.centre.tolist() == [0.5, 2.0, 4.0]
    empty = profile(values, [0] * 6, [0, 1, 2])
    assert empty.count.tolist() == [5, 0]
    assert np.isnan(empty.median[1])


def test_quantile_edges_hold_every_value() -> None:
    occupancy = np.random.default_rng(0).poisson(6, 1000)
    edges = quantile_edges(occupancy, 10)
    assert len(edges) <= 11
    assert profile(result(np.ones(1000)), occupancy, edges).count.sum() == 1000
    assert profile(result(np.ones(9)), np.full(9, 5), quantile_edges(np.full(9, 5), 4)).count.tolist() == [9]


def test_profile_errors() -> None:
    with pytest.raises(DataError, match="rising numbers"):
        profile(result([1]), [1], [2, 2])
    with pytest.raises(DataError, match=r"expected \(2,\), one per pair"):
        profile(result([1, 2]), [1], [0, 1])
