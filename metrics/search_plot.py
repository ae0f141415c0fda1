"""The front of a search as a plot for talks: EMD of the validation rows against area, with the chip's algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.figure import EMD_LABEL, legend_above, log_if_wide, new_figure
from metrics.sheet import Row, Sheet, sign_axes

_OURS, _STOPPED, _RIVAL = "#c8102e", "#b9bcc4", "#1f5fbf"


@dataclass(frozen=True)
class Point:
    """A trained point of a search.

    Parameters
    ----------
    trial : its number
    area : kGE
    error : of an estimated area, kGE; 0 of a synthesised one
    emd : mean of the validation rows
    trained : in full, else it was stopped on the way
    front : no other point is better in all objectives
    """

    trial: int
    area: float
    error: float
    emd: float
    trained: bool
    front: bool


def front_plot(points: Sequence[Point], rivals: Sequence[tuple[str, float]], sheet: Sheet) -> str:
    """Return the front as SVG, and write its files as ``front``.

    Parameters
    ----------
    points : with an area and an EMD; none gives axes alone
    rivals : name and mean EMD of the chip's algorithms, drawn as lines
    """
    with new_figure(6.8, 4.8) as (figure, axes):
        stopped, trained = ([p for p in points if p.trained is which] for which in (False, True))
        front = sorted((p for p in trained if p.front), key=lambda p: p.area)
        if stopped:
            x, y = [p.area for p in stopped], [p.emd for p in stopped]
            axes.plot(x, y, "o", color=_STOPPED, fillstyle="none", label="stopped on the way")
        if trained:
            x, y, error = ([getattr(p, name) for p in trained] for name in ("area", "emd", "error"))
            axes.errorbar(x, y, xerr=error, fmt="o", color=_OURS, elinewidth=0.7, label="trained in full")
        if front:
            axes.plot(
                [p.area for p in front], [p.emd for p in front], color=_OURS, drawstyle="steps-post", label="front"
            )
        for name, emd in rivals:
            axes.axhline(emd, color=_RIVAL, linestyle="--", linewidth=0.9)
            axes.text(0.99, emd, name, transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=8)
        axes.set(xlabel="Area of the complete block [kGE]", ylabel=f"Mean {EMD_LABEL}, validation rows")
        heights = [*(p.emd for p in points), *(emd for _, emd in rivals)]
        if heights:
            log_if_wide(axes, heights)
        if points:
            legend_above(axes, 3)
        sign_axes(axes, sheet.sign)
        rows: list[Row] = [
            {"trial": p.trial, "area_kge": p.area, "area_error": p.error, "emd": p.emd, "trained": p.trained,
             "front": p.front}
            for p in points
        ]  # fmt: skip
        return sheet.finish(figure, "EMD against area of a search", "front", rows)
