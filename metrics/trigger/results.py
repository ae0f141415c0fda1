"""What is measured on a sample: real pairs of electrons, generated electrons, pileup alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.whole_events import Truth
from metrics.statistics import Measured
from metrics.trigger import curves, match, measures, resolution, separation, turn_on
from metrics.trigger.calibrate import Calibration, all_calibrated, calibration
from metrics.trigger.curves import Plot
from metrics.trigger.electrons import Found, find
from metrics.trigger.match import Targets
from metrics.trigger.measures import ALL_CELLS, Row
from metrics.trigger.resampling import Events
from metrics.trigger.seen import Seen

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REAL, UNSEEN, GENERATED, PILEUP = "real", "real_unseen", "generated", "pileup"
"""Names of the results."""

LEAST_PAIR_PT = 15.0
"""GeV in CE-E, of both electrons of a real event (the reference's first look)."""

LEAST_SEPARATED_PT = 10.0
"""GeV in CE-E, of the clusters that electrons are told from pileup among."""

AWAY = 0.4
"""Distance in (eta, phi) from every electron of what counts as pileup in a real event."""

THRESHOLD = 20.0
"""GeV, of the turn-on curve."""

RATES_AT = (10.0, 15.0, 20.0)
"""GeV, of the table of rates."""

THRESHOLDS = np.array([6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 24.0, 28.0, 32.0, 40.0, 50.0])
FIDUCIAL = (1.6, 2.8)
"""Range of true abs(eta) in which electrons are wholly in the modules."""

ETA_BINS = np.array([1.40, 1.72, 2.04, 2.36, 2.68, 3.00])
"""In which the collaboration quotes correlations."""

_PT_BINS = np.array([5.0, 10.0, 15.0, 20.0, 25.0, 32.0, 40.0, 50.0, 60.0, 80.0, 100.0])
_TURN_ON_BINS = np.arange(5.0, 61.0, 2.5)
_LOW_PT = (5.0, 25.0)


@dataclass(frozen=True)
class Table:
    """Numbers by group and algorithm.

    Parameters
    ----------
    name : of its file
    title : above it
    by : what the groups are
    rows : group, how many electrons, value by algorithm
    """

    name: str
    title: str
    by: str
    rows: Sequence[tuple[str, int, Mapping[str, Measured]]]


@dataclass(frozen=True)
class Result:
    """What was measured on a sample.

    Parameters
    ----------
    name : short, for files
    title : in words
    what : sentences on what it is
    algorithms : names in order
    rows : measures
    tables, plots : more
    """

    name: str
    title: str
    what: Sequence[str]
    algorithms: Sequence[str]
    rows: Sequence[Row]
    tables: Sequence[Table] = field(default_factory=tuple)
    plots: Sequence[Plot] = field(default_factory=tuple)

    def row(self, key: str) -> Row | None:
        """Return a measure by its key; None when it is not there."""
        return next((one for one in self.rows if one.key == key), None)


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
        for one in measures.against_all(cones, draws)[1:3]
    ]
    scores = {}
    for algorithm, one in seen.items():
        inside = np.isin(one.clusters.side // 2, targets.event)
        scores[algorithm] = _scores(found[algorithm], targets, one, inside)
    rows += measures.separations(scores)
    spreads = {n: np.sqrt(2) * np.abs(f.pt[0::2] - f.pt[1::2]) / (f.pt[0::2] + f.pt[1::2]) for n, f in found.items()}
    whole = found[ALL_CELLS]
    plots = [
        curves.histogram(
            "two_sides",
            "Difference of the two electrons of an event.",
            "sqrt(2) |a - b| / (a + b)",
            spreads,
            (0.0, 0.3),
        ),
        curves.responses("response", "pT over that of all cells.", "pT / pT of all cells", _without(found), whole.pt),
        curves.positions(_without(found), whole.eta, whole.phi, "Distance from the cluster of all cells."),
        curves.separation_plot(scores),
    ]
    pairs = len(targets) // 2
    what = [
        f"{pairs} of {int(used.sum())} events have two electrons back to back with more than {LEAST_PAIR_PT:g} GeV "
        "in CE-E on either side. Both have the same true pT, so that each measures the other.",
        "An electron's pT is the transverse energy in CE-E of its cluster. Pileup is not subtracted.",
        f"Pileup clusters are those of the same events more than {AWAY:g} away from both electrons, with at least "
        f"{LEAST_SEPARATED_PT:g} GeV in CE-E.",
    ]
    return Result(name, f"Real events: two electrons of equal pT{note}", what, list(seen), rows, (), plots)


def of_truth(
    seen: Mapping[str, Seen], truth: Truth, events: IntArray, pileup: Mapping[str, Seen], alone: int
) -> list[Result]:
    """Return the measures of generated electrons, and of pileup alone.

    Parameters
    ----------
    events : numbers of the events, rising
    pileup : what the trigger sees of events of pileup alone
    """
    every = match.of_truth(truth, events, "electron")
    inside = (np.abs(every.eta) > FIDUCIAL[0]) & (np.abs(every.eta) < FIDUCIAL[1])
    targets = every[inside]
    found = {name: find(targets, one.clusters) for name, one in seen.items()}
    draws, few = Events(targets.event), measures.fits_of(targets.event)
    rows = measures.against_truth(targets, found, draws, few)
    right = all_calibrated(targets, found)
    rows[:0] = measures.calibrated(targets, right, draws)
    rows += measures.against_all(found, draws)
    rows.append(measures.turn_ons(targets, right, few, THRESHOLD))
    whole = found[ALL_CELLS]
    plots = [
        curves.responses("response_truth", "pT over true pT.", "pT / true pT", found, targets.pt),
        curves.responses("response", "pT over that of all cells.", "pT / pT of all cells", _without(found), whole.pt),
        Plot(
            "linearity",
            "Mean response.",
            "true pT [GeV]",
            "mean of pT / true pT",
            curves.in_bins(targets, found, _PT_BINS, "mean"),
            "points",
        ),
        Plot(
            "resolution",
            "Resolution: effective RMS over mean of calibrated pT over true pT.",
            "true pT [GeV]",
            "effective RMS / mean",
            curves.in_bins(targets, right, _PT_BINS, "width"),
            "points",
        ),
        curves.positions(found, targets.eta, targets.phi, "Distance from the true direction."),
        curves.turn_on_plot(targets, right, THRESHOLD, _TURN_ON_BINS),
    ]
    highest = {
        name: hardest(one, alone, calibration(targets.pt, found[name].pt, found[name].eta))
        for name, one in pileup.items()
    }
    rates = {name: _rate(targets, right[name], one) for name, one in highest.items()}
    plots.append(curves.rate_plot(rates, "offline threshold: true pT with 95 % efficiency [GeV]"))
    scores = _against_pileup(targets, seen, len(events), pileup)
    rows += measures.separations(scores)
    plots.append(curves.separation_plot(scores))
    what = [
        f"{len(targets)} generated electrons of 5 to 100 GeV with abs(eta) in {FIDUCIAL[0]:g} to {FIDUCIAL[1]:g} among "
        "200 pileup interactions; half of them have 5 to 25 GeV.",
        "An electron's pT is the transverse energy in CE-E of its cluster, pileup included. Calibrated pT is "
        "a pT + b abs(eta) + c, fitted for every algorithm to the true pT of the events of the other half.",
    ]
    tables = [_correlations(every, seen, middle=False), _correlations(every, seen, middle=True)]
    main = Result(GENERATED, "Generated electrons", what, list(seen), rows, tables, plots)
    return [main, _of_pileup(highest)]


def _of_pileup(highest: Mapping[str, FloatArray]) -> Result:
    """Return the rates of pileup alone.

    Parameters
    ----------
    highest : by algorithm, calibrated pT of the hardest cluster of every event
    """
    events = len(next(iter(highest.values())))
    event = Events(np.arange(events))
    rows = []
    for threshold in RATES_AT:
        values = {
            name: event.of(lambda h, t=threshold: float(turn_on.rates(h, np.array([t]))[0]), one)
            for name, one in highest.items()
        }
        rows.append(measures.row(f"rate_{threshold:g}", f"rate above {threshold:g} GeV", "MHz", "low", values))
    what = [
        f"{events} generated events of 200 pileup interactions; thresholds on the calibrated pT of clusters, no shapes "
        "required."
    ]
    return Result(PILEUP, "Pileup alone", what, list(highest), rows)


def hardest(one: Seen, events: int, right: Calibration) -> FloatArray:
    """Return the highest calibrated pT of a cluster in every event, float64 (events,), GeV; 0 without one."""
    out = np.zeros(events)
    np.maximum.at(out, one.clusters.side // 2, right.apply(one.clusters.pt_ce_e, one.clusters.eta))
    return out


def _against_pileup(
    targets: Targets, seen: Mapping[str, Seen], events: int, pileup: Mapping[str, Seen]
) -> dict[str, separation.Scores | None]:
    """Return how electrons are told from clusters of pileup alone, whose events are others."""
    scores = {}
    for name, one in seen.items():
        mine = _electrons(find(targets, one.clusters), targets, one)
        others = pileup[name].clusters
        soft = np.flatnonzero(others.pt_ce_e > LEAST_SEPARATED_PT)
        table = np.concatenate([one.clusters.shapes.table()[mine], others.shapes.table()[soft]])
        event = np.concatenate([one.clusters.side[mine] // 2, events + others.side[soft] // 2])
        scores[name] = separation.separate(table, np.arange(len(table)) < len(mine), event)
    return scores


def _electrons(found: Found, targets: Targets, one: Seen) -> IntArray:
    """Return the clusters of targets that are hard enough to be told from pileup."""
    mine = match.matched(targets, one.clusters)
    return np.unique(mine[(mine >= 0) & (found.or_zero > LEAST_SEPARATED_PT)])


def _scores(found: Found, targets: Targets, one: Seen, inside: NDArray[np.bool_]) -> separation.Scores | None:
    clusters = one.clusters
    mine = _electrons(found, targets, one)
    others = match.away_from(targets, clusters, AWAY) & (clusters.pt_ce_e > LEAST_SEPARATED_PT)
    chosen = np.concatenate([mine, np.flatnonzero(others & inside)])
    electron = np.arange(len(chosen)) < len(mine)
    return separation.separate(clusters.shapes.table()[chosen], electron, clusters.side[chosen] // 2)


def _cone(one: Seen, targets: Targets) -> Found:
    return Found(one.cone[targets.side], targets.eta, targets.phi)


def _without(found: Mapping[str, Found]) -> dict[str, Found]:
    return {name: one for name, one in found.items() if name != ALL_CELLS}


def _correlations(targets: Targets, seen: Mapping[str, Seen], *, middle: bool) -> Table:
    """Return the correlation of pT with all cells for electrons of 5 to 25 GeV, in bins of eta."""
    low = targets[(targets.pt >= _LOW_PT[0]) & (targets.pt < _LOW_PT[1])]
    found = {name: find(low, one.clusters) for name, one in seen.items()}
    function = resolution.middle_correlation if middle else resolution.correlation
    rows = []
    for start, end in pairwise(ETA_BINS):
        here = np.flatnonzero((np.abs(low.eta) >= start) & (np.abs(low.eta) < end))
        draws = Events(low.event[here])
        values = {
            name: draws.of(function, one.pt[here], found[ALL_CELLS].pt[here]).measured for name, one in found.items()
        }
        rows.append((f"{start:.2f} to {end:.2f}", len(here), values))
    which = "middle 80 % of the absolute difference" if middle else "all electrons"
    title = f"Correlation of pT with all cells, electrons of 5 to 25 GeV, {which}"
    return Table("correlation_middle" if middle else "correlation", title, "abs(eta)", rows)


def _rate(targets: Targets, found: Found, highest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    offline = turn_on.points(targets.pt, found.or_zero, THRESHOLDS)
    rate = turn_on.rates(highest, THRESHOLDS)
    share = rate / turn_on.CROSSINGS_MHZ
    return offline, rate, turn_on.CROSSINGS_MHZ * np.sqrt(share * (1 - share) / max(len(highest), 1))
