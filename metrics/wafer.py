"""Trigger-cell images drawn on the module, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import WaferGeometry
from metrics.wafer_shapes import cell_shapes, module_outline

FloatArray = NDArray[np.float64]

_PIXELS = 12.0  # SVG units per EMD unit
_MARGIN = 3.0
_COLOURS = 32
# Perceptually uniform and light to dark on the white card; the ends of the map are too close to white and black.
_MAP = colormaps["magma_r"]
SCALE = [to_hex(_MAP(0.04 + 0.86 * i / (_COLOURS - 1))) for i in range(_COLOURS)]
"""Fill colours from little to much charge; position sqrt(fraction / full scale)."""
_EMPTY = 'fill="#fff" stroke="#d3d3d8"'


@dataclass(frozen=True, eq=False)
class Display:
    """One image of a row of displays.

    Parameters
    ----------
    title : above the image
    caption : below it, for example the EMD; MIP_T gets its subscript
    charges : (cells,), any scale
    """

    title: str
    caption: str
    charges: FloatArray


def fractions(charges: ArrayLike, geometry: WaferGeometry) -> FloatArray:
    """Return each cell's fraction of the charge, float64 (cells,); zeros for an empty image.

    Raises
    ------
    DataError
        When the length is wrong or a charge is negative or not finite.
    """
    values = np.asarray(charges, dtype=np.float64)
    if values.shape != (geometry.cells,):
        raise DataError(f"a display of the {geometry.name} takes ({geometry.cells},) charges, not {values.shape}")
    if not np.isfinite(values).all() or (values < 0).any():
        raise DataError("a display takes finite charges >= 0")
    total = values.sum()
    return values / total if total > 0 else values


def colour(fraction: float, full_scale: float) -> str:
    """Return the colour of a fraction of the charge: position sqrt(fraction / full_scale) on the scale."""
    position = np.sqrt(min(fraction / full_scale, 1.0)) if full_scale > 0 else 0.0
    return SCALE[round(float(position) * (_COLOURS - 1))]


def wafer_svg(
    charges: ArrayLike,
    geometry: WaferGeometry,
    full_scale: float | None = None,
    *,
    label: str = "trigger-cell image",
    by_number: bool = False,
) -> str:
    """Return one image as an inline ``<svg>``: the module's outline, its cells, and their numbers.

    The numbers are in a group ``numbers``, which the page's style hides until it is asked for them.

    Parameters
    ----------
    charges : (cells,) charges >= 0, any scale
    full_scale : fraction of the charge with the darkest colour; None takes the image's largest
    label : text for screen readers
    by_number : draw the cells in the order of their numbers, for a script that repaints them
    """
    share = fractions(charges, geometry)
    values = np.asarray(charges, dtype=np.float64)
    top = float(share.max()) if full_scale is None else full_scale
    outline = module_outline(geometry) * (1, -1) * _PIXELS
    shift = _MARGIN - outline.min(axis=0)
    width, height = outline.max(axis=0) + shift + _MARGIN
    corners = cell_shapes(geometry) * (1, -1) * _PIXELS + shift
    cells, numbers = [], []
    # Cells with charge last, so that their outlines are not covered by empty neighbours.
    for cell in range(len(share)) if by_number else np.argsort(share, kind="stable"):
        points = _points(corners[cell])
        paint = f'fill="{colour(float(share[cell]), top)}" stroke="#fff"' if share[cell] > 0 else _EMPTY
        title = f"<title>TC {cell}: {values[cell]:.5g} ({share[cell]:.2%})</title>"
        cells.append(f'<polygon points="{points}" {paint}>{title}</polygon>')
    for cell, (x, y) in enumerate(geometry.xy * (1, -1) * _PIXELS + shift):
        numbers.append(f'<text x="{x:.0f}" y="{y + 3:.0f}">{cell}</text>')
    module = f'<path d="M{_points(outline + shift)}Z" fill="#f6f6f8" stroke="#8b8f99" stroke-width="1.4"/>'
    return (
        f'<svg class="wafer" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(label, quote=True)}" stroke-width=".8" stroke-linejoin="round">{module}{"".join(cells)}'
        f'<g class="numbers" aria-hidden="true">{"".join(numbers)}</g></svg>'
    )


def _points(corners: FloatArray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def legend_svg(full_scale: float) -> str:
    """Return the colour scale from an empty cell to ``full_scale`` (a fraction of the charge) as an inline SVG."""
    left, width, height = 4.0, 240.0, 10.0
    step = width / _COLOURS
    boxes = "".join(
        f'<rect x="{left + i * step:.1f}" y="2" width="{step + 0.3:.1f}" height="{height:.0f}" fill="{fill}"/>'
        for i, fill in enumerate(SCALE)
    )
    labels = []
    for position in (0.0, 0.5, 1.0):
        anchor = {0.0: "start", 1.0: "end"}.get(position, "middle")
        x = left + position * width
        text = f"{100 * full_scale * position**2:.3g} %" if position else "0"
        labels.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{height + 2:.0f}" y2="{height + 5:.0f}" stroke="#666"/>'
            f'<text x="{x:.1f}" y="{height + 16:.0f}" text-anchor="{anchor}">{text}</text>'
        )
    return (
        f'<svg class="legend" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2 * left:.0f} 30" role="img" '
        f'aria-label="colour scale: fraction of the image charge, 0 to {full_scale:.2%}" '
        f'font-family="sans-serif" font-size="10.5" fill="#333">{boxes}{"".join(labels)}</svg>'
    )


def wafer_row(displays: Sequence[Display], geometry: WaferGeometry, *, by_number: bool = False) -> str:
    """Return displays side by side with one colour scale, as an HTML fragment (``div.wafers``).

    The scale is shared: the darkest colour is the largest fraction of the charge in any of the images. With
    ``by_number`` a script can repaint the cells.

    Raises
    ------
    DataError
        When there is no display, or an image is malformed.
    """
    if not displays:
        raise DataError("a row of displays needs at least one image")
    full_scale = max(float(fractions(d.charges, geometry).max()) for d in displays)
    figures = "".join(
        f'<figure><div class="wafer-title">{escape(d.title)}</div>'
        f"{wafer_svg(d.charges, geometry, full_scale, label=f'{d.title}: {d.caption}', by_number=by_number)}"
        f"<figcaption>{escape(d.caption).replace('MIP_T', 'MIP<sub>T</sub>')}</figcaption></figure>"
        for d in displays
    )
    scale = f'<div class="wafer-scale"><span>fraction of the image\'s charge</span>{legend_svg(full_scale)}</div>'
    return f'<div class="wafers">{figures}</div>{scale}'
