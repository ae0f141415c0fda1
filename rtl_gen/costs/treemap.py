"""Areas as a treemap: one rectangle per part of the design, its area in proportion (SVG)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import squarify

WIDTH, HEIGHT = 900.0, 420.0
_COLOURS = (
    "#8fb4d8", "#f9bd7e", "#a9d3ce", "#f0a3a3", "#9ccf94", "#f2dd8a", "#d0aecb", "#cbb09f", "#d8d3d0", "#ffc3c8",
)  # fmt: skip
_SMALL = 0.002  # parts below this share of the whole are drawn as one


def treemap(parts: Mapping[str, float]) -> str:
    """Return an SVG of areas by name, in kGE; every rectangle says name, size and share."""
    whole = sum(parts.values())
    shown = {name: area for name, area in parts.items() if area >= _SMALL * whole}
    rest = whole - sum(shown.values())
    if rest > 0:
        shown["smaller parts"] = rest
    ordered = sorted(shown.items(), key=lambda item: -item[1])
    boxes = squarify.squarify(squarify.normalize_sizes([a for _, a in ordered], WIDTH, HEIGHT), 0, 0, WIDTH, HEIGHT)
    drawn = "".join(
        _rectangle(name, area / 1000, area / whole, box, _COLOURS[i % len(_COLOURS)])
        for i, ((name, area), box) in enumerate(zip(ordered, boxes, strict=True))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="Area by part, {whole / 1000:.1f} kGE" font-family="sans-serif" font-size="13">{drawn}</svg>\n'
    )


def _rectangle(name: str, kilo: float, share: float, box: Mapping[str, float], colour: str) -> str:
    x, y, dx, dy = (box[key] for key in ("x", "y", "dx", "dy"))
    size = f"{kilo:.1f} kGE, {100 * share:.1f} %"
    text = f'<title>{escape(name)}: {size}</title><rect x="{x:.1f}" y="{y:.1f}" width="{dx:.1f}" height="{dy:.1f}" '
    text += f'fill="{colour}" stroke="#fff"/>'
    if dx > 7.5 * max(len(name), len(size)) and dy > 40:
        text += f'<text x="{x + 6:.1f}" y="{y + 18:.1f}" fill="#111">{escape(name)}</text>'
        text += f'<text x="{x + 6:.1f}" y="{y + 35:.1f}" fill="#111">{size}</text>'
    return f"<g>{text}</g>"
