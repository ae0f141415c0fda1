"""Splits: reported rows never train, and events without charge are counted, not lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.readers import read
from econ_ae.data.splits import Split, split
from econ_ae.errors import ConfigError, DataError


def batch(n: int, empty: tuple[int, ...] = ()) -> Batch:
    charges = np.ones((n, 48), np.int64)
    charges[:, 0] = np.arange(1, n + 1)  # no two images are equal
    charges[list(empty)] = 0
    return Batch(charges, Provenance("test", synthetic=True))


def test_default_of_the_public_sample() -> None:
    result = split(batch(10_000))
    np.testing.assert_array_equal(result.train, np.arange(7200))
    np.testing.assert_array_equal(result.validation, np.arange(7200, 8000))
    np.testing.assert_array_equal(result.report, np.arange(8000, 10_000))
    assert result.rule == "train 0:8000, validation 0.1 of train, the last rows, report 8000:10000"


def test_explicit_ranges() -> None:
    result = split(batch(100), train="0:40,60:80", report="80:", validation="60:80")
    np.testing.assert_array_equal(result.train, np.arange(40))
    np.testing.assert_array_equal(result.validation, np.arange(60, 80))
    np.testing.assert_array_equal(result.report, np.arange(80, 100))
    assert result.rule == "train 0:40,60:80, validation 60:80, report 80:100"


def test_one_range_leaves_the_rest_to_the_other() -> None:
    result = split(batch(50), report="10:20")
    assert set(result.train) | set(result.validation) == set(range(50)) - set(range(10, 20))
    np.testing.assert_array_equal(split(batch(50), train=":30").report, np.arange(30, 50))


def test_events_without_charge() -> None:
    result = split(batch(100, empty=(3, 50, 79, 90)))
    assert (result.excluded, result.undefined) == (3, 1)
    assert not {3, 50, 79} & (set(result.train) | set(result.validation))
    assert 90 in result.report
    explicit = split(batch(100, empty=(3, 50, 79, 90)), validation="50:80")
    assert (explicit.train.size, explicit.validation.size, explicit.excluded) == (49, 28, 3)


@given(
    st.integers(min_value=5, max_value=300),
    st.floats(min_value=0.01, max_value=0.9),
    st.none() | st.integers(min_value=0, max_value=99),
    st.sets(st.integers(min_value=0, max_value=299), max_size=2),
)
def test_reported_rows_never_train(n: int, share: float, seed: int | None, empty: set[int]) -> None:
    zero = tuple(i for i in empty if i < n)
    result = split(batch(n, zero), validation=share, seed=seed)
    report, train, validation = (set(rows.tolist()) for rows in (result.report, result.train, result.validation))
    assert not report & (train | validation)
    assert not train & validation
    assert train
    assert validation
    assert report == set(range(n * 4 // 5, n))
    assert len(train) + len(validation) + len(report) + result.excluded == n
    again = split(batch(n, zero), validation=share, seed=seed)
    np.testing.assert_array_equal(again.validation, result.validation)


def test_seeded_validation_is_spread_over_the_training_rows() -> None:
    result = split(batch(1000), seed=4)
    assert result.validation.size == 80
    assert result.validation.min() < 100
    assert (split(batch(1000), seed=5).validation != result.validation).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"train": "0:80", "report": "70:100"},
            "train and report share 10 rows, the first is row 70; expected separate",
        ),
        ({"train": "0:80", "report": "80:101"}, "report rows '80:101' of a batch of 100 rows; expected 0 <= first"),
        ({"train": "8:8"}, "train rows '8:8' of a batch of 100 rows; expected 0 <= first < end <= 100"),
        ({"train": "first half"}, "train rows 'first half' not understood; expected 'first:end', for example '0:8000'"),
        ({"train": "0:50,40:60"}, "train rows '0:50,40:60' name a row twice; expected separate ranges"),
        ({"train": ":"}, "train ':' and report None leave one of them without rows; expected rows in both"),
        ({"validation": "85:90"}, "validation and report share 5 rows, the first is row 85; expected separate"),
        ({"validation": 1.0}, "validation share 1.0; expected a number between 0 and 1, for example 0.1"),
    ],
)
def test_errors(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        split(batch(100), **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_too_few_events() -> None:
    with pytest.raises(DataError, match=r"^4 rows are too few to split; expected at least 5$"):
        split(batch(4))
    with pytest.raises(
        DataError, match=r"^1 training rows with charge and with images of their own are too few; expected at least 2"
    ):
        split(batch(10, empty=tuple(range(7))))


def test_a_split_that_leaks_cannot_be_made() -> None:
    rows = np.arange(5)
    with pytest.raises(ConfigError, match=r"^train and report share 5 rows"):
        Split(rows, np.arange(5, 6), rows, 0, 0, "wrong")


def repeated(n: int, images: int) -> Batch:
    """A batch that draws its rows from a pool of images."""
    rng = np.random.default_rng(8)
    pool = rng.integers(1, 1000, (images, 48))
    return Batch(pool[rng.integers(0, images, n)], Provenance("pool", synthetic=True))


@pytest.mark.parametrize("options", [{}, {"seed": 3}, {"validation": "100:200"}])
def test_copies_of_reported_images_do_not_train(options: dict[str, Any]) -> None:
    batch = repeated(1000, 900)
    rows = split(batch, **options)

    def images(which: Any) -> set[bytes]:
        return {row.tobytes() for row in batch.charges[which]}

    assert not images(rows.train) & images(rows.report)
    assert not images(rows.validation) & images(rows.report)
    assert not images(rows.train) & images(rows.validation)
    assert rows.copies == 800 - rows.train.size - rows.validation.size > 50
    assert f"{rows.copies} rows of train left out" in rows.rule
    assert np.array_equal(rows.report, np.arange(800, 1000))
    kept = split(batch, **options, keep_copies=True)
    assert kept.train.size + kept.validation.size == 800
    assert images(kept.train) & images(kept.report)


def test_the_real_file_repeats_images(reference: Path) -> None:
    """The file draws from a pool: most reported images also stand among the training rows."""
    rows = split(read(reference / "hgcal_pu200_eportrx.csv"), seed=1)
    assert rows.copies == 1774
    assert rows.report.size == 2000
