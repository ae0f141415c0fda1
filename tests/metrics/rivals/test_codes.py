"""Adaptive precision and the companded cell code: tables, encoder rule, receiver, and the figures of the reference."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.readers import read
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.emd import emd
from metrics.rivals import AdaptivePrecision, CompandedCells, Form, Layout, Pools, forms
from metrics.rivals.companded import fields
from metrics.rivals.frames import Content, pack, unpack
from metrics.rivals.pools import lloyd


def events(count: int, seed: int) -> np.ndarray:
    """Images of any occupancy, some without charge, some full."""
    rng = np.random.default_rng(seed)
    hit = rng.random((count, 48)) < rng.random((count, 1)) ** 2
    charges = np.where(hit, rng.exponential(300, (count, 48)).astype(np.int64) + 1, 0)
    charges[0], charges[1] = 0, np.arange(1, 49)
    return charges


@pytest.fixture(scope="module")
def pools() -> Pools:
    return Pools(events(3000, 1))


@pytest.mark.parametrize(
    "layout", [lay for n in (1, 2, 3, 5, 13) for lay in forms(n)], ids=lambda v: f"{v.form}-{v.elinks}"
)
def test_a_receiver_needs_tables_and_bits_alone(layout: Layout, pools: Pools) -> None:
    code, charges = AdaptivePrecision.trained(layout, pools), events(400, 2)
    frames = code.encode(charges)
    receiver = AdaptivePrecision(Layout(layout.form, layout.elinks), tuple(t.copy() for t in code.levels))
    seen = receiver.decode(frames.copy())
    assert (seen >= 0).all()
    total = charges.sum(axis=1)
    np.testing.assert_allclose(seen.sum(axis=1), total, rtol=1 / 32)  # of a 5E4M code's middle
    assert not seen[0].any()
    # What the receiver gets wrong about an event is independent of its neighbours.
    np.testing.assert_array_equal(receiver.decode(frames[5:6]), seen[5:6])


def test_the_mode_has_the_least_error(pools: Pools) -> None:
    layout, charges = Layout(Form.MAP, 3), events(80, 3)
    charges = charges[charges.any(axis=1)]
    code = AdaptivePrecision.trained(layout, pools)
    fractions = charges / charges.sum(axis=1, keepdims=True)

    def errors(seen: np.ndarray) -> np.ndarray:
        return np.abs(seen / seen.sum(axis=1, keepdims=True) - fractions).sum(axis=1)

    chosen = errors(code.decode(code.encode(charges)))
    modes = set()
    for row, (charge, fraction) in enumerate(zip(charges, fractions, strict=True)):
        largest = np.argsort(-charge, kind="stable")
        occupancy = np.count_nonzero(charge)
        for n in layout.modes:
            whole = occupancy <= layout.most[n]
            cells = largest[: occupancy if whole else layout.cut[n]]
            sent = np.isin(np.arange(48), cells)[None]
            levels = code.levels[n][len(cells)]
            nearest = np.abs(levels - fraction[:, None]).argmin(axis=1)
            content = Content(np.array([n]), sent, np.where(sent, nearest, 0), np.array([whole]), np.array([100]))
            seen = code.decode(pack(layout, content, np.zeros(1, np.int64)))[0]
            error = np.abs(seen / seen.sum() - fraction).sum()
            assert chosen[row] <= error + 1e-12
        modes.add(int(unpack(layout, code.encode(charge[None])).mode[0]))
    assert len(modes) > 3, "the sample must need several modes"


def test_one_cell_is_exact_and_so_are_two_equal_ones(pools: Pools) -> None:
    charges = np.zeros((2, 48), np.int64)
    charges[0, 17], charges[1, [3, 30]] = 15, 6
    for layout in forms(4):
        code = AdaptivePrecision.trained(layout, pools)
        np.testing.assert_allclose(code.decode(code.encode(charges)), charges)


def test_lloyd_beats_any_small_step() -> None:
    values = np.sort(np.random.default_rng(5).exponential(1, 3000))

    def error(levels: np.ndarray) -> float:
        return float(np.abs(values[:, None] - levels).min(axis=1).mean())

    levels = lloyd(values, 8)
    assert (np.diff(levels) > 0).all()
    for i, step in product(range(8), (-0.02, 0.02)):
        moved = levels.copy()
        moved[i] += step
        assert error(levels) <= error(moved) + 1e-4
    assert lloyd(np.array([0.5]), 4)[0] > 0


def test_events_without_charge_make_no_tables() -> None:
    with pytest.raises(DataError, match="trained on events with charge; none were given"):
        Pools(np.zeros((3, 48), np.int64))


@pytest.mark.parametrize("elinks", range(2, 14))
def test_companded_digits_come_back_from_the_bits(elinks: int, pools: Pools) -> None:
    levels, _ = fields(elinks)
    assert {2: 2, 3: 3, 4: 5, 5: 8}.get(elinks, levels) == levels
    assert levels**48 <= 2 ** (32 * elinks - 14)
    code = CompandedCells(
        elinks, np.geomspace(0.01, 0.9, levels - 1), np.concatenate([[0], np.geomspace(0.02, 1, levels - 1)])
    )
    assert code.bits <= 32 * elinks - 14
    charges = events(300, elinks)
    frames = code.encode(charges)
    assert not frames[:, elinks:].any()
    seen = code.decode(frames)
    np.testing.assert_allclose(seen.sum(axis=1), charges.sum(axis=1), rtol=1 / 32)
    fraction = charges / np.maximum(charges.sum(axis=1, keepdims=True), 1)
    expected = code.values[np.digitize(fraction, code.thresholds)]
    lit = expected.sum(axis=1) > 0
    np.testing.assert_allclose(
        seen[lit] / seen[lit].sum(axis=1, keepdims=True), expected[lit] / expected[lit].sum(axis=1, keepdims=True)
    )


def test_companded_mistakes(pools: Pools) -> None:
    with pytest.raises(ConfigError, match=r"no code of 48 cells fits 1 eLinks; expected 2\.\.13"):
        fields(1)
    code = CompandedCells.trained(3, pools, MODULE)
    with pytest.raises(DataError, match="digits holds"):
        code.decode(np.full((1, 13), 2**32 - 1, np.uint32))


# Of the reference page: the prototype knows whether a full frame is the whole, a real receiver must be told.
PU200 = {
    (2, "joined"): 0.743, (3, "map"): 0.397, (4, "map"): 0.132, (5, "map"): 0.052,
    (2, "enumerated"): 0.853, (3, "enumerated"): 0.348,
}  # fmt: skip
CMS = {
    (3, "map"): 0.253, (4, "map"): 0.120, (5, "map"): 0.073,
    (2, "joined"): 0.375, (3, "enumerated"): 0.202, (4, "enumerated"): 0.116, (5, "enumerated"): 0.074,
}  # fmt: skip
COMPANDED = {2: 1.117, 3: 0.745, 4: 0.447, 5: 0.267}


def mean(code: AdaptivePrecision | CompandedCells, charges: np.ndarray) -> float:
    return float(emd(charges, code.decode(code.encode(charges)), MODULE).values.mean())


def test_reference_figures_of_the_public_file(reference: Path) -> None:
    charges = read(reference / "hgcal_pu200_eportrx.csv").charges.astype(np.int64)
    pools, report = Pools(charges[:8000]), charges[8000:][charges[8000:].any(axis=1)]
    for (elinks, form), expected in PU200.items():
        found = mean(AdaptivePrecision.trained(Layout(Form(form), elinks), pools), report)
        assert 0.93 * expected < found < 1.02 * expected, (elinks, form, found)
    for elinks, expected in COMPANDED.items():
        found = mean(CompandedCells.trained(elinks, pools, MODULE), report)
        assert 0.93 * expected < found < 1.02 * expected, (elinks, found)


def test_reference_figures_of_whole_events(reference: Path) -> None:
    """CE-E, trained on 40,000 images of events 0-59, every second image of events 60-69; decoded counts as charges."""
    with np.load(reference / "cms_events" / "electrons_pu200.npz") as file:
        codes, event, layer = file["codes"].astype(np.int64), file["event"], file["layer"]
    counts = np.where(codes < 8, codes, (8 + codes % 8) << np.maximum(codes // 8 - 1, 0))
    train = np.random.default_rng(1).choice(np.flatnonzero((layer < 13) & (event < 60)), 40_000, replace=False)
    pools, report = Pools(counts[train]), counts[(layer < 13) & (event >= 60)][::2]
    for (elinks, form), expected in CMS.items():
        found = mean(AdaptivePrecision.trained(Layout(Form(form), elinks), pools), report)
        assert 0.96 * expected < found < 1.02 * expected, (elinks, form, found)
