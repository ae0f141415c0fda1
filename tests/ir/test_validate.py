"""Structural errors: every one is found, all at once, with its full text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir import validate
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Op, Pack, Requantise, TrnEach

Change = Callable[[EncoderModel], EncoderModel]


def _op(index: int, **changes: object) -> Change:
    def change(model: EncoderModel) -> EncoderModel:
        ops: list[Op] = list(model.ops)
        ops[index] = replace(ops[index], **changes)
        return replace(model, ops=tuple(ops))

    return change


def _input(**changes: object) -> Change:
    return lambda model: replace(model, input=replace(model.input, **changes))


def _arrangement(**changes: object) -> Change:
    return lambda model: replace(
        model, input=replace(model.input, arrangement=replace(model.input.arrangement, **changes))
    )


def _kernel(index: int, value: int) -> Change:
    def change(model: EncoderModel) -> EncoderModel:
        layer = model.ops[index]
        assert isinstance(layer, Conv2D | Dense)
        kernel = layer.kernel.copy()
        kernel.flat[0] = value
        return _op(index, kernel=kernel)(model)

    return change


FMT = FixedFormat.parse

CASES: list[tuple[Change, str]] = [
    (lambda m: replace(m, spec_version=2), "spec version must be 1, not 2"),
    (lambda m: replace(m, name="Econ-T"), "name 'Econ-T' must be lower-case letters, digits and _"),
    (_op(3, name="conv"), "name 'conv' is used 2 times"),
    (_arrangement(cells=(0, 1)), "arrangement 8x8x1 lists 2 pixels, its shape has 64"),
    (_input(cells=40), "arrangement 8x8x1 uses cell 47 of 40"),
    (_arrangement(cells=(0, *range(47), *[-1] * 16)), "arrangement 8x8x1 uses a cell twice"),
    (_arrangement(cells=(-2, *range(47), *[-1] * 16)), "arrangement 8x8x1 uses cell -2; an empty pixel is -1"),
    (_input(charge=FMT("s22.0")), "charges must be unsigned integers, not s22.0"),
    (_op(0, out=FMT("s1.7")), "normalise: format must be unsigned with a fraction >= 0, not s1.7"),
    (
        _op(0, out=FMT("u1.39")),
        "normalise: charges of 22 bits with 39 fractional ones take 61 bits; at most 60",
    ),
    (_kernel(1, 32), "conv: weights -32..32 do not fit s0.5"),
    (_op(1, bias=np.full(8, 40)), "conv: biass 40..40 do not fit s0.5"),
    (_op(1, bias=np.zeros(7, np.int64)), "conv: 7 biases for 8 outputs"),
    (_op(1, stride=(0, 2)), "conv: strides must be >= 1, not (0, 2)"),
    (_op(1, kernel=np.zeros((3, 3, 2, 8), np.int64)), "conv: kernel expects images of 2 channels, got shape (8, 8, 1)"),
    (_op(1, kernel=np.zeros((3, 3), np.int64)), "conv: a convolution's kernel has 4 axes, not 2"),
    (_op(3, kernel=np.zeros(128, np.int64)), "dense: a dense kernel has 2 axes, not 1"),
    (
        _op(3, kernel=np.zeros((127, 16), np.int64)),
        "dense: kernel expects 127 inputs, got 128 (shape (4, 4, 8))",
    ),
    (_op(1, bias_format=FMT("s0.20")), "conv: bias format s0.20 is finer than the accumulator"),
    (_op(1, accumulate=TrnEach(13)), "conv: trn_each(13) is finer than a product"),
    (_op(1, weight=FMT("s55.5")), "conv: products of 69 bits; at most 60"),
    (
        lambda m: _op(2, out=FMT("u2.9"))(_op(1, accumulate=TrnEach(7))(m)),
        "conv_relu: u2.9 is finer than the truncated accumulator",
    ),
    (_op(4, relu=False), "dense_relu: without relu the format must be signed, not u1.8"),
    (_op(5, keep=(511,) * 15), "pack keeps 15 latents, the model has 16"),
    (_op(5, keep=(512,) + (0,) * 15), "pack mask 0x200 of latent 0 must fit 9 bits"),
    (_op(5, elinks=14), "pack uses 14 eLinks; expected 1..13"),
    (lambda m: replace(m, ops=m.ops[1:]), "econ_t: the first operation must be Normalise, not Conv2D"),
    (
        lambda m: replace(m, ops=m.ops[:-1]),
        "econ_t: between Normalise and Pack every layer needs one Requantise after it",
    ),
    (
        lambda m: replace(m, ops=(*m.ops[:3], m.ops[-1])),
        "pack keeps 16 latents, the model has 128",
    ),
]


@pytest.mark.parametrize(("change", "message"), CASES, ids=[message[:40] for _, message in CASES])
def test_every_error_is_found(econ_t_model: EncoderModel, change: Change, message: str) -> None:
    found = validate.errors(change(econ_t_model))
    assert any(message in text for text in found), found
    with pytest.raises(ModelError, match="encoder"):
        validate.check(change(econ_t_model))


def test_valid_model_has_no_error(econ_t_model: EncoderModel) -> None:
    assert validate.errors(econ_t_model) == []
    assert validate.check(econ_t_model) is econ_t_model


def test_all_errors_come_at_once(econ_t_model: EncoderModel) -> None:
    wrong = _op(5, elinks=0, keep=(1,))(_kernel(1, 99)(_input(charge=FMT("s22.0"))(econ_t_model)))
    assert len(validate.errors(wrong)) == 4


@pytest.mark.parametrize(("elinks", "bits"), [(1, 18), (2, 50), (3, 82), (4, 114), (5, 146), (13, 146)])
def test_frame_capacity(elinks: int, bits: int) -> None:
    assert validate.frame_capacity(elinks) == bits


def test_pack_counts_bits() -> None:
    assert Pack((0b111, 0b101, 0), 2).bits == 5
    assert Requantise("r", True, FMT("u1.8")).overflow == "sat"
