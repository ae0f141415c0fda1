"""No value inside the operations on cells is above its bound."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.emulator import cells, encode_pulses
from econ_ae.emulator.integers import floor_log2
from econ_ae.emulator.layers import Trace, normalise
from econ_ae.ir.cell_widths import MANTISSA_BITS, PRODUCT_SHIFT, RECIPROCAL_BITS, SCALE_SHIFT, CellWidths, width
from tests.random_cells import hostile_charges, random_cell_model

SEEDS = range(12)
EVENTS = 2000


@pytest.mark.parametrize("seed", SEEDS)
def test_charges_by_rank(seed: int) -> None:
    model = random_cell_model(seed)
    widths = CellWidths(model)
    x = normalise(model, hostile_charges(model, seed, EVENTS))
    assert x.max() < 1 << widths.x
    assert x.sum(axis=1).max() < 1 << widths.sum
    by_rank = -np.sort(-x, axis=1)
    bounds = [widths.sorted_value(rank) for rank in range(widths.cells)]
    assert (by_rank <= np.array(bounds)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_and_pulses(seed: int) -> None:
    model = random_cell_model(seed)
    widths, op, charges = CellWidths(model), model.cell_code.apportion, hostile_charges(model, seed, EVENTS)
    trace: Trace = {}
    sent = encode_pulses(model, charges, trace)
    merge = model.cell_code.merge
    mode, rank = trace[model.cell_code.choose.name], trace[model.cell_code.order.name]
    numbers = np.array([m.cells for m in widths.modes])[mode]
    x = trace[model.normalise.name]
    charge = trace[merge.name] if merge else np.where(rank < numbers[:, None], x, 0)
    shared = ~sent.exact
    sums = charge.sum(axis=1)
    steps = np.array([widths.steps(m) for m in widths.modes])[mode]
    exponent = floor_log2(sums)
    reciprocal = (1 << RECIPROCAL_BITS) // np.maximum((sums << MANTISSA_BITS) >> exponent, 1)
    scale = (steps * reciprocal) >> SCALE_SHIFT
    share = (charge * scale[:, None]) >> (exponent + PRODUCT_SHIFT)[:, None]
    beyond = np.maximum((share + op.offset) >> op.fraction, 1) - 1
    for number, entry in enumerate(widths.modes):
        rows = shared & (mode == number)
        if rows.any():
            assert scale[rows].max() <= widths.scale([entry])
            assert share[rows].sum(axis=1).max() <= widths.shares(entry)
            assert np.where(charge > 0, beyond, 0)[rows].sum(axis=1).max() <= widths.beyond_ones
            assert beyond[rows].max() <= widths.beyond_one(entry.cells - 1)
    for row, pulses in zip(range(EVENTS), sent.pulses, strict=True):
        for slot, count in enumerate(pulses[pulses > 0]):
            assert count - 1 <= widths.sent(slot), (row, slot)


def test_a_number_takes_a_bit_at_least() -> None:
    assert [width(largest) for largest in (0, 1, 2, 255, 256)] == [1, 1, 2, 8, 9]
    assert cells.order(np.zeros((1, 3), np.int64)).tolist() == [[0, 1, 2]]
