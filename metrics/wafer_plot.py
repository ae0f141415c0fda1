"""Trigger-cell images in matplotlib axes: the module's outline, its cells on one scale, their numbers on demand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike, NDArray

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import WaferGeometry
from metrics.figure import figure_of
from metrics.sheet import Sheet, Sign, write_sign
from metrics.wafer import SCALE, Display, fractions
from metrics.wafer_shapes import cell_shapes, module_outline

FloatArray = NDArray[np.float64]

DECADES = 30.0
"""Ratio of the largest to the smallest charge from which on a scale is logarithmic."""
_DARK = 0.55  # of the scale: numbers are white from here on


def charge_norm(values: FloatArray, top: float) -> Normalize:
    """Return a colour scale up to ``top``: logarithmic where charges span decades, else by the square root."""
    filled = values[values > 0]
    if len(filled) and top / float(filled.min()) >= DECADES:
        return LogNorm(float(filled.min()), top)
    return PowerNorm(0.5, 0, top)


def draw_wafer(
    axes: Axes, charges: ArrayLike, geometry: WaferGeometry, norm: Normalize, *, numbers: bool = False
) -> PolyCollection:
    """Draw one image; return the cells, for a colour bar.

    Parameters
    ----------
    charges : (cells,), not negative
    norm : charges to the colour scale
    numbers : write the cells' numbers
    """
    fractions(charges, geometry)  # checks them
    values = np.asarray(charges, np.float64)
    # An empty cell is white with a grey border, and lies under its neighbours' borders.
    for some, border in ((values <= 0, "#d3d3d8"), (values > 0, "#ffffff")):
        cells = PolyCollection(
            list(cell_shapes(geometry)[some]),
            array=np.ma.masked_less_equal(values[some], 0),
            cmap=ListedColormap(SCALE).with_extremes(bad="white"),
            norm=norm,
            edgecolors=border,
            linewidths=0.6,
        )
        axes.add_collection(cells)
    axes.add_patch(Polygon(module_outline(geometry), facecolor="#f6f6f8", edgecolor="#8b8f99", linewidth=1.0, zorder=0))
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.set_axis_off()
    if numbers:
        for number, (x, y) in enumerate(geometry.xy):
            dark = values[number] > 0 and float(norm(values[number])) > _DARK
            axes.text(x, y, str(number), ha="center", va="center", fontsize=6, color="white" if dark else "#555")
    return cells


def event_plot(displays: Sequence[Display], geometry: WaferGeometry, sheet: Sheet, name: str, label: str) -> str:
    """Draw images of one event side by side, each scaled to the first one's charge, and write the files.

    Returns
    -------
    SVG; the charges by cell, in MIP_T, are the numbers of the plot

    Parameters
    ----------
    displays : the input first
    name : of the files
    label : for screen readers
    """
    whole = float(np.sum(displays[0].charges)) / MIP_COUNTS
    images = [fractions(one.charges, geometry) * whole for one in displays]
    every = np.concatenate(images)
    norm = charge_norm(images[0], float(every.max()) or 1.0)
    with figure_of(3.0 * len(images) + 1.0, 4.0) as figure:
        leave_room(figure)
        panels = figure.subplots(1, len(images), squeeze=False)[0]
        for axes, one, image in zip(panels, displays, images, strict=True):
            cells = draw_wafer(axes, image, geometry, norm)
            axes.set_title(one.title, fontsize=10)
            axes.text(0.5, -0.02, _math(one.caption), transform=axes.transAxes, ha="center", va="top", fontsize=10)
        colour_bar(figure, cells, list(panels), "Charge [MIP$_\\mathrm{T}$]")
        write_sign(panels[0], Sign(sheet.sign.experiment, sheet.sign.origin), top=1.0)
        rows = [
            {"cell": cell, **{d.title: float(i[cell]) for d, i in zip(displays, images, strict=True)}}
            for cell in range(geometry.cells)
        ]
        return sheet.finish(figure, label, name, rows)


def leave_room(figure: Figure) -> None:
    """Leave room above and below axes without frames: their titles are no part of a layout."""
    figure.set_layout_engine("constrained", rect=(0.0, 0.07, 1.0, 0.84))


def colour_bar(figure: Figure, cells: PolyCollection, axes: Axes | list[Axes], label: str) -> None:
    """Put the scale of cells beside axes."""
    bar = figure.colorbar(cells, ax=axes, shrink=0.8, label=label, pad=0.02)
    bar.ax.tick_params(labelsize=9)


def _math(text: str) -> str:
    return text.replace("MIP_T", "MIP$_\\mathrm{T}$")
