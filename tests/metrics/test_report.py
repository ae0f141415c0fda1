"""The report: self-contained, well-formed, honest in words, complete in JSON."""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Collection
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction, baselines, flat_image
from metrics.evaluate import Evaluation, evaluate
from metrics.report import ReportData, build_report, render, to_json, words
from metrics.report.data import SiliconCosts
from metrics.report.pivot import pivot
from metrics.report.rivals import opinions_of
from metrics.report.tables import tables
from metrics.report.words import headline, number
from metrics.statistics import Measured
from metrics.transmitted import ALGORITHMS, transmitted
from rtl_gen.costs.treemap import treemap

COSTS = SiliconCosts(
    title="The block in the cells of <x>",
    areas=({"part": "dense", "kGE": "523.6"}, {"part": "all", "kGE": "523.6"}),
    powers=({"part": "dense", "mW": "16.2"},),
    comparison=({"quantity": "area, mm2", "ECON-T, after layout": "3.6"},),
    sentences=("no timing: a reason",),
    treemap=treemap({"dense": 523.6, "front end & more": 62.0}),
)
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
        if "style" not in self.open and "script" not in self.open:
            self.text.append(data)


def images(n: int = 60) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    charges = rng.integers(1, 400, (n, 48)) * (rng.random((n, 48)) < 0.35)
    charges[:, 3] += 1
    charges[7] = 0  # one pair without an EMD
    return charges


def evaluated(
    ae: NDArray[np.float64] | None, charges: NDArray[np.int64], algorithms: Collection[str] = ALGORITHMS
) -> Evaluation:
    reconstructions = [flat_image(charges), *transmitted(charges, MODULE, algorithms=algorithms).reconstructions]
    if ae is not None:
        reconstructions.append(Reconstruction("ae", "", 5, 144, ae, 158))
    metadata = {"layer": np.arange(len(charges)) % 3 + 7, "name": np.array(["x"] * len(charges))}
    return evaluate(charges, reconstructions, MODULE, seed=3, metadata=metadata)


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
        "streams": transmitted(charges, MODULE, algorithms=["ts"]).streams,
        "costs": [COSTS],
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


def test_a_code_without_variants_has_no_empty_brackets(losing: ReportData, page: str) -> None:
    assert any((r.algorithm, r.variant) == ("ccc", "") for r in losing.rows)
    assert "companded cell code" in page
    assert "companded cell code ()" not in page


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
