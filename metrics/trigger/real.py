"""What is measured on real events, which have two electrons of equal pT: each measures the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.trigger import curves, match, measures, told_apart
from metrics.trigger.electrons import ALL_CELLS, NO_LIMIT, Found, find, without_all
from metrics.trigger.match import Targets
from metrics.trigger.measures import Row
from metrics.trigger.ranks import ranks
from metrics.trigger.resampling import Events
from metrics.trigger.results import REAL, Result
from metrics.trigger.seen import Seen

LEAST_PAIR_PT = 15.0
"""GeV in CE-E, of both electrons of a real event (the reference's first look)."""


def of_pairs(
    seen: Mapping[str, Seen], events: int, used: NDArray[np.bool_], *, name: str = REAL, note: str = ""
) -> Result | None:
    """Return the measures of real events; None when fewer than 3 events have a pair of electrons.

    Parameters
    ----------
    seen : by algorithm, that of all cells among them
    events : how many there are
    used : bool (events,), events that every algorithm may be judged on
    name, note : of the result, and behind its title
    """
    targets = match.pairs(seen[ALL_CELLS].clusters, events, LEAST_PAIR_PT)
    targets = targets[used[targets.event]]
    if len(targets) < 6:
        return None
    found = {name: find(targets, one.clusters) for name, one in seen.items()}
    draws, of_pair = Events(targets.event), Events(targets.event[0::2])
    rows = [*measures.two_sides(found, of_pair), *measures.against_all(found, draws)]
    cones = {name: _cone(one, targets) for name, one in seen.items()}
    rows[2:2] = measures.two_sides(cones, of_pair, suffix="_cone", note=", cone of 0.05 in CE-E")
    rows += [
        Row(f"{one.key}_cone", f"{one.title}, cone", one.unit, one.best, one.values, one.differences, one.relative)
        for one in measures.against_all(cones, draws)[1:4]
    ]
    scores = told_apart.in_the_same_events(targets, seen)
    rows += [*measures.separations(scores), measures.emds({name: one.emd[used] for name, one in seen.items()})]
    spreads = {n: np.sqrt(2) * np.abs(f.pt[0::2] - f.pt[1::2]) / (f.pt[0::2] + f.pt[1::2]) for n, f in found.items()}
    whole = found[ALL_CELLS]
    plots = [
        curves.histogram(
            "two_sides",
            "Difference of the two electrons of an event.",
            r"difference of pT over their mean, / $\sqrt{2}$",
            spreads,
            (0.0, 0.3),
        ),
        curves.against_all(without_all(found), whole.pt),
        curves.positions(without_all(found), whole.eta, whole.phi, "Distance from the cluster of all cells."),
        curves.separation_plot(scores),
    ]
    pairs = len(targets) // 2
    what = [
        f"{pairs} of {int(used.sum())} events have two electrons back to back with more than {LEAST_PAIR_PT:g} GeV "
        "in CE-E on either side. Both have the same true pT, so that each measures the other.",
        "An electron's pT is the transverse energy in CE-E of its cluster. Pileup is not subtracted.",
        f"Pileup clusters are those of the same events more than {told_apart.AWAY:g} away from both electrons, with at "
        f"least {told_apart.LEAST_PT:g} GeV in CE-E.",
    ]
    return Result(
        name, f"Real events: two electrons of equal pT{note}", what, list(seen), rows, (), plots, ranks(rows, NO_LIMIT)
    )


def _cone(one: Seen, targets: Targets) -> Found:
    return Found(one.cone[targets.side], targets.eta, targets.phi)
