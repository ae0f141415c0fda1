"""Areas as a treemap in matplotlib axes: one rectangle per part of the design, its area in proportion."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import squarify
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from metrics.figure import figure_of
from metrics.sheet import Sheet, Sign, write_sign

WIDTH, HEIGHT = 900.0, 420.0
_SMALL = 0.004  # parts below this share of the whole are drawn as one
_LETTER, _LINE = 7.9, 16.5  # of the text, in units of the axes
_COLOURS = (
    "#8fb4d8", "#f9bd7e", "#a9d3ce", "#f0a3a3", "#9ccf94", "#f2dd8a", "#d0aecb", "#cbb09f", "#d8d3d0", "#ffc3c8",
)  # fmt: skip


def treemap_plot(parts: Mapping[str, float], title: str, *, name: str, sheet: Sheet) -> str:
    """Return the areas of parts as SVG, and write the files.

    Parameters
    ----------
    parts : areas by name, gate equivalents
    title : above them
    name : of the files
    """
    with figure_of(8.0, 4.2) as figure:
        axes = figure.add_subplot()
        draw_treemap(axes, parts)
        whole = sum(parts.values())
        axes.set_title(f"{title}: {whole / 1000:.1f} kGE", fontsize=11, loc="left", pad=16)
        sign = Sign(sheet.sign.experiment)  # areas are of no events
        write_sign(axes, sign, top=1.06)
        rows = [
            {"part": part, "gate_equivalents": float(area), "share": float(area / whole)}
            for part, area in sorted(parts.items(), key=lambda item: -item[1])
        ]
        return sheet.finish(figure, f"area by part, {title}", name, rows)


def draw_treemap(axes: Axes, parts: Mapping[str, float]) -> None:
    """Draw areas, gate equivalents by name, into axes; parts that are too small for a name are told in the CSV."""
    whole = sum(parts.values())
    shown = {part: area for part, area in parts.items() if area >= _SMALL * whole}
    if (rest := whole - sum(shown.values())) > 0:
        shown["smaller parts"] = rest
    ordered = sorted(shown.items(), key=lambda item: -item[1])
    boxes = squarify.squarify(squarify.normalize_sizes([a for _, a in ordered], WIDTH, HEIGHT), 0, 0, WIDTH, HEIGHT)
    for i, ((part, area), box) in enumerate(zip(ordered, boxes, strict=True)):
        x, y, dx, dy = (box[key] for key in ("x", "y", "dx", "dy"))
        colour = _COLOURS[i % len(_COLOURS)]
        axes.add_patch(Rectangle((x, y), dx, dy, facecolor=colour, edgecolor="white", linewidth=1.2))
        size = f"{area / 1000:.1f} kGE, {100 * area / whole:.1f} %"
        lines = _wrapped(f"{part}\n{size}", dx, dy)
        if lines:
            axes.text(x + 6, y + 5, "\n".join(lines), va="top", fontsize=8, color="#111111")
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.set_axis_off()


def _wrapped(text: str, width: float, height: float) -> list[str]:
    """Return text in lines that fit a rectangle; none when they do not."""
    letters = int((width - 10) / _LETTER)
    if letters < 1:
        return []
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, letters, break_long_words=False)]
    fits = max(map(len, lines)) <= letters and (len(lines) + 0.7) * _LINE < height
    return lines if fits else []
