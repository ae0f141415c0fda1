"""Results of samples made by hand: pairs, verdict, ranks, plots."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metrics.statistics import Measured
from metrics.trigger.clusters import Clusters
from metrics.trigger.curves import Line, Plot
from metrics.trigger.figures import draw, to_csv
from metrics.trigger.measures import Row
from metrics.trigger.page import best, change, number, table_rows
from metrics.trigger.ranks import ranks
from metrics.trigger.real import of_pairs
from metrics.trigger.results import Result
from metrics.trigger.seen import Seen
from metrics.trigger.shapes import Shapes
from metrics.trigger.verdict import verdict

EVENTS = 40


def some(scale: float = 1.0, smear: float = 0.0, seed: int = 1) -> Seen:
    """Two electrons back to back and six soft clusters a side in every event."""
    rng = np.random.default_rng(5)
    own = np.random.default_rng(seed)
    pt = rng.uniform(25, 80, EVENTS)
    eta, phi = rng.uniform(1.7, 2.6, EVENTS), rng.uniform(-np.pi, 0, EVENTS)
    side, found = [], []
    for event in range(EVENTS):
        for z in (0, 1):
            hard = pt[event] * rng.normal(1, 0.05)
            sign = 1 if z else -1
            found.append((hard, sign * eta[event], phi[event] + np.pi * z, 0.95))
            side.append(2 * event + z)
            for k in range(6):
                away = phi[event] + np.pi * z + 0.8 * (k + 1)
                found.append((rng.uniform(14, 20), sign * rng.uniform(1.5, 2.9), away, 0.75))
                side.append(2 * event + z)
    table = np.array(found)
    table[:, 0] *= scale * own.normal(1, smear, len(table))
    flat = {name: np.ones(len(table)) for name in Shapes.names()} | {"fraction_ce_e": table[:, 3]}
    flat["sigma_eta"] = np.where(table[:, 3] > 0.9, 0.01, 0.05) * own.uniform(0.5, 1.5, len(table))
    angle = (table[:, 2] + np.pi) % (2 * np.pi) - np.pi
    clusters = Clusters(np.array(side), table[:, 0], table[:, 1], angle, Shapes(**flat))
    cone = np.repeat(pt, 2) * scale
    return Seen(clusters, cone, np.full(EVENTS, 0.1 + smear))


def of(*names: str, **seen: Seen) -> Result:
    found = of_pairs({name: seen[name] for name in names}, EVENTS, np.ones(EVENTS, np.bool_))
    assert found is not None
    return found


def test_pairs_of_an_exact_copy_differ_by_exactly_nothing() -> None:
    found = of("all", "copy", all=some(), copy=some())
    for row in found.rows:
        if not row.key.startswith("separation"):
            assert (row.differences["copy"].value, row.differences["copy"].error) == (0.0, 0.0), row.key
    row = found.row("two_sides")
    assert row is not None
    assert row.values["all"].value == pytest.approx(0.05, rel=0.35)
    assert found.row("nothing") is None


def test_a_scale_changes_the_response_and_no_resolution() -> None:
    found = of("all", "less", all=some(), less=some(0.9))
    values = {row.key: row for row in found.rows}
    assert values["response"].values["less"].value == pytest.approx(0.9)
    assert values["response_rms"].values["less"].value == pytest.approx(0, abs=1e-12)
    assert values["two_sides"].differences["less"].value == pytest.approx(0, abs=1e-12)
    assert values["correlation"].values["less"].value == pytest.approx(1)


def test_smearing_is_measured() -> None:
    found = of("all", "worse", all=some(), worse=some(smear=0.1))
    values = {row.key: row for row in found.rows}
    assert values["response_rms"].values["worse"].value == pytest.approx(0.1, rel=0.25)
    change_of = values["two_sides_mean"].differences["worse"]
    assert change_of.value > 2 * change_of.error > 0
    assert values["separation_95"].values["all"].value > 0.8


def test_events_that_an_encoder_knows_are_left_out() -> None:
    used = np.arange(EVENTS) >= 30
    found = of_pairs({"all": some()}, EVENTS, used)
    assert found is not None
    assert found.what[0].startswith("10 of 10 events")
    assert of_pairs({"all": some()}, EVENTS, np.arange(EVENTS) < 2) is None


def test_the_verdict_quotes_the_measured_numbers_best_first() -> None:
    seen = {"all": some(), "threshold": some(), "bad": some(smear=0.2), "good": some(smear=0.02)}
    found = of(*seen, **seen)
    told = verdict({"real": found}, {"good": "the good code", "bad": "the bad code"})
    assert [line.split(":")[0] for line in told] == ["The good code", "The bad code"]
    row = found.row("two_sides")
    assert row is not None
    assert f"{100 * row.values['good'].value:.2f} ± {100 * row.values['good'].error:.2f} %" in told[0]
    assert f"({100 * row.relative['bad'].value:+.1f}" in told[1]


def test_ranks_follow_the_order_by_emd() -> None:
    names = ["all", "a", "b", "c", "d"]

    def row(key: str, kind: str, values: list[float]) -> Row:
        return Row(key, key, "", kind, {n: Measured(v, 0.1) for n, v in zip(names, values, strict=True)})

    rows = [
        row("emd", "low", [0, 1, 2, 3, 4]),
        row("width", "low", [9, 5, 6, 7, 8]),
        row("efficiency", "high", [0, 0.9, 0.8, 0.7, 0.6]),
        row("response", "one", [7, 1.4, 0.7, 1.2, 0.9]),
        row("nothing", "low", [1, 2, 2, 2, 2]),
    ]
    found = {one.key: one.correlation for one in ranks(rows, ["all"])}
    assert found == pytest.approx({"width": 1.0, "efficiency": 1.0, "response": -1.0})
    assert ranks(rows, ["all", "a"]) == []
    assert ranks(rows[1:], ["all"]) == []


def test_numbers_have_the_digits_of_their_errors() -> None:
    assert number(Measured(0.06234, 0.0041)) == "0.0623\u00a0±\u00a00.0041"
    assert number(Measured(1.0, 0.0)) == "1"
    assert number(Measured(float("nan"), 1.0)) == number(None) == "\u2013"
    assert change(Measured(-0.0123, 0.002)) == "-1.2\u00a0±\u00a00.2\u00a0%"
    assert best({"a": Measured(0.9, 0), "b": Measured(1.2, 0)}, "one", ["a", "b"]) == "a"
    assert best({"a": Measured(0.9, 0), "b": Measured(1.2, 0)}, "high", ["a", "b"]) == "b"
    assert best({}, "low", ["a"]) == ""


def test_a_table_has_a_row_for_every_measure_and_algorithm() -> None:
    found = of("all", "less", all=some(), less=some(0.9))
    rows = table_rows(found)
    assert len(rows) == 2 * len(found.rows)
    assert all(row["difference"] is None for row in rows if row["algorithm"] == "all")
    short = replace(found, rows=[Row("x", "X", "GeV", "low", {"all": Measured(float("nan"), 1.0)})])
    assert table_rows(short)[0]["value"] is None


@pytest.mark.parametrize("kind", ["steps", "points", "lines"])
def test_a_plot_is_drawn_and_its_numbers_are_in_the_file(tmp_path: Path, kind: str) -> None:
    x = np.arange(5.0)
    y = np.array([0.1, 0.2, 0.3, 0.4])
    line = Line("abc", x if kind == "steps" else x[:4], y, None if kind == "lines" else 0.1 * y)
    plot = Plot("name", "Caption.", "x [GeV]", "y", [line], kind, log_y=True)
    svg = draw(plot, {"abc": "adaptive"}, tmp_path, "real-")
    assert svg.startswith("<svg")
    assert (tmp_path / "real-name.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "real-name.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "real-name.csv").read_text().splitlines()))
    assert [float(row["y"]) for row in rows] == y.tolist()
    assert {row["algorithm"] for row in rows} == {"abc"}
    assert to_csv(plot) == (tmp_path / "real-name.csv").read_text()
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    draw(plot, {"abc": "adaptive"}, tmp_path, "real-")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == again
