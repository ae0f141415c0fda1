"""Structural errors of operations on cells: every one is found, all at once, with its full text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir import validate
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Mode, Order, modes
from econ_ae.ir.model import CHARGE, EncoderModel, Input, Normalise, Op, Pack

Change = Callable[[EncoderModel], EncoderModel]
FMT = FixedFormat.parse
CELLS = 8


@pytest.fixture
def model() -> EncoderModel:
    """Eight cells in a row, 2 eLinks, six modes, two classes."""
    chosen = modes(CELLS, range(1, 7), 46, most_pulses=100, most_exact=200)
    near = tuple(tuple(n for n in (c - 1, c + 1) if 0 <= n < CELLS) for c in range(CELLS))
    ops = (
        Normalise(FMT("u1.8")),
        Order(),
        Choose(chosen, (4,), ((5, 4, 3, 2, 1, 0), (0, 1, 2, 3, 4, 5)), 4),
        Merge(near),
        Apportion(),
        Enumerate(2),
    )
    image = Arrangement("cells", CELLS, 1, 1, tuple(range(CELLS)))
    return validate.check(EncoderModel("pulses", Input(CELLS, CHARGE, image), ops, spec_version=2))


def _op(index: int, **changes: Any) -> Change:
    def change(model: EncoderModel) -> EncoderModel:
        ops: list[Op] = list(model.ops)
        ops[index] = replace(ops[index], **changes)
        return replace(model, ops=tuple(ops))

    return change


def _mode(number: int, **changes: int) -> Change:
    def change(model: EncoderModel) -> EncoderModel:
        chosen = list(model.cell_code.choose.modes)
        chosen[number] = replace(chosen[number], **changes)
        return _op(2, modes=tuple(chosen))(model)

    return change


def _ops(*order: int) -> Change:
    return lambda model: replace(model, ops=tuple(model.ops[n] for n in order))


def _near(cell: int, *others: int) -> Change:
    def change(model: EncoderModel) -> EncoderModel:
        assert model.cell_code.merge is not None
        near = list(model.cell_code.merge.neighbours)
        near[cell] = others
        return _op(3, neighbours=tuple(near))(model)

    return change


def _cells(count: int) -> Change:
    image = Arrangement("cells", count, 1, 1, tuple(range(count)))
    return lambda model: replace(model, input=replace(model.input, cells=count, arrangement=image))


CASES: list[tuple[Change, str]] = [
    (lambda m: replace(m, spec_version=1), "spec version must be 2, not 1"),
    (_op(1, name="Order"), "name 'Order' must be lower-case letters, digits and _"),
    (_op(1, name="choose"), "name 'choose' is used 2 times"),
    (
        _ops(0, 2, 1, 3, 4, 5),
        "pulses: expected Normalise, Order, Choose, Merge (or none), Apportion, Enumerate; "
        "got Normalise, Choose, Order, Merge, Apportion, Enumerate",
    ),
    (_ops(0, 1, 2, 4), "pulses: expected Normalise, Order, Choose, Merge (or none), Apportion, Enumerate; got"),
    (_ops(1, 1, 2, 3, 4, 5), "pulses: the first operation must be Normalise, not Order"),
    (
        lambda m: replace(m, ops=(*m.ops[:-1], Pack((1,), 2))),
        "operations on cells cannot stand beside layers or their packing (pack)",
    ),
    (_op(2, modes=()), "choose: at least one mode is needed"),
    (_op(2, modes=(Mode(2, 2, 0, 0, 0),)), "choose: the first mode must send 1 cell, not 2"),
    (
        _op(2, modes=tuple(Mode(k, k, 0, 0, 0) for k in (1, 3, 2, 4, 4, 5))),
        "choose: modes must rise in their number of cells, not 1, 3, 2, 4, 4, 5",
    ),
    (_op(2, modes=(Mode(1, 1, 0, 0, 0), Mode(9, 9, 0, 0, 0))), "choose: a mode sends 9 cells of 8"),
    (_mode(2, pulses=2), "choose: mode 2 shares 2 pulses among 3 cells; every cell needs one"),
    (_mode(2, exact_sum=2), "choose: mode 2 has exact_sum 2 for 3 cells; expected 0 (none) or at least 3"),
    (_mode(2, exact_sum=-1), "choose: mode 2 has exact_sum -1 for 3 cells; expected 0 (none) or at least 3"),
    (_mode(2, low_bits=8), "choose: mode 2 has 8 low bits for pulses of 100; expected 0..7"),
    (_mode(2, low_bits=-1), "choose: mode 2 has -1 low bits for pulses of 100; expected 0..7"),
    (_mode(2, exact_low_bits=9), "choose: mode 2 has 9 low bits for sums without loss of 200; expected 0..8"),
    (_mode(2, low_bits=0), "choose: mode 2 ranks 99 places for pulses of 100; at most 63, with more low bits"),
    (_mode(2, exact_low_bits=0), "choose: mode 2 ranks 200 places for sums without loss of 200; at most 63"),
    (_op(2, limits=(4, 4)), "choose: limits must rise within 1..8, not 4, 4"),
    (_op(2, limits=(5, 4)), "choose: limits must rise within 1..8, not 5, 4"),
    (_op(2, limits=(0,)), "choose: limits must rise within 1..8, not 0"),
    (_op(2, limits=(9,)), "choose: limits must rise within 1..8, not 9"),
    (_op(2, limits=()), "choose: 0 limits make 1 classes, but bias has 2"),
    (_op(2, bias=((0,) * 6, (0,) * 5)), "choose: class 1 has 5 biases for 6 modes"),
    (_op(2, bias=((0,) * 6, (0, 0, 16, 0, 0, 0))), "choose: class 1 has bias 16; expected 0..15"),
    (_op(2, bias=((0, -1, 0, 0, 0, 0), (0,) * 6)), "choose: class 0 has bias -1; expected 0..15"),
    (_op(2, bias_fraction=0), "choose: a bias has 1..30 bits, not 0"),
    (_op(2, bias_fraction=31), "choose: a bias has 1..30 bits, not 31"),
    (_op(3, neighbours=((1,), (0,))), "merge: 2 lists of neighbours for 8 cells"),
    (_near(3, 2, 4, 8), "merge: cell 3 has neighbour 8; expected 0..7"),
    (_near(3, 2, 4, -1), "merge: cell 3 has neighbour -1; expected 0..7"),
    (_near(3, 2, 3, 4), "merge: cell 3 is its own neighbour"),
    (_near(3, 2, 2, 4), "merge: cell 3 lists a neighbour twice"),
    (_near(3, 2, 4, 6), "merge: cell 3 has neighbour 6, which has not cell 3"),
    (_op(4, fraction=0), "apportion: a pulse has 1..30 fractional bits, not 0"),
    (_op(4, fraction=31), "apportion: a pulse has 1..30 fractional bits, not 31"),
    (_op(4, offset=17), "apportion: offset must be 0..16 (one pulse), not 17"),
    (_op(4, offset=-1), "apportion: offset must be 0..16 (one pulse), not -1"),
    (_op(5, elinks=0), "enumerate uses 0 eLinks; expected 1..13"),
    (_op(5, elinks=14), "enumerate uses 14 eLinks; expected 1..13"),
    (_op(5, elinks=1), "choose: mode 2 takes 23 bits, a frame of 1 eLinks has 18"),
    (_op(5, elinks=1), "choose: mode 1 takes 24 bits without loss, a frame of 1 eLinks has 18"),
    (_op(0, out=FMT("s1.8")), "normalise: format must be unsigned with a fraction >= 0, not s1.8"),
    (
        _op(0, out=FMT("u1.5")),
        "normalise: cells need at least 6 fractional bits, so that the largest is never 0; not u1.5",
    ),
    (_op(0, out=FMT("u1.39")), "normalise: charges of 22 bits with 39 fractional ones take 61 bits; at most 60"),
    (
        lambda m: replace(m, input=replace(m.input, charge=FMT("u50.0"))),
        "normalise: sums of charges of 54 bits; at most 52",
    ),
    (
        lambda m: _op(2, bias_fraction=30)(_op(0, out=FMT("u1.30"))(m)),
        "choose: estimates of 62 bits; at most 60",
    ),
    (
        lambda m: _op(4, fraction=20)(_op(0, out=FMT("u1.30"))(m)),
        "apportion: shares of 62 bits; at most 60",
    ),
    (_cells(64), "pulses: operations on cells take 1..63 cells, not 64"),
    (_mode(1, pulses=1 << 41, low_bits=36), "apportion: scales of 64 bits; at most 60"),
    (_mode(0, pulses=100), "choose: mode 0 ranks 99 places for pulses of 100; at most 63, with more low bits"),
]


@pytest.mark.parametrize(("change", "message"), CASES, ids=[message[:50] for _, message in CASES])
def test_every_error_is_found(model: EncoderModel, change: Change, message: str) -> None:
    found = validate.errors(change(model))
    assert any(message in text for text in found), found
    with pytest.raises(ModelError, match="encoder"):
        validate.check(change(model))


def test_all_errors_come_at_once(model: EncoderModel) -> None:
    wrong = _op(5, elinks=0)(_op(4, offset=99)(_near(3, 3)(_op(2, limits=(9,))(model))))
    found = validate.errors(wrong)
    operations = [text.split(":")[0].split()[0] for text in found]
    assert operations == ["choose", "merge", "merge", "merge", "apportion", "enumerate"]


def test_a_valid_model_has_no_error(model: EncoderModel) -> None:
    assert validate.errors(model) == []
    assert validate.errors(_ops(0, 1, 2, 4, 5)(model)) == [], "merging is optional"
    assert validate.errors(_op(2, limits=(), bias=((0,) * 6,))(model)) == [], "one class"
    assert validate.errors(_op(5, elinks=13)(model)) == []


def test_numbers_of_any_size_are_refused_in_time(model: EncoderModel) -> None:
    """A file may say anything."""
    huge = 1 << 70
    for change in (
        _op(4, fraction=huge),
        _op(2, bias_fraction=huge),
        _mode(5, pulses=huge),
        _mode(5, low_bits=huge),
        _mode(5, exact_sum=huge),
        _mode(5, cells=huge),
        _op(2, limits=(huge,)),
        _op(5, elinks=huge),
        lambda m: replace(m, input=replace(m.input, cells=huge)),
    ):
        assert validate.errors(change(model))


@pytest.mark.parametrize(
    ("what", "word"), [("pack", "packing"), ("stages", "layers"), ("latents", "layers"), ("latent", "layers")]
)
def test_a_model_of_cells_has_no_latents(model: EncoderModel, what: str, word: str) -> None:
    with pytest.raises(ModelError) as caught:
        getattr(model, what)
    assert str(caught.value) == f"pulses: sends cells as pulses and has no {word} of latents; use its cell_code"


def test_a_rule_is_replaced(model: EncoderModel) -> None:
    other = model.with_rule([2, 6], [[0] * 6] * 3)
    assert other.cell_code.choose.limits == (2, 6)
    assert other.cell_code.choose.bias == ((0,) * 6,) * 3
    assert other.cell_code.choose.modes == model.cell_code.choose.modes
    assert [type(op) for op in other.ops] == [type(op) for op in model.ops]
    assert validate.check(other) is other


def test_models_of_layers_have_no_rule(econ_t_model: EncoderModel) -> None:
    with pytest.raises(ModelError, match="econ_t: expected Normalise, Order"):
        econ_t_model.with_rule([], [[0]])
