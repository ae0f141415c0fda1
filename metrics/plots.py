"""Plots as inline SVG: EMD profiles and distributions, rate and distortion, training curves.

Every figure is drawn on white, so that it reads the same in a light page, a dark page and a slide.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.profiles import Profile

FloatArray = NDArray[np.float64]

EMD_LABEL = "EMD [half TC pitch]"
COLOURS = {
    "ae": "#c8102e",
    "bc": "#1f5fbf",
    "stc2x2": "#e08a00",
    "ctc2x2": "#8a6d00",
    "stc4x4": "#7a3fa0",
    "flat": "#77777f",
}
_MARKERS = {"ae": "o", "bc": "s", "stc2x2": "^", "ctc2x2": "v", "stc4x4": "D", "flat": "x"}
_DASHES = {"plain": "--", "filled": "-"}
_OTHER = "#2a7f62"

# The look of mplhep's ROOT-like style at the size of a page column instead of a full slide.
_SIZES: dict[str, Any] = {
    "figure.figsize": (5.6, 4.0),
    "font.size": 11,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "legend.fontsize": 9,
    "xtick.major.size": 6,
    "xtick.minor.size": 3,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
    "axes.linewidth": 1.0,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.hashsalt": "econ-ae",
    "axes.labelpad": 6,
}


@dataclass(frozen=True, eq=False)
class Series:
    """A profile to draw.

    Parameters
    ----------
    algorithm, variant : choose colour, marker and dashes
    label : in the legend
    profile : what is drawn
    """

    algorithm: str
    variant: str
    label: str
    profile: Profile


@dataclass(frozen=True)
class RatePoint:
    """One algorithm at one rate: payload bits per crossing and mean EMD with its error."""

    algorithm: str
    variant: str
    label: str
    bits: int
    emd: float
    error: float


@contextmanager
def _figure(width: float = 5.6, height: float = 4.0) -> Iterator[tuple[Figure, Axes]]:
    style: dict[Any, Any] = {**mplhep.style.ROOT, **_SIZES, "figure.figsize": (width, height)}
    with mpl.rc_context(style):
        # No pyplot: it keeps figures alive and picks a backend for the whole process.
        figure = Figure(layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        yield figure, figure.add_subplot()


def _svg(figure: Figure, label: str) -> str:
    """Return the figure as a compact ``<svg>`` element that scales with its container."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = "\n".join(_rounded(line) for line in text.splitlines())
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"\s*\n\s*", "\n", text)
    text = _own_ids(text, f"plot{zlib.crc32(label.encode()):x}-")
    return text.replace("<svg ", f'<svg class="plot" role="img" aria-label="{label}" ', 1).strip()


