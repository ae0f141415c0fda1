"""The operations on cells against a literal model, event by event, and the properties that they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ_ae.econt.cell_frame import frames, places_of, rank_of, unpack_pulses
from econ_ae.emulator import encode_pulses
from econ_ae.emulator.cells import above, apportion, best_neighbour, order
from econ_ae.errors import DataError, ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.cells import RANKED, Apportion, Choose, Merge, modes, set_bits
from econ_ae.ir.model import EncoderModel
from tests.emulator import literal_cells
from tests.random_cells import hostile_charges, random_cell_model


def compare(model: EncoderModel, charges: IntArray) -> set[str]:
    """Compare every value of every event, and the frames, in both directions; returns what occurred."""
    crossing = np.arange(len(charges)) % 3564
    trace: dict[str, IntArray] = {}
    sent = encode_pulses(model, charges, trace)
    words = frames(model, sent, charges, crossing)
    merged = trace.get("merge")
    seen: set[str] = set()
    for n, row in enumerate(charges.tolist()):
        event = literal_cells.encode(model, row)
        where = (model.name, n)
        assert trace["normalise"][n].tolist() == event.normalised, where
        assert trace["order"][n].tolist() == event.rank, where
        assert (sent.mode[n], sent.exact[n]) == (event.mode, event.exact), where
        assert trace["choose"][n] == event.mode, where
        assert event.exact or merged is None or merged[n].tolist() == event.charge, where
        assert sent.pulses[n].tolist() == trace["apportion"][n].tolist() == event.pulses, where
        assert words[n].tolist() == literal_cells.words(model, event, row, int(crossing[n])), where
        seen.add("exact" if event.exact else "shared")
    received = unpack_pulses(model, words)
    np.testing.assert_array_equal(received.sent.pulses, sent.pulses)
    np.testing.assert_array_equal(received.sent.mode, sent.mode)
    np.testing.assert_array_equal(received.sent.exact, sent.exact)
    sums = charges.sum(axis=1)
    np.testing.assert_array_equal(received.total[sent.exact], sums[sent.exact])
    assert (abs(received.total - sums) <= sums / 32).all()
    return seen


@pytest.mark.parametrize("seed", range(40))
def test_every_event_is_the_literal_ones(seed: int) -> None:
    model = random_cell_model(seed, RANKED)
    compare(model, hostile_charges(model, seed, 65))


def test_both_kinds_of_events_occur() -> None:
    model = random_cell_model(2)
    assert compare(model, hostile_charges(model, 99, 130)) == {"exact", "shared"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_a_campaign_of_models(seed: int) -> None:
    model = random_cell_model(seed, RANKED)
    compare(model, hostile_charges(model, seed, 390))


def test_the_random_models_reach_everything() -> None:
    models = [random_cell_model(seed, RANKED) for seed in range(200)]
    codes = [model.cell_code for model in models]
    assert {code.merge is None for code in codes} == {True, False}
    assert {code.enumerate.elinks for code in codes} == set(range(1, 14))
    assert {len(code.choose.limits) for code in codes} == {0, 1, 2, 3, 4}
    assert {len(code.choose.modes) for code in codes} >= {1, 2, 48}
    assert {model.input.cells for model in models} >= {5, 48, 63}
    saturating = [model.normalise.out.width < model.normalise.out.fraction + 1 for model in models]
    assert 10 < sum(saturating) < 190
    presets = [random_cell_model(seed) for seed in range(200)]
    assert max(model.input.cells for model in presets) == 48
    whole = [m for m in presets if m.elinks == 5 and len(m.cell_code.choose.modes) == 48]
    assert whole, "one as large as the largest preset"
    assert random_cell_model(7).ops == random_cell_model(7).ops


def test_sums_are_shared_exactly() -> None:
    """Every cell that is sent has a pulse, and together they have those of the mode."""
    for seed in range(20):
        model = random_cell_model(seed)
        charges = hostile_charges(model, seed + 1, 2000)
        sent = encode_pulses(model, charges)
        lossy = ~sent.exact
        size = np.array([mode.cells for mode in model.cell_code.choose.modes])[sent.mode]
        total = np.array([mode.pulses for mode in model.cell_code.choose.modes])[sent.mode]
        np.testing.assert_array_equal(sent.pulses.sum(axis=1)[lossy], total[lossy])
        np.testing.assert_array_equal((sent.pulses > 0).sum(axis=1)[lossy], size[lossy])
        np.testing.assert_array_equal(sent.pulses[sent.exact], charges[sent.exact])
        assert (sent.pulses >= 0).all()


def test_the_largest_charge_never_becomes_zero() -> None:
    """The claim of ``validate_cells``, where it is tightest: up to 63 equal charges, 6 fractional bits."""
    for cells in range(1, RANKED + 1):
        for charge in range(1, 300):
            shift = (cells * charge).bit_length() - 1
            assert (charge << 6) >> shift >= 1
    assert (3 << 5) >> (48 * 3).bit_length() - 1 == 0, "five bits are not enough"


def test_order_is_stable() -> None:
    x = np.array([[3, 5, 5, 0, 3]])
    assert order(x).tolist() == [[2, 0, 1, 4, 3]]
    assert above(x, order(x)).tolist() == [[16, 11, 6, 3, 0, 0]]
    assert best_neighbour(order(x), ((1, 3), (), (4,), (0,), (2,))).tolist() == [[0, 5, 3, 2, 1]]


def _shared(charge: list[int], rank: list[int], sent: int, total: int, op: Apportion) -> list[int]:
    rows = np.array([charge]), np.array([rank]), np.array([sent]), np.array([total])
    return apportion(op, *rows)[0].tolist()


def test_shares_by_hand() -> None:
    """8 pulses for charges of 5 : 2 : 1, then remainders, then more minima than the largest cell has."""
    half = Apportion(8, 4)
    assert _shared([320, 128, 64], [0, 1, 2], 3, 8, Apportion(0, 4)) == [5, 2, 1]
    # t = 8 + 85 * (160 - 24) * r >> ..: 3.3 pulses each; the lower number gets the tenth.
    assert _shared([85, 85, 85], [0, 1, 2], 3, 10, half) == [4, 3, 3]
    # Every small cell takes the one pulse that it must have, and the largest gives it.
    assert _shared([1000, 1, 1, 1], [0, 1, 2, 3], 4, 5, half) == [2, 1, 1, 1]
    # With its neighbours' charge the second cell takes what the largest cannot give: then all others have one.
    assert _shared([10, 1000, 10], [0, 1, 2], 3, 6, half) == [1, 4, 1]
    assert _shared([10, 1000, 10], [0, 1, 2], 3, 5, Apportion(0, 4)) == [3, 1, 1]


@given(st.sets(st.integers(0, RANKED - 1), max_size=RANKED))
def test_rank_is_undone(places: set[int]) -> None:
    rising = np.array([sorted(places)], np.int64).reshape(1, -1)
    rank = rank_of(rising)
    assert 0 <= int(rank[0]) < 1 << set_bits(RANKED, len(places))
    assert rank[0] == literal_cells.number_of(sorted(places))
    np.testing.assert_array_equal(places_of(rank, len(places)), rising)


@pytest.mark.parametrize(("places", "size"), [(9, 0), (9, 1), (9, 4), (9, 9), (12, 6)])
def test_ranks_are_the_numbers_from_zero(places: int, size: int) -> None:
    """In colexicographic order, which is the numbers' own."""
    ranks = np.arange(literal_cells.comb(places, size))
    sets = places_of(ranks, size)
    np.testing.assert_array_equal(rank_of(sets), ranks)
    assert (sets < places).all()
    assert (np.diff(sets, axis=1) > 0).all()
    assert [row[::-1] for row in sets.tolist()] == sorted(row[::-1] for row in sets.tolist())


