"""Every measure of every algorithm, with errors by event, and paired with that of all cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.statistics import Measured
from metrics.trigger import resolution
from metrics.trigger.electrons import ALL_CELLS, Found, shifts
from metrics.trigger.match import Targets
from metrics.trigger.resampling import Events, Resampled
from metrics.trigger.separation import REJECTIONS, Scores, efficiency
from metrics.trigger.turn_on import fit_turn_on

FloatArray = NDArray[np.float64]

_FITS = 20  # resamples of what is fitted


@dataclass(frozen=True)
class Row:
    """One measure of all algorithms.

    Parameters
    ----------
    key : short name, for files
    title : in words
    unit : of the values; empty for a pure number
    best : ``high``, ``low``, or ``one`` where 1 is best
    values : by algorithm
    differences : value minus that of all cells, by algorithm
    relative : value over that of all cells, less 1, by algorithm
    """

    key: str
    title: str
    unit: str
    best: str
    values: Mapping[str, Measured]
    differences: Mapping[str, Measured] = field(default_factory=dict)
    relative: Mapping[str, Measured] = field(default_factory=dict)


def row(key: str, title: str, unit: str, best: str, found: Mapping[str, Resampled]) -> Row:
    """Return a measure with its differences to all cells."""
    reference = found.get(ALL_CELLS)
    others = {} if reference is None else {name: one for name, one in found.items() if name != ALL_CELLS}
    return Row(
        key,
        title,
        unit,
        best,
        {name: one.measured for name, one in found.items()},
        {name: one.minus(reference) for name, one in others.items() if reference is not None},
        {name: one.relative(reference) for name, one in others.items() if reference is not None},
    )


EMD = "emd"
"""Key of the mean EMD among the measures."""

Statistic = Callable[..., float]


def against_all(found: Mapping[str, Found], draws: Events) -> list[Row]:
    """Return the measures that compare an algorithm's electrons with those of all cells, electron by electron."""
    whole = found[ALL_CELLS]
    table: list[tuple[str, str, str, str, Statistic, Callable[[Found], tuple[FloatArray, ...]]]] = [
        ("found", "electrons with a cluster", "", "high", _mean, lambda f: (f.there.astype(np.float64),)),
        ("response", "response to all cells, mean", "", "one", _mean, lambda f: (f.pt / whole.pt,)),
        ("response_rms", "response to all cells, RMS over mean", "", "low", _rms, lambda f: (f.pt / whole.pt,)),
        (
            "response_width",
            "response to all cells, effective RMS over mean",
            "",
            "low",
            resolution.relative_width,
            lambda f: (f.pt / whole.pt,),
        ),
        (
            "correlation",
            "correlation of pT with all cells",
            "",
            "high",
            resolution.correlation,
            lambda f: (f.pt, whole.pt),
        ),
        (
            "correlation_middle",
            "... middle 80 % of the absolute difference",
            "",
            "high",
            resolution.middle_correlation,
            lambda f: (f.pt, whole.pt),
        ),
        ("moved", "position against all cells, 68 %", "mm", "low", _68, lambda f: _position(f, whole.eta, whole.phi)),
    ]
    return [
        row(key, title, unit, best, {name: draws.of(statistic, *columns(one)) for name, one in found.items()})
        for key, title, unit, best, statistic, columns in table
    ]


def emds(by_event: Mapping[str, FloatArray]) -> Row:
    """Return the mean EMD of module images.

    Parameters
    ----------
    by_event : by algorithm, mean of each event, float64 (events,); NaN without an image
    """
    count = len(next(iter(by_event.values())))
    draws = Events(np.arange(count))
    values = {name: draws.of(_mean, one) for name, one in by_event.items()}
    return row(EMD, "mean EMD of module images, half a trigger-cell pitch", "", "low", values)


def two_sides(found: Mapping[str, Found], draws: Events, *, suffix: str = "", note: str = "") -> list[Row]:
    """Return the resolution from both electrons of an event: by a quantile, and by the mean, which few events suit.

    Parameters
    ----------
    found : with two rows per event, one side after the other
    draws : resamples of the pairs
    suffix, note : behind the keys and titles
    """
    return [
        row(
            f"{key}{suffix}",
            f"pT resolution from the two sides, {what}{note}",
            "",
            "low",
            {name: draws.of(statistic, one.pt[0::2], one.pt[1::2]) for name, one in found.items()},
        )
        for key, what, statistic in (
            ("two_sides", "68 %", resolution.two_sided),
            ("two_sides_mean", "mean difference x sqrt(pi / 2)", resolution.two_sided_mean),
        )
    ]


