"""The memory of the threshold sum's output buffer: worked by hand, and nearly full in random campaigns."""

from __future__ import annotations

import numpy as np
import pytest

from econ_ae.econt import chip
from econ_ae.econt.threshold_buffer import Queue, transmit

NEVER = 0xFFFF  # what memory that nothing has written holds


def queue(lengths):
    """Frame words 0x1tii, truncated words 0x2t00, idle words 0x3t00 in crossing t."""
    crossing = np.arange(len(lengths))
    words = 0x1000 + (crossing[:, None] << 8) + np.arange(26)
    idle = 0x3000 + (crossing << 8)
    words = np.where(np.arange(26) < np.array(lengths)[:, None], words, 0)
    return Queue(words.astype(np.uint16), np.array(lengths), (0x2000 + (crossing << 9)).astype(np.uint16),
                 idle.astype(np.uint16))  # fmt: skip


def test_memory_that_nothing_has_written_leaves_behind_a_truncated_word():
    sent = transmit(queue([5, 5]), per_crossing=4, t1=0, t2=511, t3=0)
    assert sent.tolist() == [[0x2000, 0x3000, NEVER, NEVER], [0x2200, 0x3100, NEVER, NEVER]]


def test_idle_words_of_an_older_crossing_leave_behind_a_truncated_word():
    sent = transmit(queue([1, 25]), per_crossing=4, t1=1, t2=511, t3=0)
    assert sent.tolist() == [[0x1000, 0x3000, 0x3000, 0x3000], [0x2200, 0x3100, 0x3000, 0x3000]]


def test_a_frame_fills_26_words_and_no_more():
    sent = transmit(queue([1, 2, 2]), per_crossing=14, t1=1, t2=511, t3=0)
    assert sent[0].tolist() == [0x1000] + [0x3000] * 13
    assert sent[1].tolist() == [0x2200, 0x3100] + [0x3000] * 10 + [NEVER] * 2
    assert sent[2].tolist() == [0x2400, 0x3200] + [NEVER] * 12


def test_second_kind_of_truncation():
    sent = transmit(queue([6, 3, 4]), per_crossing=2, t1=100, t2=3, t3=3)
    # 4 words wait, more than 3; a frame of 3 words is cut, one of 4 is not.
    assert sent.tolist() == [[0x1000, 0x1001], [0x1002, 0x1003], [0x1004, 0x1005]]
    sent = transmit(queue([6, 3, 4, 1, 1]), per_crossing=2, t1=100, t2=3, t3=3)
    assert sent[3:].tolist() == [[0x2300, 0x1200], [0x1201, 0x1202]]


def test_what_lies_beyond_the_last_word_is_lost_and_the_last_words_stay():
    """Frames of 25 words on one link: 23 more wait after each, so the 18th starts at word 391."""
    lengths = [25] * 18 + [1] * 260
    crossing = np.arange(len(lengths))
    words = (crossing[:, None] * 32 + np.arange(26)).astype(np.uint16)
    idle = np.full(len(lengths), 0xAAAA, np.uint16)
    sent = transmit(Queue(words, np.array(lengths), idle, idle), 2, 65535, 65535, 0).reshape(-1)
    whole = [32 * t + i for t in range(17) for i in range(25)]
    assert sent[: 17 * 25].tolist() == whole
    # Words 391-399 are written, then the last two places repeat themselves; 1-word frames follow beyond the end.
    assert sent[17 * 25 : 17 * 25 + 9].tolist() == [32 * 17 + i for i in range(9)]
    assert sent[17 * 25 + 9 : 17 * 25 + 13].tolist() == [32 * 17 + 7, 32 * 17 + 8] * 2
    assert transmit(queue([3] * 4), 2, 65535, 65535, 0).shape == (4, 2)


def bursts(rng, events):
    """Input words in stretches: many cells with charge, few, none; crossing 0 may come anywhere."""
    codes = np.zeros((events, 48), np.int64)
    row = 0
    while row < events:
        stop = row + int(rng.choice([1, 3, 10, 30, 60]))
        share = rng.choice([0.0, 0.02, 0.15, 0.5, 1.0])
        part = rng.integers(30, 128, codes[row:stop].shape)
        codes[row:stop] = part * (rng.random(part.shape) < share)
        row = stop
    words = np.zeros((events, 12), np.int64)
    for cell in range(48):
        words[:, cell // 4] |= codes[:, cell] << 7 * (cell % 4)
    header = np.where(rng.random(events) < 0.02, 9, 10)
    return (words | header[:, None] << 28).astype(np.uint32)


@pytest.fixture(scope="module")
def campaign(literal, make_configuration, to_config):
    """Compare both models on bursts; returns whether memory that nothing has written was sent."""

    def run(seed, elinks, t1, *, events):
        rng = np.random.default_rng(seed)
        c = make_configuration(rng, 0, elinks, bool(seed & 1)) | {
            "cal": [2048] * 48,
            "thr": [int(rng.choice([40, 200, 2000]))] * 48 if rng.random() < 0.7 else [40 * i for i in range(48)],
            "t1": t1,
            "t2": max(int(rng.choice([0, 314, t1 - 24, t1 - 2 * elinks, 511])), 0),
            "t3": int(rng.choice([0, 1, 6, 25, 255])),
        }
        words = bursts(rng, events)
        got = chip.run(to_config(c), words)
        expected = literal.run(c, words.tolist())
        np.testing.assert_array_equal(got, expected, err_msg=f"seed {seed}, {elinks} links, T1 {t1}")
        halves = np.stack([got >> 16, got & 0xFFFF], axis=2).reshape(len(got), -1)[:, : 2 * elinks]
        return bool((halves == NEVER).any())

    return run


THRESHOLDS = (0, 24, 30, 338, 374, 399, 400, 425, 432, 480, 511, 1000, 65535)


@pytest.mark.parametrize("elinks", range(1, 14))
def test_nearly_full_buffer(campaign, elinks):
    for number, t1 in enumerate(THRESHOLDS):
        campaign(1000 * elinks + number, elinks, t1, events=150)


def test_the_campaign_reaches_memory_that_nothing_has_written(campaign):
    assert any(campaign(seed, 12, 432, events=150) for seed in range(4))


@pytest.mark.slow
@pytest.mark.parametrize("elinks", range(1, 14))
def test_nearly_full_buffer_at_length(campaign, elinks):
    rng = np.random.default_rng(elinks)
    for seed in rng.integers(0, 2**32, 15).tolist():
        t1 = int(rng.choice([*THRESHOLDS, 36 * elinks, 48 * elinks, int(rng.integers(0, 520))]))
        campaign(seed, elinks, t1, events=600)
