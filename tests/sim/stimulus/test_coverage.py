"""Coverage says what was reached, does not ask for the impossible, and the default campaign reaches all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae.config import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.data.synthetic import generate
from econ_ae.emulator import input_images
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel, Requantise
from econ_ae.ir.transform import truncate_products
from rtl_gen.verilog import default_options
from sim.stimulus.coverage import measure, measure_cells
from sim.stimulus.golden import charges_of
from sim.stimulus.images import campaign as image_campaign
from sim.verilator.verify import random_phases


def test_nothing_reached_by_an_empty_image(econ_t_model: EncoderModel) -> None:
    dark = econ_t_model.with_weights({layer.name: (layer.kernel * 0, layer.bias * 0) for layer in econ_t_model.layers})
    missing = measure([(dark, np.zeros((3, 8, 8, 1), np.int64))]).not_reached
    assert {f"latent {i} bit {b} at 1" for i in range(16) for b in range(9)} <= set(missing)
    assert "conv_relu: saturates at the top" in missing
    assert "conv_relu: zero" not in missing
    assert "latent 3 bit 2 at 0" not in missing


def test_ties_are_told_apart(econ_t_model: EncoderModel) -> None:
    # One pixel of 1 and a weight of 16: 16 / 2^12 is half a step of 2^-7; with a bias of one step it is one and a half.
    conv, dense = econ_t_model.layers
    kernel = np.zeros_like(conv.kernel)
    kernel[0, 0, 0, :] = 16
    image = np.zeros((1, 8, 8, 1), np.int64)
    image[0, 0, 0, 0] = 1
    down = econ_t_model.with_weights({conv.name: (kernel, conv.bias * 0), dense.name: (dense.kernel, dense.bias)})
    missing = measure([(down, image)]).not_reached
    assert "conv_relu: tie rounded down" not in missing
    assert "conv_relu: tie rounded up" in missing
    image[0, 0, 0, 0] = 3
    assert "conv_relu: tie rounded up" not in measure([(down, image)]).not_reached


def test_impossible_corners_are_not_asked_for(econ_t_model: EncoderModel) -> None:
    wide = replace(
        econ_t_model,
        ops=tuple(
            replace(op, out=FixedFormat.parse("u8.7")) if isinstance(op, Requantise) and op.name == "conv_relu" else op
            for op in econ_t_model.ops
        ),
    )
    corners = measure([(wide, np.zeros((1, 8, 8, 1), np.int64))]).reached
    assert "conv_relu: saturates at the top" not in corners
    assert "dense_relu: saturates at the top" in corners


def test_default_campaign_reaches_every_corner(econ_t_model: EncoderModel) -> None:
    for model in (econ_t_model, truncate_products(econ_t_model)):
        images = input_images(model.input, model.normalise, generate(300, seed=2).charges)
        campaign = image_campaign(model, images, 200, 1)
        covered = measure((p.settings.model, p.events) for p in campaign.phases)
        assert len(covered.reached) > 16 * 9 * 2
        assert covered.not_reached == ()


@pytest.mark.parametrize("elinks", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_a_million_random_events_reach_every_mode_with_loss_and_without(elinks: int) -> None:
    model = skeleton(load_preset(f"frontier-{elinks}elinks"), LOW_DENSITY)
    options, events = default_options(model), 30_000 * elinks**2 // 3
    phases = list(random_phases(model, options, events, seed=1))
    charges = [(p.settings.model, charges_of(p.events, p.settings, options)) for p in phases]
    found = measure_cells(charges)
    modes = model.cell_code.choose.modes
    assert all(mode.exact_sum for mode in modes)
    assert len(found.reached) == 2 * len(modes) + 4
    assert found.not_reached == ()
    dense = charges[0][1][::4]
    assert "mode 1 without loss" in measure_cells([(model, dense)]).not_reached
