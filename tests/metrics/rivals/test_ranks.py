"""The combinatorial number system: every set has a number, without a gap."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from metrics.rivals.ranks import CELLS, rank_bits, rank_of, set_of


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_small_sets_have_every_rank_once(count: int) -> None:
    cells = list(combinations(range(CELLS), count))
    sent = np.zeros((len(cells), CELLS), np.bool_)
    for row, chosen in enumerate(cells):
        sent[row, list(chosen)] = True
    rank = rank_of(sent)
    assert sorted(rank.tolist()) == list(range(comb(CELLS, count)))
    np.testing.assert_array_equal(set_of(rank, np.full(len(rank), count)), sent)


def test_sets_of_any_size_come_back() -> None:
    rng = np.random.default_rng(3)
    sent = rng.random((5000, CELLS)) < rng.random((5000, 1))
    count = sent.sum(axis=1)
    np.testing.assert_array_equal(set_of(rank_of(sent), count), sent)
    assert set(count.tolist()) > set(range(2, 46))


@pytest.mark.parametrize("count", range(CELLS + 1))
def test_first_and_last_rank(count: int) -> None:
    first, last = np.zeros((2, 1, CELLS), np.bool_)
    first[0, :count] = last[0, CELLS - count :] = True
    assert (rank_of(first).item(), rank_of(last).item()) == (0, comb(CELLS, count) - 1)
    assert 1 << rank_bits(count) >= comb(CELLS, count) > (1 << rank_bits(count)) // 2
