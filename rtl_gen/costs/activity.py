"""How often every net of a netlist toggles: the form that simulations fill and power reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtl_gen.costs.flat_netlist import ONE, ZERO, FlatNetlist, Nets

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


def assumed(netlist: FlatNetlist, activity: float, seed: int = 1) -> Activity:
    """Return the activity that tools assume without a simulation: every net alike, each state equally likely.

    Parameters
    ----------
    activity : changes of every net but the constants per clock
    """
    toggles = np.full(netlist.nets, activity, np.float64)
    toggles[[ZERO, ONE]] = 0
    sample = np.random.default_rng(seed).integers(0, 2**64, (netlist.nets, _WORDS), np.uint64)
    sample[ZERO], sample[ONE] = 0, ~np.uint64(0)
    return Activity(f"assumed {activity:g} per clock", toggles, sample, 64 * _WORDS, 0)


def clock_nets(netlist: FlatNetlist, clock_pins: dict[str, str]) -> Nets:
    """Return the nets of the clock pins, int32 (nets,); ``clock_pins`` names the pin of each sequential cell."""
    found = [cells.pins[clock_pins[cells.cell]] for cells in netlist.cells if cells.cell in clock_pins]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int32)
