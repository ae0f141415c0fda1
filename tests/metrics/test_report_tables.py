"""Tables of a report in JSON and CSV, and reports of several runs."""

from __future__ import annotations

import base64
import csv
import json
import re

import numpy as np
import pytest

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, flat_image
from metrics.evaluate import evaluate
from metrics.report import ReportData, render, to_json
from metrics.report.pivot import pivot
from metrics.report.rivals import opinions_of
from metrics.report.tables import tables
from metrics.report.words import headline
from metrics.transmitted import transmitted
from tests.metrics.report_pages import images, parse, report


def test_json_holds_the_tables_and_no_nan(losing: ReportData) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    tree = json.loads(to_json(losing), parse_constant=refuse)
    assert [row["summary"]["mean"]["value"] for row in tree["rows"]] == [r.summary.mean.value for r in losing.rows]
    assert tree["verification"]["passed"] is True
    assert tree["synthetic"] is False
    assert tree["manifest"]["versions.numpy"] == "2.1"
    profiles = {p["name"]: p for p in tree["profiles"]}
    assert list(profiles) == ["occupancy", "charge", "max_cell", "layer"]
    assert profiles["layer"]["classes"] == [7, 8, 9]
    binned = profiles["occupancy"]["series"][0]["profile"]
    assert len(binned["mean"]) == len(binned["edges"]) - 1


def test_downloads_hold_the_tables(losing: ReportData, page: str) -> None:
    found = tables(losing)
    assert set(found) == {"results", "differences", "second_opinions", "response", "threshold_sum", "profiles"}
    linked = dict(re.findall(r'download="([^"]+)" href="data:[^,]*;base64,([^"]+)"', page))
    assert set(linked) == {f"{name}.{kind}" for name in found for kind in ("csv", "json")}
    for name, rows in found.items():
        text = base64.b64decode(linked[f"{name}.csv"]).decode()
        read = list(csv.DictReader(text.splitlines()))
        assert read == [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
        assert json.loads(base64.b64decode(linked[f"{name}.json"])) == rows


def test_runs_are_compared_on_one_page() -> None:
    charges = images()
    noise = np.random.default_rng(6).random(charges.shape)
    runs = [
        Reconstruction("ae", f"run <{n}>", n, 48, charges + n * noise * charges.max(), 62.0 + 32 * n) for n in (2, 5)
    ]
    sent = transmitted(charges, MODULE).reconstructions
    evaluation = evaluate(charges, [*runs, flat_image(charges), *sent], MODULE, seed=3)
    data = report(evaluation, charges, runs=[{"run": "run <2>", "eLinks": 2}, {"run": "run <5>", "eLinks": 5}])
    (between,) = data.run_comparisons
    assert (between.ae.variant, between.other.variant) == ("run <2>", "run <5>")
    assert between.difference.mean.value == pytest.approx(
        between.ae.summary.mean.value - between.other.summary.mean.value
    )
    assert {c.ae.elinks for c in data.comparisons} == {2, 5}
    assert all(c.ae.elinks == c.other.elinks for c in data.comparisons)
    page = render(data)
    parse(page)
    assert "Run against run" in page
    assert "run <2>" not in page
    assert len(headline(data)) == 2


def test_a_family_is_one_row_with_links_to_its_members_and_the_same_figures_as_alone() -> None:
    charges = images()
    noise = np.random.default_rng(6).random(charges.shape)
    own = [
        evaluate(charges, [Reconstruction("ae", "pulses", n, 48, charges + noise * 900 / n, 62.0)], MODULE, seed=3)
        for n in (2, 5)
    ]
    others = evaluate(charges, [flat_image(charges), *transmitted(charges, MODULE).reconstructions], MODULE, seed=3)
    whole = own[0].beside(own[1].beside(others))
    known = opinions_of(whole, np.asarray(charges, np.float64), MODULE)
    data = report(
        whole,
        charges,
        runs=[{"run": "<2>", "eLinks": 2}, {"run": "<5>", "eLinks": 5}],
        pages=["../2/index.html", "../5/index.html"],
        verification={"events": 9, "mismatches": 0, "latency": None, "<2>": "4 events", "<5>": "5 events"},
        opinions=known,
    )
    first = pivot(data.rows).rows[0]
    assert [cell is not None for cell in first.cells] == [True, False, False, True]
    assert all(sentence.count("than") == 1 for sentence in headline(data))
    page = render(data)
    parse(page)
    for text in ('<a href="../5/index.html">&lt;5&gt;</a>', "Equal bit for bit", "family of runs", "How to reproduce"):
        assert text in page
    assert "Run against run" not in page
    assert "not measured" not in page
    alone = report(own[1].beside(others), charges)
    mine = [row for row in data.rows if row.elinks == 5 and row.algorithm == "ae"]
    assert [row for row in alone.rows if row.algorithm == "ae"] == mine
    assert list(alone.comparisons) == [c for c in data.comparisons if c.ae.elinks == 5]


def test_evaluations_of_other_events_are_not_put_beside_each_other() -> None:
    charges = images()
    one = evaluate(charges, [flat_image(charges)], MODULE, seed=3)
    for other in (evaluate(charges[:50], [flat_image(charges[:50])], MODULE, seed=3),
                  evaluate(charges, [flat_image(charges)], MODULE, seed=4)):  # fmt: skip
        with pytest.raises(DataError, match="expected the same events and seed"):
            one.beside(other)
