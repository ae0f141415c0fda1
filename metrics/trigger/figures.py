"""Plots of the trigger's measures: inline SVG for a page; PDF, PNG and CSV for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mplhep
import numpy as np
from matplotlib.axes import Axes

from metrics import sheet as sheets
from metrics.figure import COLOURS, legend_above, math_label, new_figure
from metrics.sheet import Sheet, Sign, sign_axes
from metrics.trigger.curves import Line, Plot

_OURS = ("#c8102e", "#9c1f8c", "#d98880", "#6b0f1a", "#ff6f91")
_LOOKS: dict[str, tuple[str, str, str]] = {
    "all": ("#111111", "o", "-"),
    "threshold": ("#77777f", "x", ":"),
    "bc": (COLOURS["bc"], "s", "--"),
    "bc-filled": (COLOURS["bc"], "s", "-"),
    "stc": (COLOURS["stc4x4"], "D", "-"),
    "ts": (COLOURS["ts"], "P", "-"),
    "abc": (COLOURS["abc"], "X", "-"),
    "ccc": (COLOURS["ccc"], "p", "-"),
}


def draw(
    plot: Plot, labels: Mapping[str, str], folder: Path | None = None, stem: str = "", sign: Sign | None = None
) -> str:
    """Return a plot as an SVG element; write it as PDF, PNG and CSV too.

    Parameters
    ----------
    labels : of the algorithms
    folder : where files go; None writes none
    stem : in front of the files' names
    sign : inside the axes
    """
    with new_figure(6.4, 4.4) as (figure, axes):
        for line in plot.lines:
            _line(axes, plot, line, math_label(labels.get(line.algorithm, line.algorithm)), _look(plot, line))
        axes.set(xlabel=_axis(plot.x_label), ylabel=_axis(plot.y_label))
        if plot.log_x:
            axes.set_xscale("log")
        if plot.log_y and any((line.y > 0).any() for line in plot.lines):
            axes.set_yscale("log")
        if plot.lines:
            legend_above(axes, 2)
        sheet = Sheet(sign or Sign(), folder, stem)
        sign_axes(axes, sheet.sign)
        return sheet.finish(figure, f"{stem}{plot.caption}", plot.name, _rows(plot))


def to_csv(plot: Plot) -> str:
    """Return the numbers of a plot as CSV: algorithm, x (of steps both edges), y and its error."""
    return sheets.to_csv(_rows(plot))


def _rows(plot: Plot) -> list[sheets.Row]:
    steps = plot.kind == "steps"
    rows: list[sheets.Row] = []
    for line in plot.lines:
        for i, y in enumerate(line.y.tolist()):
            x = {"low": line.x[i], "high": line.x[i + 1]} if steps else {"x": line.x[i]}
            numbers = {**x, "y": y, "error": None if line.error is None else line.error[i]}
            rows.append(
                {"algorithm": line.algorithm} | {k: None if v is None else float(v) for k, v in numbers.items()}
            )
    return rows


def _axis(label: str) -> str:
    """Return a label with a capital letter, and pT as matplotlib writes it."""
    text = label.replace("pT", "$p_{\\mathrm{T}}$")
    return text[:1].upper() + text[1:]


def _look(plot: Plot, line: Line) -> tuple[str, str, str]:
    if line.algorithm in _LOOKS:
        return _LOOKS[line.algorithm]
    ours = [one.algorithm for one in plot.lines if one.algorithm not in _LOOKS]
    return _OURS[ours.index(line.algorithm) % len(_OURS)], "o", "-"


def _line(axes: Axes, plot: Plot, line: Line, label: str, look: tuple[str, str, str]) -> None:
    colour, marker, dashes = look
    style: dict[str, Any] = {"color": colour, "label": label}
    if plot.kind == "steps":
        mplhep.histplot(line.y, line.x, ax=axes, histtype="step", yerr=False, linewidth=1.4, linestyle=dashes, **style)
    elif plot.kind == "lines":
        axes.plot(line.x, line.y, linestyle=dashes, **style)
    else:
        error = None if line.error is None else np.nan_to_num(line.error)
        axes.errorbar(line.x, line.y, yerr=error, marker=marker, linestyle=dashes, linewidth=1.0, **style)
