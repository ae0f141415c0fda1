"""The weight image against the register order of the ECON-T (spec 7)."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.ir import weights
from econ_ae.ir.model import Conv2D, Dense, EncoderModel
from tests.random_cells import random_cell_model


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


def test_image_of_a_rule() -> None:
    """Limits first, then the biases of class 0, class 1, ...: each field behind the other, least significant first."""
    model = random_cell_model(294)
    model = model.with_rule((3, 8), [[n % 4 for n in range(8)], [3] * 8, [0, 1] * 4])
    layout = weights.fields(model)
    assert [(f.layer, f.kind, str(f.format), f.count, f.offset) for f in layout] == [
        ("choose", "limits", "u4.0", 2, 0),
        ("choose", "bias", "u0.2", 24, 8),
    ]
    assert weights.image_bits(model) == 2 * 4 + 3 * 8 * 2
    text = "".join(f"{n:04b}"[::-1] for n in (3, 8))
    text += "".join(f"{n:02b}"[::-1] for n in [0, 1, 2, 3] * 2 + [3] * 8 + [0, 1] * 4)
    image = int.from_bytes(weights.pack(model), "little")
    assert f"{image:056b}"[::-1] == text


@pytest.mark.parametrize("seed", range(30))
def test_unpack_inverts_pack_of_a_rule(seed: int) -> None:
    model = random_cell_model(seed)
    old = model.cell_code.choose
    first = tuple(range(1, len(old.limits) + 1))
    zero = model.with_rule(first, [[0] * len(old.modes) for _ in old.bias])
    again = weights.unpack(zero, weights.pack(model))
    assert again.ops == model.ops
    assert len(weights.pack(model)) == -(-weights.image_bits(model) // 8)


@pytest.mark.parametrize(("limits", "text"), [((9, 9), "9, 9"), ((5, 3), "5, 3"), ((0, 3), "0, 3"), ((2, 9), "2, 9")])
def test_limits_of_an_image_are_checked(limits: tuple[int, int], text: str) -> None:
    model = random_cell_model(294)
    wrong = weights.pack(model.with_rule(limits, model.cell_code.choose.bias))
    with pytest.raises(ModelError) as caught:
        weights.unpack(model, wrong)
    assert str(caught.value) == f"weight image of cells294: choose: limits must rise within 1..8, not {text}"


def test_wrong_length_of_a_rule() -> None:
    with pytest.raises(ModelError, match=r"^weight image of 6 bytes; cells294 needs 7$"):
        weights.unpack(random_cell_model(294), bytes(6))