def _own_ids(text: str, prefix: str) -> str:
    """Drop ids that nothing refers to, and prefix the others: several plots share one page."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", text)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", text)


def _rounded(line: str) -> str:
    """Cut coordinates to two decimals; glyphs are scaled by small factors, which keep theirs."""
    return line if "scale(" in line else re.sub(r"(\d+\.\d{2})\d+", r"\1", line)


def _style(algorithm: str, variant: str) -> dict[str, Any]:
    return {
        "color": COLOURS.get(algorithm, _OTHER),
        "marker": _MARKERS.get(algorithm, "P"),
        "linestyle": _DASHES.get(variant, "-"),
    }


def profile_plot(series: Sequence[Series], x_label: str, *, scale: float = 1.0) -> str:
    """Return mean EMD in bins of a variable, with the band of 16-84 % of the events for the autoencoder.

    Parameters
    ----------
    x_label : name and unit of the variable
    scale : divides the variable, for example 35 for CALQ counts to MIPT

    Raises
    ------
    DataError
        When there is no series.
    """
    _need(series, "a profile plot", "series")
    with _figure() as (figure, axes):
        for s in series:
            p = s.profile
            ok = p.count > 0
            x = p.centre[ok] / scale
            if s.algorithm == "ae":
                axes.fill_between(
                    x,
                    p.low[ok],
                    p.high[ok],
                    color=COLOURS["ae"],
                    alpha=0.14,
                    linewidth=0,
                    label=f"{s.label}: 16-84 % band",
                )
            error = np.nan_to_num(p.mean_error[ok], nan=0.0)
            axes.errorbar(x, p.mean[ok], yerr=error, label=s.label, **_style(s.algorithm, s.variant))
        axes.set(xlabel=x_label, ylabel=f"Mean {EMD_LABEL}")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        _legend_above(axes)
        return _svg(figure, f"mean EMD against {x_label}")


def distribution_plot(values: Sequence[tuple[str, str, str, FloatArray]], bins: int = 60) -> str:
    """Return histograms of the EMD as fractions of the events.

    Parameters
    ----------
    values : (algorithm, variant, label, EMD of the defined pairs) per histogram
    bins : of equal width, up to the 99.5 % quantile of all values; the last bin holds everything above
    """
    _need(values, "a distribution plot", "histogram")
    top = max(float(np.quantile(v, 0.995)) for *_, v in values) or 1.0
    edges = np.linspace(0.0, top, bins + 1)
    with _figure() as (figure, axes):
        for algorithm, variant, label, emds in values:
            counts, _ = np.histogram(np.minimum(emds, top), edges)
            style = _style(algorithm, variant)
            mplhep.histplot(
                counts / len(emds),
                edges,
                ax=axes,
                label=label,
                color=style["color"],
                linestyle=style["linestyle"],
                histtype="step",
                yerr=False,
                linewidth=1.5,
            )
        axes.set(xlabel=f"{EMD_LABEL}; last bin: and above", ylabel="Fraction of events", xlim=(0.0, top), yscale="log")
        axes.set_ylim(bottom=0.5 / max(len(v) for *_, v in values))
        _legend_above(axes)
        return _svg(figure, "distribution of the EMD")


def rate_plot(points: Sequence[RatePoint]) -> str:
    """Return mean EMD against payload bits per bunch crossing; points of one label are joined.

    The axis of a wide range is logarithmic, so a mean of exactly 0 is left out.
    """
    drawn = [p for p in points if p.emd > 0]
    _need(drawn, "a rate plot", "point with a mean EMD above 0")
    with _figure() as (figure, axes):
        for label in dict.fromkeys(p.label for p in drawn):
            line = sorted((p for p in drawn if p.label == label), key=lambda p: p.bits)
            axes.errorbar(
                [p.bits for p in line],
                [p.emd for p in line],
                yerr=[p.error for p in line],
                label=label,
                **_style(line[0].algorithm, line[0].variant),
            )
        axes.set(xlabel="Payload bits per bunch crossing", ylabel=f"Mean {EMD_LABEL}")
        axes.set_xlim(left=-0.03 * max(p.bits for p in drawn) - 1)
        _log_if_wide(axes, [p.emd for p in drawn])
        _legend_above(axes)
        return _svg(figure, "mean EMD against payload bits")


def training_plot(history: Mapping[str, Sequence[float]]) -> str:
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
    with _figure(height=4.8 if len(rate) else 4.0) as (figure, axes):
        if len(rate):
            axes.remove()
            upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[5, 2])
            lower.plot(_epochs(rate), rate, color=_OTHER, drawstyle="steps-mid")
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
        _log_if_wide(upper, [v for key in ("loss", "val_loss") for v in history.get(key, ())])
        upper.legend(loc="upper right")
        last.set_xlabel("Epoch")
        last.xaxis.set_major_locator(MaxNLocator(integer=True))
        last.xaxis.set_minor_locator(MaxNLocator(integer=True, nbins=50))
        return _svg(figure, "training curves")


def _epochs(values: Sequence[float]) -> NDArray[np.int64]:
    return np.arange(1, len(values) + 1)


def _log_if_wide(axes: Axes, values: Sequence[float]) -> None:
    """Make the vertical axis logarithmic, labelled at 1, 2 and 5, when the values span enough to get two labels."""
    if min(values) <= 0 or max(values) < 5 * min(values):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend_above(axes: Axes) -> None:
    """Put the legend above the frame, where it covers no data."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        ncols=2,
        borderaxespad=0.0,
        borderpad=0.2,
        labelspacing=0.35,
        columnspacing=1.4,
        handletextpad=0.6,
    )


def _need(items: Sequence[object], what: str, one: str) -> None:
    if not items:
        raise DataError(f"{what} needs at least one {one}")