def test_chunks_join() -> None:
    model = random_cell_model(3)
    charges = hostile_charges(model, 1, 4200)
    trace: dict[str, IntArray] = {}
    whole = encode_pulses(model, charges, trace)
    tail = encode_pulses(model, charges[4090:])
    np.testing.assert_array_equal(whole.pulses[4090:], tail.pulses)
    assert {len(values) for values in trace.values()} == {4200}
    assert set(trace) == {op.name for op in model.ops} - {"enumerate"}
    assert encode_pulses(model, charges[:0]).pulses.shape == (0, model.input.cells)


def test_errors_of_inputs() -> None:
    model = random_cell_model(4)
    with pytest.raises(DataError, match=r"^charges must have shape \(n, \d+\), not \(2, 3\)$"):
        encode_pulses(model, np.zeros((2, 3), np.int64))
    with pytest.raises(DataError, match=r"charges must be 0\.\.4194303"):
        encode_pulses(model, np.full((1, model.input.cells), 1 << 22))


def test_layers_send_no_pulses(econ_t_model: EncoderModel) -> None:
    with pytest.raises(ModelError, match="econ_t: expected Normalise, Order, Choose"):
        encode_pulses(econ_t_model, np.zeros((1, 48), np.int64))


def test_ties_of_estimates_go_to_the_fewer_cells() -> None:
    model = random_cell_model(0)
    best = modes(8, range(1, 9), 48, most_pulses=100, most_exact=0)
    near = tuple(((c + 1) % 8, (c - 1) % 8) for c in range(8))
    ops = (
        replace(model.normalise, out=FixedFormat.parse("u1.6")),
        model.cell_code.order,
        Choose(best, (), ((0,) * len(best),), 4),
        Merge(near),
        Apportion(),
        replace(model.cell_code.enumerate, elinks=2),
    )
    image = replace(model.input.arrangement, rows=8, cells=tuple(range(8)))
    small = replace(model, input=replace(model.input, cells=8, arrangement=image), ops=ops)
    charges = np.array([[7, 7, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0], [1] * 8])
    # Without biases the mode with the least dropped charge wins, and of equal ones the fewest cells.
    assert encode_pulses(small, charges).mode.tolist() == [1, 0, len(best) - 1]
    compare(small, charges)
