"""Frames of pulses: bits by hand, damaged frames, and the words of what nobody sends."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.econt.cell_frame import frames, pack_pulses, unpack_pulses
from econ_ae.econt.frame import Words
from econ_ae.emulator import Pulses, encode_pulses
from econ_ae.errors import DataError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Mode, Order
from econ_ae.ir.model import CHARGE, EncoderModel, Input, Normalise
from econ_ae.ir.validate import check
from tests.random_cells import hostile_charges, random_cell_model

MODES = (Mode(1, 1, 0, 0, 0), Mode(2, 12, 2, 9, 1), Mode(3, 7, 1, 6, 0))


@pytest.fixture
def model() -> EncoderModel:
    """Eight cells, three modes, 2 eLinks: 50 bits for mode (2), loss (1), positions, low bits and high parts."""
    ops = (Normalise(FixedFormat.parse("u1.8")), Order(), Choose(MODES, (), ((9, 3, 0),)), Apportion(), Enumerate(2))
    image = Arrangement("cells", 8, 1, 1, tuple(range(8)))
    return check(EncoderModel("small", Input(8, CHARGE, image), ops, spec_version=2))


def _frame(model: EncoderModel, mode: int, exact: bool, pulses: list[int], *, sums: int = 5, crossing: int = 18) -> str:
    sent = Pulses(np.array([mode]), np.array([exact]), np.array([pulses]))
    words = pack_pulses(model, sent, np.array([sums]), np.array([crossing]))
    return "".join(f"{word:032b}" for word in words[0].tolist())


def test_a_frame_by_hand(model: EncoderModel) -> None:
    """Cells 2 and 5 with 8 and 4 pulses of 12: only the first's are sent."""
    text = _frame(model, 1, False, [0, 0, 8, 0, 0, 4, 0, 0])
    head = "00010" + "000000101" + "01" + "0"  # crossing 18, sum code 5, mode 1, with loss
    # Positions C(2, 1) + C(5, 2) = 12 in 5 bits (28 sets). 7 = 0b1|11 above one pulse: 2 low bits 11, high part 1;
    # room (12 - 2) >> 2 = 2, so one bar among 3 places, at place 1, in 2 bits.
    tail = "01100" + "11" + "01"
    assert text == head + "0" * (50 - 3 - len(tail)) + tail + "0" * (11 * 32)


def test_a_frame_without_loss_by_hand(model: EncoderModel) -> None:
    """Cells 0, 1 and 7 with charges 1, 3, 2."""
    text = _frame(model, 2, True, [1, 3, 0, 0, 0, 0, 0, 2], sums=6, crossing=0)
    head = "11111" + "000000110" + "10" + "1"
    # 0 + 0 + C(7, 3) = 35 in 6 bits (56 sets). No low bits; parts 0, 2, 1 are bars at 0, 3, 5 of 6 places:
    # C(0, 1) + C(3, 2) + C(5, 3) = 13 in 5 bits (20 sets).
    tail = "100011" + "01101"
    assert text == head + "0" * (50 - 3 - len(tail)) + tail + "0" * (11 * 32)


def test_an_event_without_charge_is_its_header(model: EncoderModel) -> None:
    charges = np.zeros((1, 8), np.int64)
    words = frames(model, encode_pulses(model, charges), charges, np.array([17]))
    assert words.tolist() == [[1 << 27, *[0] * 12]]
    received = unpack_pulses(model, words)
    assert received.total.tolist() == [0.0]
    assert received.sent.exact.tolist() == [True]
    assert not received.sent.pulses.any()


def test_the_sum_is_exact_without_loss_and_mid_bin_with_it(model: EncoderModel) -> None:
    charges = np.array([[0, 3, 0, 0, 0, 4, 0, 0], [300, 201, 0, 5, 0, 6, 0, 0]])
    received = unpack_pulses(model, frames(model, encode_pulses(model, charges), charges, np.arange(2)))
    assert received.sent.exact.tolist() == [True, False]
    assert received.total.tolist() == [7.0, 527.5], "the code of 512 stands for 512..543"


def _damaged(model: EncoderModel, fields: list[tuple[int, int]]) -> Words:
    """A frame of (value, width) fields from the first bit on."""
    text = "".join(f"{value:0{width}b}" for value, width in fields).ljust(13 * 32, "0")
    return np.array([[int(text[n : n + 32], 2) for n in range(0, len(text), 32)]], np.uint32)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([(3, 2), (0, 1)], "a frame has mode 3; the encoder small has 3"),
        ([(1, 2), (0, 1), (0, 38), (28, 5), (0, 4)], "a frame has rank 28 of 2 out of 8; expected 0..27"),
        ([(1, 2), (0, 1), (0, 38), (0, 5), (0, 2), (3, 2)], "a frame has rank 3 of 1 out of 3; expected 0..2"),
        (
            [(1, 2), (0, 1), (0, 38), (0, 5), (3, 2), (2, 2)],
            "a frame of mode 1 with loss has more pulses than the 12 that it can have",
        ),
        (
            [(0, 2), (1, 1), (0, 47)],
            "a frame of mode 0 without loss has more pulses than the 0 that it can have",
        ),
    ],
)
def test_frames_that_no_event_gives(model: EncoderModel, fields: list[tuple[int, int]], message: str) -> None:
    head = [(2, 5), (5, 9)]
    assert sum(width for _, width in head + fields) <= 64
    with pytest.raises(DataError) as caught:
        unpack_pulses(model, _damaged(model, head + fields))
    assert str(caught.value) == message


def test_damaged_frames_are_errors_or_pulses() -> None:
    """Whatever the bits are: an error of the data, or cells of the geometry with whole pulses."""
    rng = np.random.default_rng(1)
    refused = 0
    for seed in range(12):
        model = random_cell_model(seed)
        charges = hostile_charges(model, seed, 60)
        words = frames(model, encode_pulses(model, charges), charges, np.arange(60))
        for row in words:
            row[: model.elinks] ^= np.uint32(1) << rng.integers(0, 32, model.elinks, dtype=np.uint32)
            try:
                received = unpack_pulses(model, row[None])
            except DataError as problem:
                refused += "\n" not in str(problem)
                continue
            assert (received.sent.pulses >= 0).all()
            assert received.sent.pulses.shape == (1, model.input.cells)
    assert 30 < refused < 12 * 60


def test_no_events_give_no_frames(model: EncoderModel) -> None:
    charges = np.zeros((0, 8), np.int64)
    words = frames(model, encode_pulses(model, charges), charges, np.zeros(0, np.int64))
    assert words.shape == (0, 13)
    assert unpack_pulses(model, words).sent.pulses.shape == (0, 8)
