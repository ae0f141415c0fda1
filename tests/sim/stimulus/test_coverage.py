"""Coverage says what was reached, does not ask for the impossible, and the default campaign reaches all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from econ_ae.data.synthetic import generate
from econ_ae.emulator import input_images
from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir.model import EncoderModel, Requantise
from econ_ae.ir.transform import truncate_products
from sim.stimulus.coverage import measure
from sim.stimulus.images import campaign as image_campaign


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
