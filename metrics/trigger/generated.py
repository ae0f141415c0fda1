"""What is measured on generated electrons, whose truth is known, and on pileup alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.whole_events import Truth
from metrics.trigger import curves, match, measures, resolution, told_apart, turn_on
from metrics.trigger.calibrate import Calibration, all_calibrated, calibration
from metrics.trigger.curves import Plot
from metrics.trigger.electrons import ALL_CELLS, NO_LIMIT, Found, find, without_all
from metrics.trigger.match import Targets
from metrics.trigger.measures import Row
from metrics.trigger.ranks import ranks
from metrics.trigger.resampling import Events
from metrics.trigger.results import GENERATED, PILEUP, Result, Table
from metrics.trigger.seen import Seen

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

THRESHOLD = 20.0
"""GeV, of the turn-on curve."""

RATES_AT = (10.0, 15.0, 20.0)
"""GeV, of the table of rates."""

THRESHOLDS = np.array([6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 24.0, 28.0, 32.0, 40.0, 50.0])
"""GeV, of the curve of rates."""

FIDUCIAL = (1.6, 2.8)
"""Range of true abs(eta) in which electrons are wholly in the modules."""

ETA_BINS = np.array([1.40, 1.72, 2.04, 2.36, 2.68, 3.00])
"""In which the collaboration quotes correlations."""

_PT_BINS = np.array([5.0, 10.0, 15.0, 20.0, 25.0, 32.0, 40.0, 50.0, 60.0, 80.0, 100.0])
_STOCHASTIC_BINS = np.linspace(0.035, 0.275, 9)
_TURN_ON_BINS = np.arange(5.0, 61.0, 2.5)
_LOW_PT = (5.0, 25.0)


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
    whole, of_energy = found[ALL_CELLS], 1 / np.sqrt(targets.pt * np.cosh(targets.eta))
    plots = [
        curves.responses("response_truth", "pT over true pT.", "pT / true pT", found, targets.pt),
        curves.against_all(without_all(found), whole.pt),
        Plot(
            "linearity",
            "Mean response.",
            "true pT [GeV]",
            "mean of pT / true pT",
            curves.in_bins(targets, found, targets.pt, _PT_BINS, statistic="mean"),
            "points",
        ),
        Plot(
            "resolution",
            "Resolution: effective RMS over mean of calibrated pT over true pT.",
            "true pT [GeV]",
            "effective RMS / mean",
            curves.in_bins(targets, right, targets.pt, _PT_BINS, statistic="width"),
            "points",
        ),
        Plot(
            "stochastic",
            "The same against the energy: a straight line is a resolution that falls as 1 / sqrt(E).",
            r"$1 / \sqrt{\mathrm{true}\ E\ [\mathrm{GeV}]}$",
            "effective RMS / mean",
            curves.in_bins(targets, right, of_energy, _STOCHASTIC_BINS, statistic="width"),
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
    scores = told_apart.from_other_events(targets, seen, len(events), pileup)
    rows += [*measures.separations(scores), measures.emds({name: one.emd for name, one in seen.items()})]
    plots.append(curves.separation_plot(scores))
    what = [
        f"{len(targets)} generated electrons of 5 to 100 GeV with abs(eta) in {FIDUCIAL[0]:g} to {FIDUCIAL[1]:g} among "
        "200 pileup interactions; half of them have 5 to 25 GeV.",
        "An electron's pT is the transverse energy in CE-E of its cluster, pileup included. Calibrated pT is "
        "a pT + b abs(eta) + c, fitted for every algorithm to the true pT of the events of the other half.",
    ]
    tables = [_correlations(every, seen, middle=False), _correlations(every, seen, middle=True)]
    main = Result(GENERATED, "Generated electrons", what, list(seen), rows, tables, plots, ranks(rows, NO_LIMIT))
    return [main, _of_pileup(highest)]


def _of_pileup(highest: Mapping[str, FloatArray]) -> Result:
    """Return the rates of pileup alone.

    Parameters
    ----------
    highest : by algorithm, calibrated pT of the hardest cluster of every event
    """
    events = len(next(iter(highest.values())))
    whole = highest[ALL_CELLS]
    rows = [
        Row(
            f"rate_{threshold:g}",
            f"rate above {threshold:g} GeV",
            "MHz",
            "low",
            {name: turn_on.rate(one, threshold) for name, one in highest.items()},
            {name: turn_on.rate_change(one, whole, threshold) for name, one in highest.items() if name != ALL_CELLS},
        )
        for threshold in RATES_AT
    ]
    what = [
        f"{events} generated events of 200 pileup interactions; thresholds on the calibrated pT of clusters, no shapes "
        f"required. One event is {turn_on.CROSSINGS_MHZ / max(events, 1):.2g} MHz; errors are those of binomial shares."
    ]
    return Result(PILEUP, "Pileup alone", what, list(highest), rows)


def hardest(one: Seen, events: int, right: Calibration) -> FloatArray:
    """Return the highest calibrated pT of a cluster in every event, float64 (events,), GeV; 0 without one."""
    out = np.zeros(events)
    np.maximum.at(out, one.clusters.side // 2, right.apply(one.clusters.pt_ce_e, one.clusters.eta))
    return out


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
        there = int(found[ALL_CELLS].there[here].sum())  # the others have no correlation
        rows.append((f"{start:.2f} to {end:.2f}", there, values))
    which = "middle 80 % of the absolute difference" if middle else "all electrons"
    title = f"Correlation of pT with all cells, electrons of 5 to 25 GeV that have a cluster, {which}"
    return Table("correlation_middle" if middle else "correlation", title, "abs(eta)", rows)


def _rate(targets: Targets, found: Found, highest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    offline = turn_on.points(targets.pt, found.or_zero, THRESHOLDS)
    rate = turn_on.rates(highest, THRESHOLDS)
    events = np.full(len(rate), float(len(highest)))
    error = turn_on.share_error(rate / turn_on.CROSSINGS_MHZ * events, events)
    return offline, rate, turn_on.CROSSINGS_MHZ * error