def against_truth(targets: Targets, found: Mapping[str, Found], draws: Events, few: Events) -> list[Row]:
    """Return the measures that compare electrons with what was generated.

    Parameters
    ----------
    few : fewer resamples of the same rows, for what is fitted
    """
    out = [
        row(
            key,
            title,
            unit,
            best,
            {name: draws.of(statistic, *columns(one)) for name, one in found.items()},
        )
        for key, title, unit, best, statistic, columns in (
            ("truth_response", "response to truth, mean", "", "one", _mean, lambda f: (f.pt / targets.pt,)),
            (
                "truth_resolution",
                "pT resolution: effective RMS over mean",
                "",
                "low",
                resolution.relative_width,
                lambda f: (f.pt / targets.pt,),
            ),
            (
                "truth_correlation",
                "correlation of pT with truth",
                "",
                "high",
                resolution.correlation,
                lambda f: (f.pt, targets.pt),
            ),
            (
                "eta",
                "resolution in eta, effective RMS",
                "1e-3",
                "low",
                _milli,
                lambda f: (shifts(f, targets.eta, targets.phi)[0],),
            ),
            (
                "phi",
                "resolution in phi, effective RMS",
                "mrad",
                "low",
                _milli,
                lambda f: (shifts(f, targets.eta, targets.phi)[1],),
            ),
            (
                "position",
                "position against truth, 68 %",
                "mm",
                "low",
                _68,
                lambda f: _position(f, targets.eta, targets.phi),
            ),
        )
    ]
    cruijff = {name: few.of(_cruijff, one.pt / targets.pt) for name, one in found.items()}
    out.insert(2, row("truth_cruijff", "pT resolution: Cruijff width over mean", "", "low", cruijff))
    return out


def calibrated(targets: Targets, found: Mapping[str, Found], draws: Events) -> list[Row]:
    """Return the resolution of calibrated pT."""
    values = {name: draws.of(resolution.relative_width, one.pt / targets.pt) for name, one in found.items()}
    title = "pT resolution, calibrated: effective RMS over mean"
    return [row("calibrated_resolution", title, "", "low", values)]


def turn_ons(targets: Targets, found: Mapping[str, Found], few: Events, threshold: float) -> Row:
    """Return the 95 % points of a threshold."""

    def point(pt: FloatArray, cluster: FloatArray) -> float:
        curve = fit_turn_on(pt, cluster, threshold)
        return float("nan") if curve is None else curve.point

    values = {name: few.of(point, targets.pt, one.or_zero) for name, one in found.items()}
    return row("turn_on", f"95 % point of a threshold of {threshold:g} GeV", "GeV", "low", values)


def separations(scores: Mapping[str, Scores | None]) -> list[Row]:
    """Return the efficiencies for electrons at fixed rejections of pileup; errors are not paired: clusters differ."""
    out = []
    for rejection in REJECTIONS:
        values = {}
        for name, one in scores.items():
            if one is not None:
                columns = (one.score, one.electron.astype(np.float64), one.weight)
                found = Events(one.event).of(lambda s, e, w, r=rejection: efficiency(s, e, r, w), *columns)
                values[name] = found.measured
        title = f"electron efficiency at {100 * rejection:g} % rejection of pileup clusters"
        out.append(Row(f"separation_{round(100 * rejection)}", title, "", "high", values))
    return out


def fits_of(event: NDArray[np.integer]) -> Events:
    """Return the few resamples that are used for what is fitted."""
    return Events(event, _FITS)


def _mean(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(good.mean()) if len(good) else float("nan")


def _rms(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(good.std() / good.mean()) if len(good) else float("nan")


def _68(values: FloatArray) -> float:
    good = values[np.isfinite(values)]
    return float(np.quantile(good, resolution.SHARE)) if len(good) else float("nan")


def _milli(values: FloatArray) -> float:
    return 1e3 * resolution.effective_rms(values)


def _position(found: Found, eta: FloatArray, phi: FloatArray) -> tuple[FloatArray, ...]:
    return (shifts(found, eta, phi)[2],)


def _cruijff(ratio: FloatArray) -> float:
    fitted = resolution.fit_cruijff(ratio)
    return float("nan") if fitted is None else fitted.relative_width
