"""The learned choice of the mode: limits of the classes and biases, integers from the start.

One bias at a time is moved to the value with the least mean cost of the training events, exactly: every event says up
to which bias its mode would be this one, and the mean cost as a function of the bias is a cumulative sum over these.
The limits of the classes, with the biases held, are the best division of a line into pieces.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import RunDirectoryError
from econ_ae.files import read_json, write_json
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import FloatArray
from econ_ae.ir.model import EncoderModel
from econ_ae.training.cells.candidates import Candidates

_SCALES = (1.0, 1.5, 2.0)
"""EMD units per unit of dropped charge, for the biases that the search starts from; the best end counts."""
_HOPS = 16
"""Searches of every class from biases that were moved at random, by about ``_HOP`` of the largest."""
_HOP = 0.2
_ROUNDS = 2  # of limits and biases
_SWEEPS = 6  # over the biases at most
_FEWEST = 30  # events in a class that learns from them alone
_SMOOTH = 1  # steps of the bias to either side over which its cost is averaged: a broad valley is safer than a deep one
_GAIN = 1e-6  # EMD units, least improvement of a sweep


@dataclass(frozen=True)
class Rule:
    """What is learned of ``ir.cells.Choose``.

    Parameters
    ----------
    limits : of the classes, cells with charge
    bias : for every class one integer per mode
    """

    limits: tuple[int, ...]
    bias: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, model: EncoderModel) -> Rule:
        """Return the rule of a model."""
        choose = model.cell_code.choose
        return cls(choose.limits, choose.bias)

    def modes(self, seen: Candidates, fraction: int) -> IntArray:
        """Return the mode that every event has, int64 (n,), as the encoder chooses it."""
        estimate = (seen.dropped << fraction) + np.array(self.bias)[self._classes(seen)] * seen.total[:, None]
        return np.argmin(np.where(seen.of_pairs(seen.row * 0.0) == 0, estimate, np.iinfo(np.int64).max), axis=1)

    def _classes(self, seen: Candidates) -> IntArray:
        return (seen.hit[:, None] >= np.array(self.limits, np.int64)).sum(axis=1)

    def save(self, path: Path) -> None:
        """Write the rule."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Rule:
        """Read a rule; RunDirectoryError when it is missing or damaged."""
        raw: Any = read_json(path)
        try:
            return cls(
                tuple(int(n) for n in raw["limits"]), tuple(tuple(int(b) for b in biases) for biases in raw["bias"])
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise RunDirectoryError(f"{path} is damaged; train this run anew") from problem


def learn(
    seen: Candidates, cost: FloatArray, classes: int, fraction: int, *, seed: int, start: Rule | None = None
) -> Rule:
    """Return the rule with the least mean cost that coordinate descent finds, from several starts.

    Parameters
    ----------
    cost : of every pair of ``seen``, for example its exact EMD, float64 (p,)
    classes : of occupancy
    fraction : bits of a bias
    seed : of the starts that are drawn at random
    start : a rule from which the search also begins
    """
    costs = seen.of_pairs(cost)
    if not len(costs):
        cells = seen.charges.shape[1]
        limits = tuple(range(cells - classes + 2, cells + 1))
        return Rule(limits, ((0,) * costs.shape[1],) * classes)
    problem = _Problem(costs, seen, fraction)
    limits = _quantiles(seen.hit, classes, seen.charges.shape[1])
    starts = [(limits, np.tile(problem.start(scale), (classes, 1))) for scale in _SCALES]
    if start is not None and len(start.bias) == classes:
        starts.append((start.limits, np.array(start.bias)))
    found = [_descend(problem, *one) for one in starts]
    _, best_limits, bias = min(found, key=lambda one: one[0])
    bias = _hop(problem, best_limits, bias, np.random.default_rng([seed, 5]))
    return Rule(best_limits, tuple(tuple(int(b) for b in row) for row in bias))


class _Problem:
    """Costs and dropped charges of all events, and the exact search along one bias."""

    def __init__(self, costs: FloatArray, seen: Candidates, fraction: int) -> None:
        self.possible = np.isfinite(costs)
        self.cost = np.where(self.possible, costs, 0.0)
        self.dropped = seen.dropped << fraction
        self.total, self.hit = seen.total, seen.hit
        self.largest = (1 << fraction) - 1

    def start(self, scale: float) -> IntArray:
        """Return biases that make the estimates, times ``scale``, equal the costs on average."""
        share = np.where(self.possible, self.dropped / self.total[:, None], 0.0)
        counts = np.maximum(self.possible.sum(axis=0), 1)
        bias = (self.cost.sum(axis=0) * (self.largest + 1) / scale - share.sum(axis=0)) / counts
        return np.clip(np.rint(bias), 0, self.largest).astype(np.int64)

    def estimates(self, bias: IntArray) -> IntArray:
        """Return the estimates (n, modes) with one bias per mode, or per event and mode."""
        return np.where(self.possible, self.dropped + bias * self.total[:, None], np.iinfo(np.int64).max)

    def costs(self, bias: IntArray) -> FloatArray:
        """Return the cost of every event with one bias per mode, or per event and mode."""
        chosen = np.argmin(self.estimates(bias), axis=1)
        return self.cost[np.arange(len(chosen)), chosen]

    def mean(self, bias: IntArray) -> float:
        """Return the mean cost with one bias per mode, or per event and mode."""
        return float(self.costs(bias).mean())

    def sweep(self, events: IntArray, bias: IntArray) -> IntArray:
        """Return the biases after each was moved to where the events cost least together."""
        bias, rows = bias.copy(), np.arange(len(events))
        cost, total = self.cost[events], self.total[events]
        estimate = self.estimates(bias)[events]
        for mode in range(len(bias)):
            own = self.possible[events, mode]
            estimate[:, mode] = np.iinfo(np.int64).max
            other = np.argmin(estimate, axis=1)
            against = estimate[rows, other]
            free = own & (against < np.iinfo(np.int64).max)  # the others have no other mode
            if free.any():
                room = against[free] - self.dropped[events[free], mode]
                # The largest bias with which this mode still wins; of equal estimates the lower number does.
                until = np.where(mode < other[free], room // total[free], -(-room // total[free]) - 1)
                gain = (cost[rows, mode] - cost[rows, other])[free]
                bias[mode] = self._best(np.clip(until, -1, self.largest), gain, int(bias[mode]))
            estimate[own, mode] = (self.dropped[events, mode] + bias[mode] * total)[own]
        return bias

    def _best(self, until: IntArray, gain: FloatArray, now: int) -> int:
        """Return the bias with the least cost, of several the nearest to ``now``."""
        by_bias = np.bincount(until + 1, gain, self.largest + 2)[1:]
        together = np.cumsum(by_bias[::-1])[::-1]  # the mode is chosen by events with until >= bias
        padded = np.pad(together, _SMOOTH, mode="edge")
        smooth = np.convolve(padded, np.full(2 * _SMOOTH + 1, 1 / (2 * _SMOOTH + 1)), mode="valid")
        best = np.flatnonzero(smooth <= smooth.min() + 1e-9)
        return int(best[np.argmin(np.abs(best - now))])


def _descend(problem: _Problem, limits: tuple[int, ...], bias: IntArray) -> tuple[float, tuple[int, ...], IntArray]:
    """Return mean cost, limits and biases after alternating between the two."""
    cells = int(problem.hit.max())
    every = np.arange(len(problem.hit))
    group = (problem.hit[:, None] >= np.array(limits, np.int64)).sum(axis=1)
    best = (problem.mean(bias[group]), limits, bias)
    for _ in range(_ROUNDS):
        group = (problem.hit[:, None] >= np.array(limits, np.int64)).sum(axis=1)
        shared: IntArray | None = None
        rows = []
        for number, own in enumerate(bias):
            events = every[group == number]
            if len(events) < _FEWEST:
                shared = _converge(problem, every, own) if shared is None else shared
                rows.append(shared)
            else:
                rows.append(_converge(problem, events, own))
        bias = np.array(rows)
        mean = problem.mean(bias[group])
        if mean < best[0]:
            best = (mean, limits, bias)
        limits = _best_limits(problem, bias, cells, limits)
    return best


def _hop(problem: _Problem, limits: tuple[int, ...], bias: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the biases, of each class the best of searches from where it is and around."""
    bias = bias.copy()
    group = (problem.hit[:, None] >= np.array(limits, np.int64)).sum(axis=1)
    for number in range(len(bias)):
        events = np.flatnonzero(group == number)
        if len(events) < _FEWEST:
            continue
        least = problem.costs(bias[number])[events].mean()
        for _ in range(_HOPS):
            moved = bias[number] + rng.normal(0, _HOP * problem.largest, bias.shape[1])
            trial = _converge(problem, events, np.clip(np.rint(moved), 0, problem.largest).astype(np.int64))
            cost = problem.costs(trial)[events].mean()
            if cost < least - _GAIN:
                least, bias[number] = cost, trial
    return bias


def _converge(problem: _Problem, events: IntArray, bias: IntArray) -> IntArray:
    least, best = np.inf, bias
    for _ in range(_SWEEPS):
        bias = problem.sweep(events, bias)
        mean = float(problem.costs(bias)[events].mean())
        if mean < least:
            best = bias
        if mean > least - _GAIN:
            break
        least = mean
    return best


def _quantiles(hit: IntArray, classes: int, cells: int) -> tuple[int, ...]:
    """Return limits that divide the events into classes of about equal size, rising."""
    limits: list[int] = []
    for number in range(1, classes):
        limit = int(np.quantile(hit, number / classes))
        lowest = limits[-1] + 1 if limits else 1
        limits.append(min(max(limit, lowest), cells - (classes - 1 - number)))
    return tuple(limits)


def _best_limits(problem: _Problem, bias: IntArray, cells: int, now: tuple[int, ...]) -> tuple[int, ...]:
    """Return the limits with the least cost for given biases: one class after another, up to every occupancy."""
    classes = len(bias)
    if classes == 1 or cells < classes:
        return now
    by_hit = np.array([np.bincount(problem.hit, problem.costs(own), cells + 2) for own in bias])
    before = np.concatenate([np.zeros((classes, 1)), np.cumsum(by_hit, axis=1)], axis=1)  # sums of occupancies below
    ends = np.arange(cells + 2)
    least = before[0, ends]  # of the first class alone, for events below each end
    came: list[NDArray[np.intp]] = []
    for number in range(1, classes):
        # The class begins at b, after the classes before it, and ends at e > b.
        cost = np.where(
            ends[:, None] < ends, least[:, None] + before[number, ends] - before[number, ends][:, None], np.inf
        )
        cost[:number] = np.inf  # the limits rise from 1 on
        came.append(np.argmin(cost, axis=0))
        least = cost.min(axis=0)
    end, limits = cells + 1, []
    for origin in reversed(came):
        end = int(origin[end])
        limits.append(end)
    return tuple(reversed(limits))
