"""The learned choice of the mode: exact searches against trying everything, and the encoder's own choice."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from econ_ae.config.skeleton import skeleton
from econ_ae.emulator import encode_pulses
from econ_ae.errors import RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.validate import check
from econ_ae.training.cells import rule
from econ_ae.training.cells.candidates import Candidates, candidates, lossy
from econ_ae.training.cells.rule import Rule, learn
from tests.training.cells.sparse import config, images

MODEL = skeleton(config(), LOW_DENSITY)
BITS = MODEL.cell_code.choose.bias_fraction


@pytest.fixture(scope="module")
def seen() -> Candidates:
    return candidates(MODEL, images(300, 1))


def costs(seen: Candidates) -> np.ndarray:
    """Return a cost of every pair that no bias alone explains."""
    rng = np.random.default_rng(3)
    share = seen.dropped[seen.row, seen.mode] / seen.total[seen.row]
    return share + 0.02 * seen.mode + rng.exponential(0.1, len(seen.row))


def mean_cost(seen: Candidates, cost: np.ndarray, found: Rule) -> float:
    return float(seen.of_pairs(cost)[np.arange(len(seen.charges)), found.modes(seen, BITS)].mean())


def random_rule(seed: int, classes: int = 3) -> Rule:
    rng = np.random.default_rng(seed)
    modes = len(MODEL.cell_code.choose.modes)
    limits = tuple(sorted(int(n) for n in rng.choice(np.arange(1, 49), classes - 1, replace=False)))
    return Rule(limits, tuple(tuple(int(b) for b in row) for row in rng.integers(0, 1 << BITS, (classes, modes))))


@pytest.mark.parametrize("seed", range(4))
def test_candidates_hold_what_the_encoder_sends(seen: Candidates, seed: int) -> None:
    found = random_rule(seed)
    model = check(MODEL.with_rule(found.limits, found.bias))
    sent = encode_pulses(model, seen.charges)
    assert not sent.exact.any()
    assert (sent.mode == found.modes(seen, BITS)).all()
    of_pair = {(int(r), int(m)): p for r, m, p in zip(seen.row, seen.mode, seen.pulses, strict=True)}
    for event, (mode, pulses) in enumerate(zip(sent.mode, sent.pulses, strict=True)):
        assert (of_pair[event, int(mode)] == pulses).all()


def test_no_bias_changes_which_events_are_without_loss() -> None:
    charges = images(300, 2)
    charges[:50] = np.where(charges[:50] > np.sort(charges[:50], axis=1)[:, -3:-2], charges[:50], 0)
    plain = lossy(MODEL, charges)
    assert 0 < plain.sum() < len(charges)
    other = random_rule(9)
    assert (lossy(MODEL.with_rule(other.limits, other.bias), charges) == plain).all()


@pytest.mark.parametrize("mode", [0, 3, 7, 15])
def test_a_bias_goes_where_trying_all_values_says(seen: Candidates, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_SMOOTH", 0)
    cost = costs(seen)
    problem = rule._Problem(seen.of_pairs(cost), seen, BITS)
    bias = np.array(random_rule(5, classes=1).bias[0])

    def tried(value: int) -> float:
        one = bias.copy()
        one[mode] = value
        return mean_cost(seen, cost, Rule((), (tuple(int(b) for b in one),)))

    moved = problem.sweep(np.arange(len(seen.charges)), bias)
    bias[:mode] = moved[:mode]  # one bias after the other is moved
    assert tried(int(moved[mode])) == pytest.approx(min(tried(v) for v in range(1 << BITS)), abs=1e-12)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_limits_are_those_that_trying_all_finds(seen: Candidates, classes: int) -> None:
    cost = costs(seen)
    problem = rule._Problem(seen.of_pairs(cost), seen, BITS)
    start = random_rule(6, classes)
    cells = int(seen.hit.max())
    limits = rule._best_limits(problem, np.array(start.bias), cells, start.limits)
    tried = min(
        mean_cost(seen, cost, replace(start, limits=one)) for one in combinations(range(1, cells + 1), classes - 1)
    )
    assert mean_cost(seen, cost, replace(start, limits=limits)) == pytest.approx(tried, abs=1e-12)
    assert list(limits) == sorted(set(limits))


def test_learning_improves_on_every_start_and_repeats(seen: Candidates) -> None:
    cost = costs(seen)
    start = learn(seen, cost, 1, BITS, seed=1)
    found = learn(seen, cost, 3, BITS, seed=1)
    check(MODEL.with_rule(found.limits, found.bias))
    chosen = mean_cost(seen, cost, found)
    assert chosen <= mean_cost(seen, cost, start) + 1e-9
    assert chosen < min(mean_cost(seen, cost, random_rule(seed)) for seed in range(5))
    assert chosen >= seen.of_pairs(cost).min(axis=1).mean()
    assert learn(seen, cost, 3, BITS, seed=1) == found
    assert mean_cost(seen, cost, learn(seen, cost, 3, BITS, seed=2, start=found)) <= chosen + 1e-4


def test_nothing_to_learn_from() -> None:
    none = candidates(MODEL, np.eye(48, dtype=np.int64) * 5)
    assert not len(none.row)
    found = learn(none, np.zeros(0), 4, BITS, seed=1)
    check(MODEL.with_rule(found.limits, found.bias))


def test_a_rule_is_kept_and_damage_is_found(tmp_path: Path) -> None:
    found = random_rule(1)
    found.save(tmp_path / "rule.json")
    assert Rule.load(tmp_path / "rule.json") == found
    (tmp_path / "rule.json").write_text('{"limits": [1]}')
    with pytest.raises(RunDirectoryError, match="damaged"):
        Rule.load(tmp_path / "rule.json")
