"""Events at the borders: every mode is met with its largest sum and missed by one, every class is met."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae.emulator import encode_pulses
from rtl_gen.verilog import default_options
from sim.stimulus.borders import border_events
from sim.stimulus.coverage import measure_cells
from sim.stimulus.events import sweep_events
from tests.random_cells import random_cell_model


@pytest.mark.parametrize("seed", [0, 4, 5, 12])
def test_every_sum_without_loss_is_met_and_missed(seed: int) -> None:
    model = random_cell_model(seed)
    charges = border_events(model)
    sent = encode_pulses(model, charges)
    hits, sums = (charges > 0).sum(axis=1), charges.sum(axis=1)
    for number, mode in enumerate(model.cell_code.choose.modes):
        if mode.exact_sum:
            same = hits == mode.cells
            assert (sent.exact & (sent.mode == number))[same & (sums == mode.exact_sum)].all()
            assert (same & (sums == mode.exact_sum)).sum() >= 2
            assert not sent.exact[same & (sums == mode.exact_sum + 1)].any()
            assert (same & (sums == mode.exact_sum + 1)).any()
    with_none = np.concatenate([charges, charges[:1] * 0])  # reaches class 0 where the first limit is one cell
    assert [corner for corner in measure_cells([(model, with_none)]).not_reached if "class" in corner] == []


def test_the_borders_are_part_of_the_sweep_where_charges_are_given() -> None:
    model = random_cell_model(4)
    options = default_options(model)
    charges = sweep_events(model, replace(options, front_end=False))
    borders = border_events(model)
    assert np.array_equal(charges[-len(borders) :], borders)
    assert len(sweep_events(model, options)) == 128
