"""The report: self-contained, well-formed, honest in words, complete in JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, baselines
from metrics.evaluate import Evaluation, evaluate
from metrics.report import ReportData, build_report, render, to_json
from metrics.report.words import headline

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and collects what is loaded and what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "action", "data", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def images(n: int = 60) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 400, (n, 48)) * (rng.random((n, 48)) < 0.35)
    charges[:, 3] += 1
    charges[7] = 0  # one pair without an EMD
    return charges


def evaluated(ae: NDArray[np.float64] | None, charges: NDArray[np.int64]) -> Evaluation:
    reconstructions = baselines(charges, MODULE)
    if ae is not None:
        reconstructions.append(Reconstruction("ae", "", 5, 144, ae))
    return evaluate(charges, reconstructions, MODULE, seed=3)


def report(evaluation: Evaluation, charges: NDArray[np.int64], **changes: Any) -> ReportData:
    given: dict[str, Any] = {
        "title": "Run <7> & co",
        "dataset": {"synthetic": False, "source": "sample.csv", "events": len(charges)},
        "history": {"loss": [1.0, 0.5, 0.4], "val_loss": [1.1, 0.6, 0.5], "learning_rate": [1e-3, 1e-3, 5e-4]},
        "verification": {
            "events": 5000,
            "mismatches": 0,
            "simulator": "Icarus Verilog 11",
            "latency": 4,
            "corners": {"latent_saturates": 12, "zero_sum": 0},
        },
        "model_card": {"layers": [{"name": "conv", "accumulator": "s5.12"}], "weights": 2144, "sha256": "ab12"},
        "manifest": {"seed": 3, "versions": {"numpy": "2.1"}},
        "notes": ["A note."],
    }
    return build_report(evaluation, charges, MODULE, **(given | changes))


@pytest.fixture(scope="module")
def losing() -> ReportData:
    charges = images()
    noise = np.random.default_rng(6).random(charges.shape)
    return report(evaluated(noise, charges), charges)


@pytest.fixture(scope="module")
def page(losing: ReportData) -> str:
    return render(losing)


def parse(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline


def test_page_is_well_formed_and_loads_nothing(page: str) -> None:
    outline = parse(page)
    assert all(target.startswith("#") for target in outline.loads)
    # Names of XML vocabularies are no addresses that a browser visits.
    addresses = {a for a in re.findall(r"https?://[^\s\"'<)]+", page) if not a.startswith("http://www.w3.org/")}
    assert addresses == set()
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert "<script" not in page
    assert len(page.encode()) < 3_000_000


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_page_holds_every_headline_number(page: str, losing: ReportData) -> None:
    text = re.sub(r"\s+", " ", "".join(parse(page).text))
    for row in losing.rows:
        for measured in (row.summary.mean, row.summary.median, row.summary.low, row.summary.high):
            assert f"{measured.value:.3f} ± {measured.error:.3f}" in text
    assert "Run <7> & co" in text
    assert "1.2084 cm" in text
    assert "1 of 60 pairs contain an empty image" in text
    for event in losing.events:
        assert f"EMD {event.images[1].emd:.3f}" in text


def test_headline_says_when_the_autoencoder_loses(losing: ReportData) -> None:
    (sentence,) = headline(losing)
    ae = next(row for row in losing.rows if row.algorithm == "ae")
    rival = min((r for r in losing.rows if r.algorithm == "bc" and r.elinks == 5), key=lambda r: r.summary.mean.value)
    assert f"worse than best choice ({rival.detail})" in sentence
    assert f"by a factor of {ae.summary.mean.value / rival.summary.mean.value:.3g}" in sentence
    assert "better" not in sentence
    assert not ae.best
    assert rival.best


def test_headline_says_when_it_wins_and_when_it_ties() -> None:
    charges = images()
    near = charges + np.random.default_rng(1).random(charges.shape)
    (wins,) = headline(report(evaluated(near, charges), charges))
    assert "better than best choice" in wins
    assert "better than STC 2x2" in wins
    same = next(r.charges for r in baselines(charges, MODULE, [5]) if (r.algorithm, r.variant) == ("bc", "filled"))
    (ties,) = headline(report(evaluated(same.copy(), charges), charges))
    assert "equal within errors to best choice" in ties


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
    assert labelled.count(", synthetic</span>") == len(losing.events)


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


def test_json_holds_the_tables_and_no_nan(losing: ReportData) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in JSON")

    tree = json.loads(to_json(losing), parse_constant=refuse)
    assert [row["summary"]["mean"]["value"] for row in tree["rows"]] == [r.summary.mean.value for r in losing.rows]
    assert tree["verification"]["passed"] is True
    assert tree["synthetic"] is False
    assert tree["manifest"]["versions.numpy"] == "2.1"
    assert len(tree["profiles"][0]["by_occupancy"]["mean"]) == len(tree["profiles"][0]["by_occupancy"]["edges"]) - 1


def test_events_are_sorted_by_emd_from_best_to_worst(losing: ReportData) -> None:
    emds = [event.images[1].emd for event in losing.events]
    values = next(d.values for d in losing.distributions if d.algorithm == "ae")
    assert emds == sorted(emds, key=lambda e: e or 0.0)
    assert (emds[0], emds[-1]) == (values.min(), values.max())
    assert 7 not in [event.event for event in losing.events]


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
