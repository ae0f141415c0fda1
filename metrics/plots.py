"""Plots as inline SVG, and as files: EMD profiles and distributions, rate and distortion, training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.figure import (
    COLOURS,
    EMD_LABEL,
    OTHER,
    legend_above,
    log_if_wide,
    math_label,
    new_figure,
    style_of,
)
from metrics.profiles import Profile
from metrics.sheet import Row, Sheet, sign_axes

FloatArray = NDArray[np.float64]

_AUTOENCODERS = ("#c8102e", "#6b0f1a", "#ff6f91", "#9c1f8c", "#d98880")
_LINK_BITS = 32
_PLAIN = Sheet()
_DECADES = 30.0  # ratio of the outer bins' centres from which on a charge has a logarithmic axis
_BINS = 60  # of equal width, up to the 99.5 % quantile of all values; the last one holds everything above


@dataclass(frozen=True, eq=False)
class Series:
    """A profile to draw.

    Parameters
    ----------
    algorithm, variant : choose colour, marker and dashes
    elinks : of the algorithm, for the caption
    label : in the legend
    profile : what is drawn
    """

    algorithm: str
    variant: str
    elinks: int | None
    label: str
    profile: Profile


@dataclass(frozen=True)
class RatePoint:
    """One algorithm at one rate: bits of a frame per crossing, everything included, and mean EMD with its error.

    Points of the same ``label`` are joined.
    """

    algorithm: str
    variant: str
    label: str
    bits: float
    emd: float
    error: float


def profile_plot(
    series: Sequence[Series], x_label: str, *, classes: Sequence[int] = (), name: str = "profile", sheet: Sheet = _PLAIN
) -> str:
    """Return mean EMD in bins of a variable, with bands of 16-84 % of the events for the first two series.

    Parameters
    ----------
    series : the autoencoders first, then the best others
    x_label : name and unit of the variable
    classes : the bins' values when the variable is a class; its points are not joined
    name : of the files
    sheet : what the plot says of itself, and where its files go

    Raises
    ------
    DataError
        When there is no series.
    """
    _need(series, "a profile plot", "series")
    banded = [*[s for s in series if s.algorithm == "ae"][:1], *[s for s in series if s.algorithm != "ae"][:1]]
    colours = _colours([s.algorithm for s in series])
    with new_figure() as (figure, axes):
        for i, s in enumerate(series):
            p = s.profile
            ok = p.count > 0
            # Classes are shifted a little, so that errors of several algorithms stay apart.
            x = np.asarray(classes, dtype=np.float64)[ok] + 0.08 * (i - len(series) / 2) if classes else p.centre[ok]
            style = style_of(s.algorithm, s.variant)
            style["color"] = colours[i]
            if s in banded:
                band = {"color": style["color"], "alpha": 0.13, "linewidth": 0}
                if classes:
                    axes.bar(x, p.high[ok] - p.low[ok], 0.3, p.low[ok], **band)
                else:
                    axes.fill_between(x, p.low[ok], p.high[ok], **band)
            if classes:
                style["linestyle"] = "none"
            error = np.nan_to_num(p.mean_error[ok], nan=0.0)
            axes.errorbar(x, p.mean[ok], yerr=error, label=s.label, **style)
        axes.set(xlabel=math_label(x_label), ylabel=f"Mean {EMD_LABEL}")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        if classes:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            _log_if_decades(axes, series)
        legend_above(axes)
        sign_axes(axes, sheet.sign)
        return sheet.finish(figure, f"mean EMD against {x_label}", name, _profile_rows(series, x_label))


def distribution_plot(
    values: Sequence[tuple[str, str, str, FloatArray]], *, name: str = "distribution", sheet: Sheet = _PLAIN
) -> str:
    """Return histograms of the EMD as fractions of the events.

    Parameters
    ----------
    values : (algorithm, variant, label, EMD of the defined pairs) per histogram
    """
    _need(values, "a distribution plot", "histogram")
    top = max(float(np.quantile(v, 0.995)) for *_, v in values) or 1.0
    edges = np.linspace(0.0, top, _BINS + 1)
    rows: list[Row] = []
    with new_figure() as (figure, axes):
        colours = _colours([algorithm for algorithm, *_ in values])
        for (algorithm, variant, label, emds), colour in zip(values, colours, strict=True):
            counts, _ = np.histogram(np.minimum(emds, top), edges)
            rows += [
                {"algorithm": label, "from": low, "to": high, "events": count, "fraction": count / len(emds)}
                for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
            ]
            style = style_of(algorithm, variant)
            mplhep.histplot(
                counts / len(emds),
                edges,
                ax=axes,
                label=label,
                color=colour,
                linestyle=style["linestyle"],
                histtype="step",
                yerr=False,
                linewidth=1.5,
            )
        axes.set(xlabel=f"{EMD_LABEL}; last bin: and above", ylabel="Fraction of events", xlim=(0.0, top), yscale="log")
        axes.set_ylim(bottom=0.5 / max(len(v) for *_, v in values))
        legend_above(axes)
        sign_axes(axes, sheet.sign)
        return sheet.finish(figure, "distribution of the EMD", name, rows)


def rate_plot(points: Sequence[RatePoint], *, name: str = "rate", sheet: Sheet = _PLAIN) -> str:
    """Return mean EMD against the bits of a frame; points of one label are joined, dotted lines are eLink capacities.

    The axis of a wide range is logarithmic, so a mean of exactly 0 is left out. Flat images, for which nothing is
    sent, are a horizontal line. A point far beyond all others (the repeater) is named at the edge instead of squeezing
    them.
    """
    drawn = [p for p in points if p.emd > 0]
    _need(drawn, "a rate plot", "point with a mean EMD above 0")
    most = max((p.bits for p in drawn if p.algorithm != "rpt"), default=0.0) or max(
        _LINK_BITS, *(p.bits for p in drawn)
    )
    beyond = [p for p in drawn if p.bits > 1.3 * most]
    inside = [p for p in drawn if p not in beyond and p.bits > 0]
    with new_figure(8.4, 5.2) as (figure, axes):
        for p in drawn:
            if p.bits == 0:
                axes.axhline(p.emd, color=COLOURS["flat"], linestyle=":", linewidth=1.2, label=p.label)
        for label in dict.fromkeys(p.label for p in inside):
            line = sorted((p for p in inside if p.label == label), key=lambda p: p.bits)
            axes.errorbar(
                [p.bits for p in line],
                [p.emd for p in line],
                yerr=[p.error for p in line],
                label=label,
                zorder=4 if line[0].algorithm == "ae" else 3,
                **style_of(line[0].algorithm, line[0].variant),
            )
        axes.set(xlabel="Bits of a frame per bunch crossing, header and sum included", ylabel=f"Mean {EMD_LABEL}")
        axes.set_xlim(0.0, 1.08 * most)
        for links in range(1, int(1.08 * most) // _LINK_BITS + 1):
            axes.axvline(_LINK_BITS * links, color="#c4c7ce", linewidth=0.8, linestyle=":", zorder=0)
            axes.text(
                _LINK_BITS * links, 1.005, words_of_links(links), transform=axes.get_xaxis_transform(), ha="center",
                va="bottom", fontsize=8, color="#5d626d",
            )  # fmt: skip
        log_if_wide(axes, [p.emd for p in drawn if p not in beyond])
        if beyond:
            text = "\n".join(f"{p.label}: EMD {p.emd:.3f} at {p.bits:.0f} bits \u2192" for p in beyond)
            axes.text(0.02, 0.03, text, transform=axes.transAxes, ha="left", va="bottom", fontsize=9, color="#444b57")
        legend_above(axes, 3, up=1.05)
        sign_axes(axes, sheet.sign)
        rows = [
            {"algorithm": p.label, "frame_bits": float(p.bits), "emd": float(p.emd), "error": float(p.error)}
            for p in points
        ]
        return sheet.finish(figure, "mean EMD against bits of a frame", name, rows)


def training_plot(history: Mapping[str, Sequence[float]], *, name: str = "training", sheet: Sheet = _PLAIN) -> str:
    """Return loss and validation loss per epoch, with the learning rate in a panel below when there is one.

    Parameters
    ----------
    history : ``loss``, and if known ``val_loss`` and ``learning_rate`` (or ``lr``), one number per epoch

    Raises
    ------
    DataError
        When there is no loss.
    """
    if not len(history.get("loss", ())):
        raise DataError(f"training history has no 'loss'; it has {sorted(history) or 'nothing'}")
    rate = history.get("learning_rate", history.get("lr", ()))
    with new_figure(height=4.8 if len(rate) else 4.0) as (figure, axes):
        if len(rate):
            axes.remove()
            upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[5, 2])
            lower.plot(_epochs(rate), rate, color=OTHER, drawstyle="steps-mid")
            lower.set(ylabel="Learning rate", ylim=(0.0, 1.15 * max(rate) or 1.0))
            lower.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
            last = lower
        else:
            upper = last = axes
        upper.plot(_epochs(history["loss"]), history["loss"], color=COLOURS["bc"], label="training")
        if len(history.get("val_loss", ())):
            upper.plot(
                _epochs(history["val_loss"]), history["val_loss"], color=COLOURS["ae"], marker="o", label="validation"
            )
        upper.set(ylabel="Loss")
        log_if_wide(upper, [v for key in ("loss", "val_loss") for v in history.get(key, ())])
        legend_above(upper)
        last.set_xlabel("Epoch")
        last.xaxis.set_major_locator(MaxNLocator(integer=True))
        last.xaxis.set_minor_locator(MaxNLocator(integer=True, nbins=50))
        sign_axes(upper, sheet.sign)
        epochs: list[Row] = [
            {"epoch": i + 1, **{key: _at(values, i) for key, values in history.items()}}
            for i in range(len(history["loss"]))
        ]
        return sheet.finish(figure, "training curves", name, epochs)


def _colours(algorithms: Sequence[str]) -> list[str]:
    """Return a colour per series; several autoencoders get different ones."""
    own = cycle(_AUTOENCODERS)
    return [next(own) if name == "ae" else COLOURS.get(name, OTHER) for name in algorithms]


def words_of_links(count: int) -> str:
    """Return ``1 eLink`` or ``2 eLinks``."""
    return f"{count} eLink" + ("s" if count > 1 else "")


def _log_if_decades(axes: Axes, series: Sequence[Series]) -> None:
    """Make the horizontal axis logarithmic where the bins are all above 0 and span decades."""
    centres = [c for s in series for c in s.profile.centre[s.profile.count > 0].tolist()]
    if min(centres) > 0 and max(centres) >= _DECADES * min(centres):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")


def _profile_rows(series: Sequence[Series], x_label: str) -> list[Row]:
    columns = ("from", "to", "events", "centre", "mean", "error", "16 %", "84 %")
    found: list[Row] = []
    for s in series:
        p = s.profile
        values = (p.edges[:-1], p.edges[1:], p.count, p.centre, p.mean, p.mean_error, p.low, p.high)
        found += [
            {"algorithm": s.label, "variable": x_label, **dict(zip(columns, row, strict=True))}
            for row in zip(*(v.tolist() for v in values), strict=True)
        ]
    return found


def _at(values: Sequence[float], index: int) -> float | None:
    return float(values[index]) if index < len(values) else None


def _epochs(values: Sequence[float]) -> NDArray[np.int64]:
    return np.arange(1, len(values) + 1)


def _need(items: Sequence[object], what: str, one: str) -> None:
    if not items:
        raise DataError(f"{what} needs at least one {one}")
