"""The page of a report: self-contained, well-formed, with every figure, and honest about what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import baselines
from metrics.evaluate import evaluate
from metrics.report import ReportData, render, to_json
from metrics.report.words import number
from tests.metrics.report_pages import evaluated, images, parse, report


def test_page_is_well_formed_and_loads_nothing(page: str) -> None:
    outline = parse(page)
    assert all(target.startswith(("#", "data:text/csv", "data:application/json")) for target in outline.loads)
    # Names of XML vocabularies are no addresses that a browser visits.
    addresses = {a for a in re.findall(r"https?://[^\s\"'<)]+", page) if not a.startswith("http://www.w3.org/")}
    assert addresses == set()
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"<script[^>]*src", page)
    assert "fetch(" not in page
    assert len(page.encode()) < 5_000_000


def test_silicon_costs(losing: ReportData, page: str) -> None:
    text = " ".join(parse(page).text)
    for word in ("What it costs in silicon", "The block in the cells of <x>", "523.6", "no timing: a reason", "3.6"):
        assert word in text
    assert page.count("<rect x=") >= 2
    without = render(replace(losing, costs=(), no_costs="yosys is not on the PATH"))
    assert "yosys is not on the PATH" in without[without.index('id="costs"') :]
    assert "an old one is left out" in render(replace(losing, no_costs="an old one is left out"))
    (stored,) = json.loads(to_json(losing))["costs"]
    assert stored["areas"][1] == {"part": "all", "kGE": "523.6"}


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)
    script = page[page.rindex("<script>") :]
    wanted = re.findall(r'getElementById\("([^"]+)"\)', script)
    assert wanted
    assert set(wanted) <= set(ids)


def test_page_holds_every_headline_number(page: str, losing: ReportData) -> None:
    text = re.sub(r"\s+", " ", "".join(parse(page).text))
    for row in losing.rows:
        for measured in (row.summary.mean, row.summary.median, row.summary.low, row.summary.high):
            digits = 3 if measured.error >= 0.0005 or not measured.error else None
            assert (f"{measured.value:.3f} ± {measured.error:.3f}" if digits else number(measured)) in text
    assert "Run <7> & co" in text
    assert "1.2084 cm" in text
    assert "1 of 60 pairs contain an empty image" in text
    for event in losing.events:
        assert f"EMD {event.images[1].emd:.3f}" in text


def test_without_autoencoder_training_or_verification_the_page_says_so() -> None:
    charges = images()
    data = report(evaluated(None, charges), charges, history=None, verification=None, model_card=None, manifest=None)
    text = "".join(parse(render(data)).text)
    for sentence in ("No autoencoder was evaluated", "did not train", "Not verified", "No encoder", "without a run"):
        assert sentence in text


def test_synthetic_data_is_labelled_everywhere(losing: ReportData, page: str) -> None:
    assert "ynthetic data" not in page
    labelled = render(replace(losing, synthetic=True))
    text = "".join(parse(labelled).text)
    assert "Synthetic data: these events were generated" in text
    assert "<title>Synthetic data: " in labelled
    assert labelled.count('<span class="tag synthetic">synthetic</span>') >= 5
    assert labelled.count(", synthetic</span>") == len(losing.events) == 3


def test_units_have_their_subscript(page: str) -> None:
    assert "MIPT" not in page
    assert "MIP<sub>T</sub>" in page
    assert not re.search(r">[^<]*MIP_T", re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL))


def test_events_are_sorted_by_emd_from_best_to_worst(losing: ReportData) -> None:
    emds = [event.images[1].emd for event in losing.gallery]
    assert [event.title for event in losing.events] == ["Best", "Median", "Worst"]
    assert 40 <= len(emds) <= 41
    values = next(d.values for d in losing.distributions if d.algorithm == "ae")
    assert emds == sorted(emds, key=lambda e: e or 0.0)
    assert (emds[0], emds[-1]) == (values.min(), values.max())
    assert 7 not in [event.event for event in losing.gallery]


def test_errors_name_what_is_missing() -> None:
    charges = images(10)
    evaluation = evaluated(None, charges)
    with pytest.raises(DataError, match="needs the key 'synthetic'"):
        report(evaluation, charges, dataset={"source": "x"})
    with pytest.raises(DataError, match="verification needs 'mismatches'"):
        report(evaluation, charges, verification={"events": 3})
    with pytest.raises(DataError, match=r"charges have shape \(9, 48\); the evaluation has 10 events"):
        report(evaluation, charges[:9])
    with pytest.raises(DataError, match="must all have the same keys"):
        report(evaluation, charges, model_card={"layers": [{"a": 1}, {"b": 1}]})
    with pytest.raises(DataError, match="training history has no 'loss'"):
        render(report(evaluation, charges, history={"val_loss": [1.0]}))
    with pytest.raises(DataError, match="no reconstruction"):
        evaluate(charges, [], MODULE, seed=0)
    with pytest.raises(DataError, match="all 10 input images are without charge"):
        evaluate(np.zeros((10, 48)), baselines(charges, MODULE, [1]), MODULE, seed=0)
