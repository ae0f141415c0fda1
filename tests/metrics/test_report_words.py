"""What a report says in words: who wins, who loses, what is level, and with which errors."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.report import ReportData, render, words
from metrics.report.pivot import pivot
from metrics.report.words import headline, number
from metrics.statistics import Measured
from metrics.transmitted import transmitted
from tests.metrics.report_pages import evaluated, images, report


def test_headline_says_when_the_autoencoder_loses(losing: ReportData) -> None:
    (sentence,) = headline(losing)
    ae = next(row for row in losing.rows if row.algorithm == "ae")
    rival = min((r for r in losing.rows if r.algorithm == "bc" and r.elinks == 5), key=lambda r: r.summary.mean.value)
    assert f"worse than best choice ({rival.detail})" in sentence
    assert f"by a factor of {ae.summary.mean.value / rival.summary.mean.value:.3g}" in sentence
    assert "better" not in sentence
    assert not ae.best
    assert not rival.best
    best = next(r for r in losing.rows if r.best and r.elinks == 5)
    assert (best.algorithm, best.summary.mean.value < rival.summary.mean.value) == ("abc", True)
    assert f"worse than adaptive precision ({best.detail})" in sentence
    assert "worse than companded cell code" in sentence


def test_headline_says_when_it_wins_and_when_it_ties() -> None:
    charges = images()
    near = charges + np.random.default_rng(1).random(charges.shape)
    (wins,) = headline(report(evaluated(near, charges), charges))
    assert "better than best choice" in wins
    assert "better than STC 2x2" in wins
    sent = transmitted(charges, MODULE, [5], ["bc"]).reconstructions
    same = next(r.charges for r in sent if r.variant == "filled")
    (ties,) = headline(report(evaluated(same.copy(), charges), charges))
    assert "equal within errors to best choice" in ties


def test_a_code_without_variants_has_no_empty_brackets(losing: ReportData, page: str) -> None:
    assert any((r.algorithm, r.variant) == ("ccc", "") for r in losing.rows)
    assert "companded cell code" in page
    assert "companded cell code ()" not in page


def test_overview_marks_the_best_of_each_link_budget(losing: ReportData) -> None:
    overview = pivot(losing.rows)
    assert overview.elinks == (2, 3, 4, 5)
    assert overview.rows[0].row.algorithm == "ae"
    for column in range(4):
        cells = [row.cells[column] for row in overview.rows if row.cells[column] is not None]
        best = [cell for cell in cells if cell is not None and cell.best]
        assert len(best) == 1
        whole = [c.summary.mean.value for c in cells if c is not None and not c.lost]
        assert best[0].summary.mean.value == min(whole)
    assert {row.row.algorithm for row in overview.rows if row.elsewhere} == {"rpt", "flat"}


def test_results_within_errors_of_the_best_are_level() -> None:
    charges = images()
    sent = transmitted(charges, MODULE, [5], ["bc"]).reconstructions
    filled = next(r.charges for r in sent if r.variant == "filled")
    near = filled * np.random.default_rng(4).uniform(0.999, 1.001, filled.shape)
    of_five = [r for r in report(evaluated(near, charges, ("bc", "stc")), charges).rows if r.elinks == 5]
    rows = {r.algorithm: r for r in of_five if r.best or r.tied}
    assert {"ae", "bc"} <= set(rows)
    assert sum(row.best for row in rows.values()) == 1
    assert not any(r.tied for r in of_five if r.algorithm == "stc2x2")


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (1.5, 0.012, "1.500 ± 0.012"),
        (0.9925671, 0.0000412, "0.99257 ± 0.00004"),
        (-0.25, 0.0, "\u22120.250 ± 0.000"),
        (0.1, 1e-9, "0.10000 ± 0.00000"),
    ],
)
def test_numbers_show_their_errors(value: float, error: float, shown: str) -> None:
    assert number(Measured(value, error)).replace("\u00a0", " ") == shown
    assert words.signed(Measured(value, error)).startswith("\u2212" if value < 0 else "+")


def test_a_result_that_loses_events_is_never_best() -> None:
    charges = images()
    ae = charges.astype(float)
    ae[:30] = 0  # perfect, where it exists
    data = report(evaluated(ae, charges), charges)
    row = next(r for r in data.rows if r.algorithm == "ae")
    assert row.summary.mean.value == 0.0
    assert row.lost == 29  # event 7 has no charge to lose
    assert not row.best
    assert "†" in render(data)


@pytest.mark.parametrize(
    ("events", "mismatches", "verdict", "statement"),
    [
        (5000, 0, "pass", "Equal bit for bit"),
        (5000, 2, "fail", "Not equal"),
        (0, 0, "fail", "Nothing compared"),
    ],
)
def test_verdict(losing: ReportData, events: int, mismatches: int, verdict: str, statement: str) -> None:
    assert losing.verification is not None
    verification = replace(losing.verification, events=events, mismatches=mismatches)
    html = render(replace(losing, verification=verification))
    assert re.findall(r'class="verdict (\w+)"><strong>([^<]+)', html) == [(verdict, statement)]
