"""The proof that float32 holds every number of an encoder: above what traces show, and refused where it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae.emulator import encode_images
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray
from econ_ae.ir.float32 import LIMIT, bounds, require_exact
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Normalise, Requantise
from tests.random_models import odd_model


@pytest.mark.parametrize("seed", range(12))
def test_no_sum_of_a_trace_is_above_its_bound(seed: int) -> None:
    model = odd_model(seed)
    rng = np.random.default_rng(seed)
    images = rng.integers(0, model.normalise.out.max + 1, (300, *model.input.arrangement.shape))
    images[0] = model.normalise.out.max
    trace: dict[str, IntArray] = {}
    encode_images(model, images, trace)
    for one in bounds(model):
        assert int(np.abs(trace[one.layer]).max()) <= one.partial


def test_the_chip_is_far_below_the_limit(econ_t_model: EncoderModel) -> None:
    found = require_exact(econ_t_model)
    assert [one.layer for one in found] == ["conv", "dense"]
    assert max(one.largest for one in found) < LIMIT // 8


def test_what_float32_cannot_hold_is_refused(econ_t_model: EncoderModel) -> None:
    wide = FixedFormat(True, 24, 5)
    ops = tuple(
        replace(op, weight=wide, kernel=op.kernel * (1 << 18)) if isinstance(op, Dense) else op
        for op in econ_t_model.ops
    )
    with pytest.raises(ModelError, match=r"numbers of dense reach [\d.e+]+; float32 computes integers exactly below 2"):
        require_exact(replace(econ_t_model, ops=ops))
    ops = (Normalise(FixedFormat(False, 26, 25)), *econ_t_model.ops[1:])
    with pytest.raises(ModelError, match=r"its input u1\.25 has integers that float32 cannot hold"):
        require_exact(replace(econ_t_model, ops=ops))
    fine = FixedFormat(False, 30, 20)
    ops = tuple(
        replace(op, out=fine) if isinstance(op, Requantise) and op.name == "conv_relu" else op
        for op in econ_t_model.ops
    )
    with pytest.raises(ModelError, match="numbers of conv reach"):
        require_exact(replace(econ_t_model, ops=ops))


def test_padding_and_signs_count(econ_t_model: EncoderModel) -> None:
    """Weights of both signs do not cancel in a bound: partial sums are taken in any order."""
    conv = next(op for op in econ_t_model.ops if isinstance(op, Conv2D))
    kernel = np.zeros_like(conv.kernel)
    kernel[0, 0], kernel[1, 1] = 31, -31
    ops = tuple(replace(op, kernel=kernel, bias=op.bias * 0) if op is conv else op for op in econ_t_model.ops)
    assert bounds(replace(econ_t_model, ops=ops))[0].partial == 2 * 31 * 255
