"""The look of all figures: colours and markers per algorithm, figure and compact inline SVG.

Every figure is drawn on white, so that it reads the same in a light page, a dark page and a slide.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import mplhep
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

EMD_LABEL = "EMD [half trigger-cell pitch]"
_LOOKS = {
    "ae": ("#c8102e", "o"),
    "bc": ("#1f5fbf", "s"),
    "stc2x2": ("#e08a00", "^"),
    "ctc2x2": ("#8a6d00", "v"),
    "stc4x4": ("#7a3fa0", "D"),
    "flat": ("#77777f", "x"),
    "ts": ("#2a7f62", "P"),
    "rpt": ("#444b57", "*"),
    "abc": ("#00798c", "X"),
    "ccc": ("#a23b72", "p"),
}
COLOURS = {algorithm: colour for algorithm, (colour, _) in _LOOKS.items()}
_DASHES = {"plain": "--", "filled": "-", "map": "-", "enumerated": "--", "joined": ":"}
OTHER = "#5a7d00"
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


@contextmanager
def new_figure(width: float = 5.6, height: float = 4.0) -> Iterator[tuple[Figure, Axes]]:
    """Open a figure of one set of axes, in inches, in the house style; draw and finish it inside the context."""
    with figure_of(width, height) as figure:
        yield figure, figure.add_subplot()


@contextmanager
def figure_of(width: float, height: float) -> Iterator[Figure]:
    """Open an empty figure, in inches, in the house style; draw and finish it inside the context."""
    style: dict[Any, Any] = {**mplhep.style.ROOT, **_SIZES, "figure.figsize": (width, height)}
    with mpl.rc_context(style):
        # No pyplot: it keeps figures alive and picks a backend for the whole process.
        figure = Figure(layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        yield figure


def to_svg(figure: Figure, label: str) -> str:
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
    return text.replace("<svg ", f'<svg class="plot" role="img" aria-label="{escape(label, quote=True)}" ', 1).strip()


def _own_ids(text: str, prefix: str) -> str:
    """Drop ids that nothing refers to, and prefix the others: several plots share one page."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", text)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", text)


def _rounded(line: str) -> str:
    """Cut coordinates to two decimals; glyphs are scaled by small factors, which keep theirs."""
    return line if "scale(" in line else re.sub(r"(\d+\.\d{2})\d+", r"\1", line)


def style_of(algorithm: str, variant: str) -> dict[str, Any]:
    """Return colour, marker and dashes of an algorithm."""
    colour, marker = _LOOKS.get(algorithm, (OTHER, "P"))
    return {"color": colour, "marker": marker, "linestyle": _DASHES.get(variant, "-")}


def log_if_wide(axes: Axes, values: Sequence[float]) -> None:
    """Make the vertical axis logarithmic, labelled at 1, 2 and 5, when the values span enough to get two labels."""
    if min(values) <= 0 or max(values) < 5 * min(values):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def math_label(label: str) -> str:
    """Return a label with MIP_T and |eta| as matplotlib writes them."""
    return label.replace("MIP_T", "MIP$_\\mathrm{T}$").replace("|eta|", "$|\\eta|$")


def legend_above(axes: Axes, columns: int = 2, up: float = 1.01) -> None:
    """Put the legend above the frame, where it covers no data; ``up`` is its foot in heights of the axes."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, up),
        ncols=columns,
        borderaxespad=0.0,
        borderpad=0.2,
        labelspacing=0.35,
        columnspacing=1.4,
        handletextpad=0.6,
    )
