"""What every plot ends with: a label inside its axes, inline SVG, and PDF, PNG and CSV beside each other."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from metrics.figure import to_svg

KINDS = ("pdf", "png", "csv")
"""What is written of every plot."""
_DPI = 200
_HEADROOM = 0.11  # part of the vertical axis that the label takes
_LEFT, _RIGHT, _TOP, _GREY = 0.035, 0.97, 0.975, "#5d626d"
Row = Mapping[str, object]


def origin(*, synthetic: bool, simulated: bool = True) -> str:
    """Return the word that says in a plot where its events come from; empty for events of a detector."""
    if synthetic:
        return "Synthetic"
    return "Simulation" if simulated else ""


@dataclass(frozen=True)
class Sign:
    """What a plot says of itself inside its axes.

    Parameters
    ----------
    experiment : in bold, for example the name of a collaboration
    origin : in italics: ``Synthetic``, ``Simulation`` or nothing
    events : number of events that are drawn, or whose means are
    what : name of what is counted
    """

    experiment: str = ""
    origin: str = ""
    events: int | None = None
    what: str = "events"

    @property
    def count(self) -> str:
        """The number in words."""
        return "" if self.events is None else f"{self.events:,} {self.what}".replace(",", "\u202f")


@dataclass(frozen=True)
class Sheet:
    """What plots say of themselves, and where their files go.

    Parameters
    ----------
    sign : inside the axes
    folder : gets the files; None writes none
    stem : in front of their names
    """

    sign: Sign = field(default_factory=Sign)
    folder: Path | None = None
    stem: str = ""

    def finish(self, figure: Figure, label: str, name: str, rows: Sequence[Row]) -> str:
        """Return a drawn figure as an SVG element; write it as ``NAME.pdf``, ``.png`` and ``.csv`` where files go.

        Parameters
        ----------
        label : text for screen readers
        name : of the files, without a suffix
        rows : the numbers that are drawn, of equal keys
        """
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it has placed everything; every format would do it again
        self.write_files(figure, name, rows)
        return to_svg(figure, label)

    def write_files(self, figure: Figure, name: str, rows: Sequence[Row]) -> None:
        """Write a figure as files, where files go."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind, content in files(figure, rows).items():
            write(self.folder / f"{self.stem}{name}.{kind}", content)


def sign_axes(axes: Axes, sign: Sign) -> None:
    """Write a sign along the top of the axes, inside, above everything that is drawn: call it last."""
    if not (sign.experiment or sign.origin or sign.events):
        return
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, high * (high / low) ** _HEADROOM)
    else:
        axes.set_ylim(low, high + _HEADROOM * (high - low))
    write_sign(axes, sign)


def write_sign(axes: Axes, sign: Sign, *, top: float = _TOP) -> None:
    """Write a sign along the top of axes that have room for it."""
    style: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "zorder": 6}
    bold: dict[str, Any] = {"fontweight": "bold"}
    italic: dict[str, Any] = {"fontstyle": "italic"}
    last: Text | None = None
    for plain, font in ((sign.experiment, bold), (sign.origin, italic)):
        text = plain.replace("$", "\\$")  # a name is no formula
        if text and last is None:
            last = axes.text(_LEFT, top, text, fontsize=11, **font, **style)
        elif text and last is not None:
            near: dict[str, Any] = {"xycoords": last, "xytext": (5, 0), "textcoords": "offset points", "va": "bottom"}
            axes.annotate(text, (1.0, 0.0), fontsize=11, annotation_clip=False, **near, **font)
    if sign.count:
        axes.text(_RIGHT, top, sign.count, fontsize=9, ha="right", color=_GREY, **style)


def in_mathtext(text: str, font: str) -> str:
    """Return text in a font of mathtext, ``bf`` or ``it``, for a line with several fonts."""
    escaped = "".join(f"\\{c}" if c in " #$%&_{}^" else c for c in text)
    return f"$\\{font}{{{escaped}}}$" if text else ""


def files(figure: Figure, rows: Sequence[Row]) -> dict[str, bytes]:
    """Return a figure as the content of its files by suffix; the same figure gives the same bytes."""
    found = {}
    for kind, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
        buffer = io.BytesIO()
        if kind == "png":
            FigureCanvasAgg(figure)
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=metadata)
        found[kind] = buffer.getvalue()
    return {**found, "csv": to_csv(rows).encode()}


def to_csv(rows: Sequence[Row]) -> str:
    """Return rows of equal keys as CSV with a header; floats with six digits, no number is an empty cell."""
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    if rows:
        out.writerow(list(rows[0]))
    for row in rows:
        out.writerow([_cell(value) for value in row.values()])
    return stream.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return "" if value is None else str(value)


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    temporary = path.with_name(f"writing-{os.getpid()}-{path.name}")  # two processes may draw the same page
    temporary.write_bytes(content)
    temporary.replace(path)
