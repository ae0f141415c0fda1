"""Proven accumulator ranges: no trace leaves them, and the extremes are reached."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ_ae.emulator import Trace, encode_images
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import Accumulate, Conv2D, Dense, EncoderModel, Exact, Input, Normalise, Pack, Requantise, TrnEach
from econ_ae.ir.ranges import accumulator_format, accumulator_range

IMAGE = Arrangement("3x3x2", 3, 3, 2, tuple(range(18)))
CHARGE = FixedFormat(signed=False, width=22, fraction=0)
PIXEL = FixedFormat.parse("u1.3")


def _model(rng: np.random.Generator, accumulate: tuple[Accumulate, Accumulate], relu: bool) -> EncoderModel:
    weight, bias = FixedFormat.parse("s1.2"), FixedFormat.parse("s2.1")
    middle = FixedFormat.parse("u2.3" if relu else "s2.2")

    def draw(fmt: FixedFormat, *shape: int) -> np.ndarray:
        return rng.integers(fmt.min, fmt.max + 1, shape)

    padding = ((1, 0), (0, 1))
    ops = (
        Normalise(PIXEL),
        Conv2D("conv", draw(weight, 2, 2, 2, 3), draw(bias, 3), weight, bias, (1, 1), padding, accumulate[0]),
        Requantise("conv_out", relu, middle),
        Dense("dense", draw(weight, 27, 2), draw(bias, 2), weight, bias, accumulate[1]),
        Requantise("dense_out", True, FixedFormat.parse("u1.3")),
        Pack((15, 15), 1),
    )
    return EncoderModel("small", Input(18, CHARGE, IMAGE), ops)


@given(
    st.integers(min_value=0, max_value=2**32 - 1),
    st.sampled_from([(Exact(), Exact()), (TrnEach(3), TrnEach(2)), (TrnEach(1), Exact())]),
    st.booleans(),
)
def test_traces_stay_inside_the_proven_ranges(seed: int, accumulate: tuple[Accumulate, Accumulate], relu: bool) -> None:
    rng = np.random.default_rng(seed)
    model = _model(rng, accumulate, relu)
    images = rng.integers(0, PIXEL.max + 1, (40, *IMAGE.shape))
    images[:20] = rng.choice([0, PIXEL.max], images[:20].shape)
    trace: Trace = {}
    encode_images(model, images, trace)
    for stage in model.stages:
        seen = trace[stage.layer.name]
        low, high = accumulator_range(stage, actual_weights=True)
        widest = accumulator_range(stage)
        assert widest[0] <= low <= seen.min()
        assert seen.max() <= high <= widest[1]
        assert accumulator_format(stage).holds(*widest)


@pytest.mark.parametrize("accumulate", [Exact(), TrnEach(3)])
def test_the_bound_is_reached(accumulate: Accumulate) -> None:
    """Extreme weights and full pixels reach both ends of the range of the formats, with no spare."""
    model = _model(np.random.default_rng(0), (accumulate, Exact()), relu=True)
    conv = model.layers[0]
    assert isinstance(conv, Conv2D)
    kernel, bias = conv.kernel.copy(), conv.bias.copy()
    kernel[..., 0], bias[0] = conv.weight.min, conv.bias_format.min
    kernel[..., 1], bias[1] = conv.weight.max, conv.bias_format.max
    conv = replace(conv, kernel=kernel, bias=bias)
    model = replace(model, ops=(model.ops[0], conv, *model.ops[2:]))
    trace: Trace = {}
    encode_images(model, np.full((1, *IMAGE.shape), PIXEL.max), trace)
    assert (trace["conv"].min(), trace["conv"].max()) == accumulator_range(model.stages[0])
    assert accumulator_range(model.stages[0], actual_weights=True) == accumulator_range(model.stages[0])


def test_formats_of_the_default_encoder(econ_t_model: EncoderModel) -> None:
    """3x3 products of 8 and 6 bits plus a bias; 128 of 9 and 6 bits: worked out by hand."""
    conv, dense = econ_t_model.stages
    assert accumulator_range(conv) == (9 * -32 * 255 - 32 * 2**7, 9 * 31 * 255 + 31 * 2**7)
    assert accumulator_range(dense) == (128 * -32 * 511 - 32 * 2**7, 128 * 31 * 511 + 31 * 2**7)
    assert (str(accumulator_format(conv)), str(accumulator_format(dense))) == ("s5.12", "s9.12")
