"""The weight image against the register order of the ECON-T (spec 7)."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir import weights
from econ_ae.ir.model import Conv2D, Dense, EncoderModel


def _number(image: bytes, n: int) -> int:
    """Number n of a 6-bit image, two's complement."""
    raw = int.from_bytes(image, "little") >> 6 * n & 63
    return raw - 64 if raw & 32 else raw


def test_image_is_the_chips(econ_t_model: EncoderModel) -> None:
    image = weights.pack(econ_t_model)
    conv, dense = econ_t_model.layers
    assert weights.image_bits(econ_t_model) == 12_864
    assert len(image) == 12 * 134
    for row, col, f in ((0, 0, 0), (1, 2, 5), (2, 2, 7)):
        assert _number(image, (row * 3 + col) * 8 + f) == conv.kernel[row, col, 0, f]
    assert [_number(image, 72 + f) for f in range(8)] == conv.bias.tolist()
    for out, inp in ((0, 0), (0, 127), (9, 31), (15, 127)):
        assert _number(image, 80 + out * 128 + inp) == dense.kernel[inp, out]  # output-major
    assert [_number(image, 2128 + o) for o in range(16)] == dense.bias.tolist()


def test_unpack_inverts_pack(econ_t_model: EncoderModel) -> None:
    image = weights.pack(econ_t_model)
    zero = econ_t_model.with_weights({layer.name: (layer.kernel * 0, layer.bias * 0) for layer in econ_t_model.layers})
    again = weights.unpack(zero, image)
    for one, other in zip(econ_t_model.layers, again.layers, strict=True):
        np.testing.assert_array_equal(one.kernel, other.kernel)
        np.testing.assert_array_equal(one.bias, other.bias)
    assert weights.pack(zero) == bytes(len(image))


def test_mixed_formats_share_one_image(econ_t_model: EncoderModel) -> None:
    """Unsigned and signed fields of different widths, not a whole number of bytes."""
    rng = np.random.default_rng(3)
    wide, narrow = FixedFormat.parse("s1.9"), FixedFormat.parse("u0.3")
    ops = list(econ_t_model.ops)
    kernel = rng.integers(wide.min, wide.max + 1, (3, 3, 1, 8))
    ops[1] = Conv2D("conv", kernel, rng.integers(0, 8, 8), wide, narrow, (2, 2), ((0, 1), (0, 1)))
    model = EncoderModel("mixed", econ_t_model.input, tuple(ops))
    layout = weights.fields(model)
    assert [(f.offset, f.bits) for f in layout[:3]] == [(0, 792), (792, 24), (816, 12_288)]
    again = weights.unpack(model, weights.pack(model))
    np.testing.assert_array_equal(again.layers[0].kernel, kernel)
    np.testing.assert_array_equal(again.layers[0].bias, model.layers[0].bias)
    assert isinstance(again.layers[1], Dense)


def test_wrong_length(econ_t_model: EncoderModel) -> None:
    with pytest.raises(ModelError, match=r"^weight image of 1607 bytes; econ_t needs 1608$"):
        weights.unpack(econ_t_model, bytes(1607))
