"""Curves for plots: numbers that are drawn, written as CSV and shown on a page by one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.trigger import resolution, separation, turn_on
from metrics.trigger.electrons import Found, shifts
from metrics.trigger.match import Targets
from metrics.trigger.resampling import Events

FloatArray = NDArray[np.float64]

_BINS = 40


@dataclass(frozen=True, eq=False)
class Line:
    """What is drawn of one algorithm.

    Parameters
    ----------
    algorithm : its name
    x, y : float64 (n,); of steps ``x`` has the n + 1 edges
    error : float64 (n,), of y; None without
    """

    algorithm: str
    x: FloatArray
    y: FloatArray
    error: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot.

    Parameters
    ----------
    name : of its files
    caption : on the page
    x_label, y_label : with units
    lines : what is drawn
    kind : ``steps``, ``points`` or ``lines``
    log_x, log_y : logarithmic axes
    """

    name: str
    caption: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    kind: str
    log_x: bool = False
    log_y: bool = False


def histogram(
    name: str, caption: str, label: str, values: Mapping[str, FloatArray], limits: tuple[float, float]
) -> Plot:
    """Return distributions as shares of the electrons; what lies outside is in the first and last bin."""
    edges = np.linspace(*limits, _BINS + 1)
    lines = []
    for algorithm, one in values.items():
        good = one[np.isfinite(one)]
        counts, _ = np.histogram(np.clip(good, limits[0], np.nextafter(limits[1], limits[0])), edges)
        lines.append(Line(algorithm, edges, counts / max(len(good), 1)))
    return Plot(name, caption, label, "share of the electrons", lines, "steps")


def against_all(found: Mapping[str, Found], whole: FloatArray) -> Plot:
    """Return distributions of pT over that of all cells."""
    return responses("response", "pT over that of all cells.", "pT / pT of all cells", found, whole)


def responses(name: str, caption: str, label: str, found: Mapping[str, Found], reference: FloatArray) -> Plot:
    """Return distributions of pT over a reference."""
    values = {algorithm: one.pt / reference for algorithm, one in found.items()}
    every = np.concatenate([one[np.isfinite(one)] for one in values.values()] or [np.ones(1)])
    low, high = (np.quantile(every, (0.005, 0.995)) if len(every) else (0.5, 1.5)) + np.array([-0.02, 0.02])
    return histogram(name, caption, label, values, (float(low), float(high)))


def in_bins(
    targets: Targets,
    found: Mapping[str, Found],
    variable: FloatArray,
    edges: FloatArray,
    *,
    statistic: str,
    resamples: int = 50,
) -> list[Line]:
    """Return the mean response (``mean``) or the resolution (``width``) in bins, with bootstrap errors.

    Parameters
    ----------
    variable : float64 (t,), of every target
    edges : rising, of the bins
    """
    index = np.digitize(variable, edges) - 1
    function = resolution.relative_width if statistic == "width" else _mean
    rows = [np.flatnonzero(index == i) for i in range(len(edges) - 1)]
    centre = np.array([variable[r].mean() if len(r) else np.nan for r in rows])
    draws = [Events(targets.event[r], resamples) for r in rows]
    lines = []
    for algorithm, one in found.items():
        ratio = one.pt / targets.pt
        measured = [d.of(function, ratio[r]).measured for d, r in zip(draws, rows, strict=True)]
        value, error = (np.array([getattr(m, name) for m in measured]) for name in ("value", "error"))
        lines.append(Line(algorithm, centre, value, error))
    return lines


def positions(found: Mapping[str, Found], eta: FloatArray, phi: FloatArray, caption: str) -> Plot:
    """Return distributions of the distance in mm from given directions."""
    values = {algorithm: shifts(one, eta, phi)[2] for algorithm, one in found.items()}
    every = np.concatenate([one[np.isfinite(one)] for one in values.values()] or [np.ones(1)])
    most = float(np.quantile(every, 0.98)) if len(every) else 1.0
    label = "distance at trigger layer 3 [mm]"
    return histogram("position", caption, label, values, (0.0, max(most, 1e-3)))


def turn_on_plot(targets: Targets, found: Mapping[str, Found], threshold: float, edges: FloatArray) -> Plot:
    """Return efficiencies of a threshold in bins of true pT."""
    lines = []
    for algorithm, one in found.items():
        mean, error, count = turn_on.efficiencies(targets.pt, one.or_zero, threshold, edges)
        some = count > 0
        lines.append(Line(algorithm, ((edges[1:] + edges[:-1]) / 2)[some], mean[some], error[some]))
    caption = f"Share of the generated electrons with a cluster of at least {threshold:g} GeV."
    return Plot("turn_on", caption, "true pT [GeV]", "efficiency", lines, "points")


def separation_plot(scores: Mapping[str, separation.Scores | None]) -> Plot:
    """Return the share of pileup clusters that is left against the efficiency for electrons."""
    lines = []
    for algorithm, one in scores.items():
        if one is not None:
            efficiency, rejection = separation.curve(one)
            lines.append(Line(algorithm, efficiency, 1 - rejection))
    caption = "Electrons against clusters of pileup by boosted trees on the shapes, events not trained on."
    return Plot(
        "separation", caption, "electron efficiency", "share of pileup clusters left", lines, "lines", log_y=True
    )


def rate_plot(rates: Mapping[str, tuple[FloatArray, FloatArray, FloatArray]], label: str) -> Plot:
    """Return the rates of pileup alone.

    Parameters
    ----------
    rates : threshold, rate and its error by algorithm
    """
    lines = []
    for algorithm, (threshold, rate, error) in rates.items():
        some = np.isfinite(threshold) & (rate > 0)
        lines.append(Line(algorithm, threshold[some], rate[some], error[some]))
    caption = "Rate of crossings with a cluster of pileup alone above the threshold, no selection on shapes."
    return Plot("rate", caption, label, "rate [MHz]", lines, "points", log_y=True)


def _mean(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(good.mean()) if len(good) else float("nan")
