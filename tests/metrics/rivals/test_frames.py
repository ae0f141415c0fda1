"""Frames of adaptive precision: every bit counted, everything comes back from the bits."""

from __future__ import annotations

import re

import numpy as np
import pytest

from econ_ae.econt.frame import FrameWriter
from econ_ae.errors import ConfigError, DataError
from metrics.rivals.frames import Content, pack, unpack
from metrics.rivals.layout import Form, Layout, forms
from metrics.rivals.ranks import CELLS

LAYOUTS = [layout for elinks in range(1, 14) for layout in forms(elinks)]


def name_of(layout: Layout) -> str:
    return f"{layout.form}-{layout.elinks}"


def contents(layout: Layout, seed: int = 1) -> Content:
    """Every mode with every number of cells, twice whole and twice cut, with random cells and codes."""
    rng = np.random.default_rng(seed)
    rows = [(n, k, whole) for n in layout.modes for k in range(layout.most[n] + 1) for whole in (True, True)]
    rows += [(n, layout.cut[n], False) for n in layout.modes for _ in range(2)]
    mode, count, whole = (np.array(column) for column in zip(*rows, strict=True))
    sent = np.argsort(rng.random((len(rows), CELLS)), axis=1) < count[:, None]
    codes = np.where(sent, rng.integers(0, 1 << mode[:, None], sent.shape), 0)
    extreme = np.arange(len(rows)) % 2 == 0
    codes[extreme] = np.where(sent, (1 << mode[:, None]) - 1, 0)[extreme]
    return Content(mode, sent, codes, whole.astype(np.bool_), rng.integers(0, 512, len(rows)))


@pytest.mark.parametrize("layout", LAYOUTS, ids=name_of)
def test_everything_comes_back_from_the_bits(layout: Layout) -> None:
    given = contents(layout)
    frames = pack(layout, given, np.arange(len(given.mode)))
    assert not frames[:, layout.elinks :].any(), "a frame has 32 bits per eLink"
    found = unpack(layout, frames)
    for field in ("mode", "sent", "codes", "whole", "sums"):
        np.testing.assert_array_equal(getattr(found, field), getattr(given, field), err_msg=field)


@pytest.mark.parametrize("layout", LAYOUTS, ids=name_of)
def test_different_contents_have_different_frames(layout: Layout) -> None:
    given = contents(layout, seed=2)
    frames = pack(layout, given, np.zeros(len(given.mode), np.int64))
    rows = {(int(m), s.tobytes(), c.tobytes(), bool(w), int(u)) for m, s, c, w, u in zip(
        given.mode, given.sent, given.codes, given.whole, given.sums, strict=True)}  # fmt: skip
    assert len(np.unique(frames, axis=0)) == len(rows)


def test_header_and_sum_are_those_of_the_autoencoder() -> None:
    given = contents(Layout(Form.MAP, 3))
    frames = pack(Layout(Form.MAP, 3), given, np.full(len(given.mode), 3564 - 17))
    np.testing.assert_array_equal(frames[:, 0] >> 27, (3564 - 17) % 16)
    np.testing.assert_array_equal(frames[:, 0] >> 18 & 511, given.sums)


def test_what_fits() -> None:
    assert [layout.form for layout in forms(2)] == [Form.ENUMERATED, Form.JOINED]
    assert [layout.form for layout in forms(5)] == [Form.MAP, Form.ENUMERATED]
    assert Layout(Form.MAP, 3).most == (0, 31, 15, 10, 7, 6, 5, 4)
    assert Layout(Form.ENUMERATED, 2).most == (0, 9, 7, 5, 5, 4, 3, 3)
    assert Layout(Form.JOINED, 2).most == (0, 11, 8, 6, 5, 5, 4, 4)
    assert Layout(Form.MAP, 5).cut == (0, 48, 47, 31, 23, 18, 15, 13)
    for layout in LAYOUTS:
        assert layout.bits <= layout.payload == 32 * layout.elinks - 14


@pytest.mark.parametrize(
    ("form", "elinks", "expected"),
    [
        (Form.MAP, 2, "no cell fits a frame of 2 eLinks with positions map"),
        (Form.JOINED, 3, "joined positions at 3 eLinks; expected at most 2, where they fit 62 bits"),
        (Form.MAP, 14, "14 eLinks; expected 1..13"),
    ],
)
def test_layouts_that_do_not_exist(form: Form, elinks: int, expected: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(expected)):
        Layout(form, elinks)


def frame(*fields: tuple[int, int]) -> np.ndarray:
    writer = FrameWriter(1)
    writer.bits = 14
    for value, width in fields:
        writer.put(np.array([value]), width)
    return writer.words


@pytest.mark.parametrize(
    ("layout", "words", "expected"),
    [
        (Layout(Form.MAP, 3), frame((0, 3)), "the frame of row 0 has mode 0; expected one of 1, 2, 3, 4, 5, 6, 7"),
        (Layout(Form.MAP, 3), frame((7, 3), (31, 5)), "a frame of mode 7 with 5 cells; expected at most 4"),
        (Layout(Form.ENUMERATED, 3), frame((7, 3), (60, 6)), "a frame of mode 7 with 60 cells; expected at most 6"),
        (Layout(Form.ENUMERATED, 3), frame((7, 3), (1, 6), (48, 6)), "a rank above those of the sets of 1 cells"),
        (Layout(Form.JOINED, 2), frame((7, 3), (0x7FFF, 15), (2**32 - 1, 32)), "a rank above those of the sets of 4"),
    ],
)
def test_frames_of_something_else(layout: Layout, words: np.ndarray, expected: str) -> None:
    with pytest.raises(DataError, match=re.escape(expected)):
        unpack(layout, words)


def test_more_cells_than_fit_are_refused() -> None:
    given = contents(Layout(Form.MAP, 5))
    with pytest.raises(DataError, match="expected at most"):
        pack(Layout(Form.MAP, 3), given, np.zeros(len(given.mode), np.int64))
