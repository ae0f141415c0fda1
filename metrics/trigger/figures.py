"""Plots of the trigger's measures: inline SVG for a page; PDF, PNG and CSV for everything else."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from metrics.figure import COLOURS, legend_above, math_label, new_figure, to_svg
from metrics.trigger.curves import Line, Plot

_DPI = 200
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


def draw(plot: Plot, labels: Mapping[str, str], folder: Path | None = None, stem: str = "") -> str:
    """Return a plot as an SVG element; write it as PDF, PNG and CSV too.

    Parameters
    ----------
    labels : of the algorithms
    folder : where files go; None writes none
    stem : in front of the files' names
    """
    with new_figure(6.4, 4.4) as (figure, axes):
        for line in plot.lines:
            _line(axes, plot, line, math_label(labels.get(line.algorithm, line.algorithm)), _look(plot, line))
        axes.set(xlabel=plot.x_label, ylabel=plot.y_label)
        if plot.log_x:
            axes.set_xscale("log")
        if plot.log_y and any((line.y > 0).any() for line in plot.lines):
            axes.set_yscale("log")
        if plot.lines:
            legend_above(axes, 2)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            _save(figure, folder, f"{stem}{plot.name}")
            _write(folder / f"{stem}{plot.name}.csv", to_csv(plot).encode())
        return to_svg(figure, f"{stem}{plot.caption}")


def to_csv(plot: Plot) -> str:
    """Return the numbers of a plot as CSV: algorithm, x (of steps both edges), y and its error."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    steps = plot.kind == "steps"
    out.writerow(["algorithm", *(["low", "high"] if steps else ["x"]), "y", "error"])
    for line in plot.lines:
        for i, y in enumerate(line.y.tolist()):
            x = [line.x[i], line.x[i + 1]] if steps else [line.x[i]]
            error = "" if line.error is None else f"{line.error[i]:.6g}"
            out.writerow([line.algorithm, *(f"{one:.6g}" for one in x), f"{y:.6g}", error])
    return stream.getvalue()


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


def _save(figure: Figure, folder: Path, name: str) -> None:
    for kind, canvas in (("pdf", None), ("png", FigureCanvasAgg)):
        buffer = io.BytesIO()
        if canvas is not None:
            canvas(figure)
        metadata = {"CreationDate": None} if kind == "pdf" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=metadata)
        _write(folder / f"{name}.{kind}", buffer.getvalue())


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)
