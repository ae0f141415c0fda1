"""Means, errors and mixtures of a detector against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.errors import DataError
from metrics.detector import tables
from metrics.detector.judged import MIXTURE, Judged

NAN = float("nan")


def small() -> Judged:
    return Judged(
        ("two", "five"),
        np.array([0, 0, 0, 1, 1, 1]),
        np.array([7, 7, 9, 7, 9, 9]),
        {"layer": np.array([0, 1, 1, 2, 2, 2]), "eta": np.array([1.5, 2.0, 3.0, 1.6, 2.5, 2.9])},
        {
            "ae": np.array([1.0, 2.0, 3.0, 4.0, 5.0, NAN]),
            "bc": np.array([2.0, 2.0, 2.0, 1.0, 1.0, NAN]),
            "ts": np.array([0.0, 0.0, NAN, 0.0, 0.0, NAN]),
        },
    )


def test_mean_and_error_are_those_of_leaving_events_out() -> None:
    judged = small()
    found = judged.mean("ae", judged.everything)
    assert found is not None
    assert found.value == pytest.approx(3.0)
    # Without event 7: (3 + 5) / 2; without event 9: (1 + 2 + 4) / 3.
    parts = np.array([4.0, 7.0 / 3.0])
    assert found.error == pytest.approx(np.sqrt(0.5 * ((parts - parts.mean()) ** 2).sum()))


def test_a_difference_is_of_pairs() -> None:
    judged = small()
    found = judged.difference("ae", "bc", judged.of == 0)
    assert found is not None
    assert found.value == pytest.approx(0.0)
    assert judged.difference("ae", "ae", judged.everything).error == 0.0  # type: ignore[union-attr]
    assert judged.mean("ae", judged.of == 5) is None


def test_what_loses_images_is_never_best_and_a_mixture_is_at_least_as_good_where_it_was_chosen() -> None:
    judged = small()
    assert judged.best(judged.everything, ("ae", "bc", "ts")) == "bc"
    choices = judged.choices(("ae", "bc", "ts"))
    assert choices == {"two": "ae", "five": "ts"}
    mixed = judged.with_mixture(choices)
    np.testing.assert_array_equal(mixed.emd[MIXTURE], [1.0, 2.0, 3.0, 0.0, 0.0, NAN])
    with pytest.raises(DataError, match="no algorithm has an EMD for every image"):
        judged.best(judged.everything, ("ts",))


def test_groups_hold_every_image_once() -> None:
    judged = small()
    for groups in (
        tables.values(judged, "layer"),
        tables.bins(judged, "eta", np.array([1.5, 2.0, 3.0])),
        {k: v for k, v in tables.classes(judged).items() if k != tables.ALL},
    ):
        np.testing.assert_array_equal(np.sum(list(groups.values()), axis=0), np.ones(len(judged)))
    rows = tables.rows(judged, "layer", tables.values(judged, "layer"), ("ae", "bc"))
    assert [(row.group, row.images, row.best) for row in rows] == [("0", 1, "ae"), ("1", 2, "bc"), ("2", 2, "bc")]
    only = tables.rows(judged, "layer", tables.values(judged, "layer"), ("ae", "bc"), ("bc",))
    assert [row.best for row in only] == ["bc"] * 3
    assert tables.against(judged, "ae", ("bc",), tables.classes(judged))[1].difference.value == pytest.approx(3.5)


def test_mistakes_are_named() -> None:
    judged = small()
    with pytest.raises(DataError, match="layer has shape"):
        Judged(judged.classes, judged.of, judged.event, {"layer": np.zeros(2)}, judged.emd)


def test_one_event_has_no_error() -> None:
    judged = small()
    found = Judged(judged.classes, judged.of, np.zeros(6, np.int64), judged.columns, judged.emd)
    mean = found.mean("bc", found.everything)
    assert mean is not None
    assert mean.value == pytest.approx(1.6)
    assert np.isnan(mean.error)
