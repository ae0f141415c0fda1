"""Who wins, in words: no win and no loss within two standard errors, none with lost events."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from metrics.report.data import Comparison, HeadlineRow, ReportData
from metrics.report.winners import outcome, who_wins
from metrics.statistics import Measured, PairedDifference, Summary


def row(algorithm: str, mean: float, *, elinks: int = 3, lost: int = 0, variant: str = "") -> HeadlineRow:
    one = Measured(mean, 0.01)
    return HeadlineRow(
        algorithm, variant, {"ae": "autoencoder"}.get(algorithm, algorithm.upper()), variant, elinks, 80, 94.0,
        Summary(one, one, one, one, 1000, lost), best=False, tied=False, lost=lost, opinions=None,
    )  # fmt: skip


def against(ae: HeadlineRow, other: HeadlineRow, error: float = 0.01, pairs: int = 1000) -> Comparison:
    value = ae.summary.mean.value - other.summary.mean.value
    return Comparison(ae, other, PairedDifference(Measured(value, error), 0.6, 0.4, pairs))


@pytest.mark.parametrize(
    ("others", "word", "text"),
    [
        (
            [("bc", 0.6, 0.01), ("ts", 0.9, 0.01)],
            "wins",
            "the autoencoder wins, 0.500\u00a0±\u00a00.010; next BC, 0.6",
        ),
        ([("bc", 0.51, 0.006)], "is level", "no winner: the autoencoder"),
        ([("bc", 0.6, 0.01), ("ts", 0.7, 0.11)], "is level", "TS, 0.700"),  # a wide error, behind a better mean
        ([("bc", 0.49, 0.006)], "is level", "no winner"),
        ([("bc", 0.4, 0.01)], "loses", "BC, 0.400\u00a0±\u00a00.010, is better than the autoencoder"),
        ([("bc", 0.48, 0.02), ("ts", 0.485, 0.005)], "loses", "TS, 0.485"),
        ([], "is alone", "no other algorithm"),
    ],
)
def test_no_win_is_claimed_within_two_standard_errors(
    others: list[tuple[str, float, float]], word: str, text: str
) -> None:
    ae = row("ae", 0.5)
    found, sentence = outcome(ae, [against(ae, row(name, mean), error) for name, mean, error in others])
    assert found == word
    assert text in sentence
    assert sentence.startswith("3 eLinks: ")


def test_lost_events_and_single_events_win_nothing() -> None:
    lossy = row("ae", 0.2, lost=7)
    assert outcome(lossy, [against(lossy, row("bc", 0.6))])[0] == "is level"
    ae = row("ae", 0.5)
    assert outcome(ae, [against(ae, row("bc", 0.4, lost=3)), against(ae, row("ts", 0.6))])[0] == "wins"
    assert outcome(ae, [against(ae, row("bc", 0.6), 0.0, pairs=1)])[0] == "is level"
    assert outcome(ae, [against(ae, row("bc", 0.6), 0.0, pairs=2)])[0] == "wins"


def test_several_encoders_are_counted_first() -> None:
    rows = [row("ae", 0.5, elinks=n) for n in (2, 3, 5)]
    comparisons = [
        against(ae, row("bc", mean, elinks=cast("int", ae.elinks)))
        for ae, mean in zip(rows, (0.6, 0.5, 0.4), strict=True)
    ]
    data: Any = SimpleNamespace(rows=rows, comparisons=comparisons)
    first, *sentences = who_wins(cast("ReportData", data))
    assert first == "The autoencoder wins on 2 eLinks, is level on 3 eLinks and loses on 5 eLinks."
    assert [s.partition(":")[0] for s in sentences] == ["2 eLinks", "3 eLinks", "5 eLinks"]
    data = SimpleNamespace(rows=[replace(rows[0], algorithm="bc")], comparisons=[])
    assert who_wins(cast("ReportData", data)) == ()
