"""The threshold sum at a link budget: the lowest threshold that fits, by the chip's own buffer, and its accounts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.econt.chip import frames
from econ_ae.econt.decode import reconstruct
from econ_ae.errors import DataError
from metrics.threshold import config_at, fits, lowest_threshold, send


def crossings(n: int = 400) -> NDArray[np.int64]:
    rng = np.random.default_rng(11)
    # Bursts of busy crossings, which fill the buffer.
    busy = np.repeat(rng.random(n // 20) < 0.3, 20)[:, None]
    return rng.integers(1, 300, (n, 48)) * (rng.random((n, 48)) < np.where(busy, 0.9, 0.2))


@pytest.mark.parametrize("elinks", [1, 2, 5])
def test_the_threshold_is_the_lowest_without_truncation(elinks: int) -> None:
    charges = crossings()
    best = lowest_threshold(charges, elinks)
    assert best > 1
    for threshold, truncated in ((best, False), (best - 1, True)):
        config = config_at(elinks, threshold)
        seen = reconstruct(frames(config, charges), config)  # the chip model's buffer, not the queue of fits()
        assert seen.truncated.any() == truncated
        assert fits(charges, threshold, config) == (not truncated)


def test_wide_links_send_every_cell_with_charge() -> None:
    charges = crossings()
    assert lowest_threshold(charges, 13) == 1
    seen, stream = send(charges, config_at(13, 1))
    assert (seen.charges > 0).sum() == (charges > 0).sum()
    assert (stream.truncated, stream.waiting, stream.delay, stream.unreceived) == (0, 0, 0, 0)


def test_accounts_of_a_hand_made_stream() -> None:
    charges = np.zeros((4, 48), np.int64)
    charges[0, :40] = 500  # 16 + 48 + 40 * 7 = 344 bits: 22 words
    charges[1, :2] = 500  # 19 + 2 * 13 = 45 bits: 3 words
    charges[2, 0] = 5  # below the threshold: 1 word
    seen, stream = send(charges, config_at(2, 100))
    # 4 words leave per crossing: 22 - 4 = 18 wait, then 17, 14, 11; the second frame ends 21 words after crossing 1.
    assert stream.mean_bits == 16 * (22 + 3 + 1 + 1) / 4
    assert (stream.capacity, stream.use) == (64, 16 * 27 / 4 / 64)
    assert (stream.waiting, stream.delay) == (18, 5)
    assert (stream.truncated, stream.without_cells, stream.unreceived, stream.events) == (0, 2, 0, 4)
    assert seen.sent.sum(axis=1).tolist() == [40, 2, 0, 0]
    assert seen.received.all()


def test_truncated_frames_keep_their_sum() -> None:
    charges = np.full((8, 48), 200, np.int64)
    seen, stream = send(charges, config_at(1, 1))
    assert stream.truncated == seen.truncated.sum() > 0
    assert stream.without_cells == 0
    cut = seen.truncated
    assert not seen.charges[cut].any()
    np.testing.assert_allclose(seen.filled[cut].sum(axis=1), 48 * 200, rtol=0.07)
    assert stream.mean_bits == 16 * (25 * (8 - cut.sum()) + cut.sum()) / 8


def test_no_event_to_tune_on() -> None:
    with pytest.raises(DataError, match="none were given"):
        lowest_threshold(np.zeros((0, 48), np.int64), 2)
