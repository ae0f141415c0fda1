"""Conditions: what each does to the charges, that they repeat, and that the front end can send the result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from econ_ae.config import ConditionsConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.conditions import PARTIAL, absent, apply, describe, gains, grid_of
from econ_ae.errors import ConfigError
from econ_ae.floatcodes import decode_4e3m
from econ_ae.geometry import LOW_DENSITY


def batch_of(density: int = 1, *, empty: int = 0, rows: int = 4000, seed: int = 0) -> Batch:
    """Charges of random codes, two thirds of them code 0."""
    rng = np.random.default_rng(seed)
    table = decode_4e3m(np.arange(128), density)
    table[0] = empty
    codes = rng.integers(1, 90, (rows, 48)) * (rng.random((rows, 48)) < 1 / 3)
    return Batch(table[codes], Provenance("random", synthetic=True), {"eta": rng.normal(2, 0.2, rows)})


BATCH = batch_of()
every = st.builds(
    ConditionsConfig,
    dead=st.lists(st.integers(0, 47), max_size=4, unique=True).map(tuple),
    noisy=st.lists(st.integers(0, 47), max_size=4, unique=True).map(tuple),
    noise_rate=st.floats(0.01, 1),
    noise_counts=st.floats(1, 1e7),
    partial=st.none() | st.sampled_from(PARTIAL),
    pileup=st.floats(0.1, 10),
    drift=st.floats(0, 1),
    seed=st.integers(0, 5),
)


@settings(max_examples=60, deadline=None)
@given(changes=every, density=st.sampled_from([1, 3]), centred=st.booleans())
def test_the_front_end_can_send_the_result(changes: ConditionsConfig, density: int, centred: bool) -> None:
    empty = int(decode_4e3m(np.array([0]), density)[0]) if centred else 0
    batch = batch_of(density, empty=empty, rows=300)
    changed = apply(batch, changes, LOW_DENSITY)
    table = decode_4e3m(np.arange(128), density)
    table[0] = empty
    assert np.isin(changed.charges, table).all()
    assert (changed.charges[:, absent(changes, LOW_DENSITY)] == empty).all()
    np.testing.assert_array_equal(changed.charges, apply(batch, changes, LOW_DENSITY).charges)
    np.testing.assert_array_equal(changed.metadata["eta"], batch.metadata["eta"])
    assert list(changed.provenance.steps) == describe(changes)


def test_nothing_changes_without_conditions() -> None:
    assert apply(BATCH, ConditionsConfig(), LOW_DENSITY) is BATCH
    assert describe(ConditionsConfig()) == []


def test_dead_cells_lose_their_charge_and_no_other_does() -> None:
    changed = apply(BATCH, ConditionsConfig(dead=(3, 17)), LOW_DENSITY)
    expected = BATCH.charges.copy()
    expected[:, [3, 17]] = 0
    np.testing.assert_array_equal(changed.charges, expected)
    calibrated = Batch(BATCH.charges * 3 // 2, BATCH.provenance)  # on no grid
    assert grid_of(calibrated.charges).density is None
    np.testing.assert_array_equal(
        apply(calibrated, ConditionsConfig(dead=(3, 17)), LOW_DENSITY).charges, expected * 3 // 2
    )


def test_noise_has_its_rate_and_size() -> None:
    noisy = ConditionsConfig(noisy=(5,), noise_rate=0.25, noise_counts=2000.0)
    empty = Batch(np.zeros((40_000, 48), np.int64), BATCH.provenance)
    extra = apply(empty, noisy, LOW_DENSITY).charges
    assert not np.delete(extra, 5, axis=1).any()
    hit = extra[:, 5] > 0
    assert hit.mean() == pytest.approx(0.25, abs=0.01)
    assert extra[hit, 5].mean() == pytest.approx(2000, rel=0.05)


@pytest.mark.parametrize("factor", [0.4, 1.0, 1.3, 2.0, 2.7])
def test_pileup_scales_the_mean_charge(factor: float) -> None:
    changed = apply(BATCH, ConditionsConfig(pileup=factor), LOW_DENSITY)
    ratio = changed.charges.sum(dtype=np.float64) / BATCH.charges.sum(dtype=np.float64)
    assert ratio == pytest.approx(factor, rel=0.03)  # the code truncates within its bin
    spread = changed.charges.sum(axis=0, dtype=np.float64) / BATCH.charges.sum(axis=0, dtype=np.float64)
    assert np.abs(spread - factor).max() < 0.35


def test_drift_is_that_of_one_module() -> None:
    drift = ConditionsConfig(drift=0.2, seed=4)
    factors = gains(drift, 48)
    assert factors.std() == pytest.approx(0.2, abs=0.05)
    one, other = (apply(batch_of(seed=s), drift, LOW_DENSITY, key=s) for s in (1, 2))
    for seed, changed in ((1, one), (2, other)):
        before = batch_of(seed=seed).charges
        large = before > 2000
        ratio = np.where(large, changed.charges / np.maximum(before, 1), np.nan)
        assert np.nanmax(np.abs(np.nanmean(ratio, axis=0) - factors)) < 0.03


def test_random_conditions_depend_on_seed_and_key() -> None:
    noisy = ConditionsConfig(noisy=(5,))
    charges = [
        apply(BATCH, c, LOW_DENSITY, key=k).charges.tobytes()
        for c, k in ((noisy, 0), (noisy, 1), (ConditionsConfig(noisy=(5,), seed=2), 0))
    ]
    assert len(set(charges)) == 3


def test_partial_modules_are_cuts_through_the_centre() -> None:
    counts = {name: int((~absent(ConditionsConfig(partial=name), LOW_DENSITY)).sum()) for name in PARTIAL}
    x, y = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)).T
    np.testing.assert_array_equal(~absent(ConditionsConfig(partial="top"), LOW_DENSITY), y >= -1e-9)
    np.testing.assert_array_equal(~absent(ConditionsConfig(partial="left"), LOW_DENSITY), x <= 1e-9)
    assert all(20 <= counts[name] <= 28 for name in ("top", "bottom", "left", "right")), counts
    assert all(33 <= counts[name] <= 39 for name in PARTIAL if name.startswith("three")), counts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dead": (48,)}, "dead trigger cell 48; expected 0..47"),
        ({"noisy": (-1,)}, "noisy trigger cell -1; expected 0..47"),
        ({"dead": (3, 3)}, "dead trigger cells 3,3 name a cell twice"),
        ({"partial": "topp"}, "did you mean 'top'"),
        ({"dead": tuple(range(48))}, "every trigger cell is dead"),
    ],
)
def test_impossible_conditions(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        apply(BATCH, ConditionsConfig(**changes), LOW_DENSITY)  # type: ignore[arg-type]
