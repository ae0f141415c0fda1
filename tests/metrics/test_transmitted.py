"""Reconstructions from the transmitted bits: close to the ideal ones, never equal by accident, in the right cells."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from metrics.baselines import baselines
from metrics.threshold import lowest_threshold
from metrics.transmitted import ALGORITHMS, transmitted


def events() -> np.ndarray:
    rng = np.random.default_rng(3)
    charges = rng.integers(30, 3000, (200, 48)) * (rng.random((200, 48)) < 0.3)
    charges[:, 5] += 40  # no empty event
    return charges


def test_reconstructions_are_within_a_code_of_the_ideal_ones() -> None:
    charges = events()
    ideal = {(r.algorithm, r.variant, r.elinks): r.charges for r in baselines(charges, LOW_DENSITY)}
    seen = transmitted(charges, LOW_DENSITY, algorithms=("bc", "stc")).reconstructions
    assert {(r.algorithm, r.elinks) for r in seen} == {
        *(("bc", n) for n in (2, 3, 4, 5)),
        *(("stc4x4", n) for n in (2, 3)),
        *(("stc2x2", n) for n in (4, 5)),
        ("ctc2x2", 3),
    }
    for r in seen:
        exact = ideal[r.algorithm, r.variant, r.elinks]
        # Best choice may pick other cells among equal charges; the others have no choice.
        same = (
            np.ones(len(charges), bool)
            if r.algorithm != "bc"
            else np.array([len(set(row[row > 0])) == (row > 0).sum() for row in charges])
        )
        assert same.sum() > 100
        error = np.abs(r.charges[same] - exact[same])
        # Half a bin of a code with three mantissa bits is 1/16; the filled ones inherit the sum's.
        assert np.all(
            error <= exact[same] * 0.0626 + 0.08 * exact[same].max(axis=1, keepdims=True) * (r.variant == "filled")
        )
        assert not np.array_equal(r.charges, exact)


def test_one_hot_cell_arrives_where_it_was() -> None:
    charges = np.eye(48, dtype=np.int64) * 1000
    for r in transmitted(charges, LOW_DENSITY, [2, 5]).reconstructions:
        if r.variant == "plain":
            assert np.array_equal(r.charges.argmax(axis=1), np.arange(48)), r.label
            assert np.count_nonzero(r.charges) == 48


def test_no_frame_is_larger_than_its_links() -> None:
    everything = transmitted(events(), LOW_DENSITY, range(1, 14)).reconstructions
    assert {r.algorithm for r in everything} == {"bc", "stc2x2", "stc4x4", "ctc2x2", "ts", "rpt", "abc", "ccc"}
    for r in everything:
        assert r.elinks is not None
        assert r.frame_bits is not None
        assert 0 < r.frame_bits <= 32 * r.elinks, r.label
        assert r.bits is None or r.bits < r.frame_bits


def test_the_repeater_sends_every_cell_within_its_code() -> None:
    charges = events()
    (repeater,) = transmitted(charges, LOW_DENSITY, [2], ["rpt"]).reconstructions
    assert (repeater.elinks, repeater.frame_bits) == (11, 341)
    assert np.all(np.abs(repeater.charges - charges) <= charges / 16)
    assert np.array_equal(repeater.charges > 0, charges > 0)


def test_codes_without_a_network_have_every_form_and_learn_from_other_events() -> None:
    charges, tune = events(), events()[:, ::-1] * (np.arange(48) < 20)
    found = transmitted(charges, LOW_DENSITY, [1, 2, 3], ["abc", "ccc"], tune).reconstructions
    assert [(r.algorithm, r.variant, r.elinks) for r in found] == [
        ("abc", "enumerated", 1),
        ("abc", "joined", 1),
        ("abc", "enumerated", 2),
        ("abc", "joined", 2),
        ("abc", "map", 3),
        ("abc", "enumerated", 3),
        ("ccc", "", 2),
        ("ccc", "", 3),
    ]
    own = transmitted(charges, LOW_DENSITY, [3], ["abc"]).reconstructions
    assert not np.array_equal(own[0].charges, found[4].charges), "the tables are those of the tuning events"
    assert found[4].label.startswith("adaptive precision, best choice with n bits per cell")


def test_the_threshold_sum_is_tuned_on_other_events() -> None:
    charges, tune = events(), 3 * events()
    found = transmitted(charges, LOW_DENSITY, [2], ["ts"], tune)
    (stream,) = found.streams
    assert stream.threshold == lowest_threshold(tune, 2) > lowest_threshold(charges, 2)
    plain, filled = found.reconstructions
    assert np.array_equal(plain.charges > 0, charges >= stream.threshold)
    assert np.all(filled.charges.sum(axis=1) >= plain.charges.sum(axis=1))
    np.testing.assert_allclose(filled.charges.sum(axis=1), charges.sum(axis=1), rtol=0.07)


def test_algorithms_are_checked() -> None:
    with pytest.raises(
        ConfigError, match="'tss' is unknown; expected some of stc, bc, ts, rpt, abc, ccc; did you mean 'ts'"
    ):
        transmitted(events(), LOW_DENSITY, [2], ["tss"])
    assert transmitted(events(), LOW_DENSITY, [2], []).reconstructions == ()
    assert set(ALGORITHMS) == {"bc", "stc", "ts", "rpt", "abc", "ccc"}


def test_elinks_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"14 eLinks; the ECON-T has 1\.\.13"):
        transmitted(events(), LOW_DENSITY, [14])
