"""How often every net of a netlist toggles: the form that simulations fill and power reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtl_gen.costs.library.cells import Cell
from rtl_gen.costs.netlist.flat import ONE, ZERO, FlatNetlist, Nets

_WORDS = 4


@dataclass(frozen=True, eq=False)
class Activity:
    """Switching activity of a netlist.

    Parameters
    ----------
    what : where it comes from, for reports
    toggles : changes of each net per clock, float64 (nets,); without the clock itself
    sample : states of all nets at the end of a clock, 64 cases a word, uint64 (nets, words)
    cases : valid cases in the sample, from the least significant bit of word 0
    clocks : clocks that were counted, over all lanes; 0 for an assumption
    """

    what: str
    toggles: NDArray[np.float64]
    sample: NDArray[np.uint64]
    cases: int
    clocks: int


def assumed(netlist: FlatNetlist, activity: float, cells: Mapping[str, Cell], seed: int = 1) -> Activity:
    """Return the activity that tools assume without a simulation: every net alike, each state equally likely.

    Parameters
    ----------
    activity : changes per clock of every net but constants and resets, which rest in their inactive state
    cells : behaviour of the netlist's cells
    """
    toggles = np.full(netlist.nets, activity, np.float64)
    sample = np.random.default_rng(seed).integers(0, 2**64, (netlist.nets, _WORDS), np.uint64)
    for nets, level in [(np.array([ZERO]), False), (np.array([ONE]), True), *_resets(netlist, cells)]:
        toggles[nets], sample[nets] = 0, ~np.uint64(0) if level else np.uint64(0)
    return Activity(f"assumed {activity:g} per clock", toggles, sample, 64 * _WORDS, 0)


def _resets(netlist: FlatNetlist, cells: Mapping[str, Cell]) -> Iterator[tuple[Nets, bool]]:
    """Yield the nets of asynchronous inputs and the level at which they do nothing."""
    for group in netlist.cells:
        flop = cells[group.cell].flop
        for expression in (flop.clear, flop.preset) if flop else ():
            if expression is not None and len(expression.names) == 1 and expression.names[0] in group.pins:
                nets = np.unique(group.pins[expression.names[0]])
                yield nets[nets > ONE], "~" in expression.text
