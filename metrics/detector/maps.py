"""Maps of a detector: a panel per layer, a hexagon per module, coloured by a class or by a number."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from econ_ae.errors import DataError
from metrics.sheet import Sheet, in_mathtext

FloatArray = NDArray[np.float64]

_PLAIN = Sheet()
_PER_ROW = 7
_DPI = 110
_PANEL = 1.9  # inches
_PALETTE = (
    "#c8102e",
    "#1f5fbf",
    "#e08a00",
    "#2a7f62",
    "#7a3fa0",
    "#00798c",
    "#8a6d00",
    "#77777f",
    "#a23b72",
    "#222222",
)


@dataclass(frozen=True, eq=False)
class Places:
    """Where modules are.

    Parameters
    ----------
    layer : int64 (n,)
    x, y : float64 (n,), cm, centre of the module of every image
    """

    layer: NDArray[np.int64]
    x: FloatArray
    y: FloatArray

    def modules(self) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return every module once, float64 (m, 3) with layer, x and y, and which one each image is of, int64 (n,)."""
        key = np.stack([self.layer.astype(np.float64), np.round(self.x, 1), np.round(self.y, 1)], axis=1)
        modules, which = np.unique(key, axis=0, return_inverse=True)
        return modules, which.reshape(-1)


def averages(places: Places, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return modules, float64 (m, 3), and the mean of their defined values, float64 (m,); NaN where there is none."""
    modules, which = places.modules()
    ok = np.isfinite(values)
    count = np.bincount(which[ok], minlength=len(modules))
    total = np.bincount(which[ok], values[ok], minlength=len(modules))
    return modules, np.divide(total, count, out=np.full(len(modules), np.nan), where=count > 0)


def of_numbers(
    modules: FloatArray, values: FloatArray, label: str, *, name: str = "map", sheet: Sheet = _PLAIN
) -> bytes:
    """Return a map of numbers above 0 in logarithmic colours, PNG, and write its files as ``name``.

    Modules without a number are grey.
    """
    good = values[np.isfinite(values) & (values > 0)]
    if not len(good):
        raise DataError(f"a map of {label} needs at least one module with a number above 0")
    low, high = np.quantile(good, (0.01, 0.99)).tolist()
    norm = LogNorm(low, high, clip=True)
    colours = mpl.colormaps["viridis"](norm(np.where(np.isfinite(values), np.maximum(values, good.min()), good.min())))
    colours[~np.isfinite(values)] = (0.85, 0.85, 0.85, 1.0)
    figure, panels = _panels(modules, colours)
    scale = mpl.cm.ScalarMappable(norm, "viridis")
    figure.colorbar(scale, ax=panels, label=label, fraction=0.02, pad=0.01)
    return _finish(figure, modules, {label: values.tolist()}, name, sheet)


def of_names(
    modules: FloatArray,
    names: Sequence[str],
    order: Sequence[str],
    label: str,
    *,
    name: str = "map",
    sheet: Sheet = _PLAIN,
) -> bytes:
    """Return a map of names, one colour each in ``order``, PNG, and write its files as ``name``."""
    missing = sorted(set(names) - set(order))
    if missing or len(order) > len(_PALETTE):
        raise DataError(f"a map of {label} has colours for {len(_PALETTE)} names; {missing or list(order)} do not fit")
    palette: Mapping[str, str] = dict(zip(order, _PALETTE, strict=False))
    colours = ListedColormap([palette[one] for one in names])(np.arange(len(names)))
    figure, _ = _panels(modules, colours)
    handles = [Patch(color=palette[one], label=one) for one in order if one in set(names)]
    figure.legend(handles=handles, title=label, loc="outside lower center", ncols=min(len(handles), 5))
    return _finish(figure, modules, {label: list(names)}, name, sheet)


def data_uri(png: bytes) -> str:
    """Return a picture as a ``data:`` address."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _panels(modules: FloatArray, colours: FloatArray) -> tuple[Figure, list[Axes]]:
    layers = np.unique(modules[:, 0])
    columns = min(_PER_ROW, len(layers))
    rows = -(-len(layers) // columns)
    figure = Figure(figsize=(_PANEL * columns + 0.9, (_PANEL + 0.15) * rows + 0.6), layout="constrained", dpi=_DPI)
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    hexagon, reach = _hexagon(modules), float(np.abs(modules[:, 1:]).max()) + 10
    for axes in grid:
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axes.set_axis_off()
    for axes, layer in zip(grid, layers, strict=False):
        here = modules[:, 0] == layer
        corners = list(modules[here, None, 1:] + hexagon)
        axes.add_collection(PolyCollection(corners, facecolors=colours[here], linewidths=0))
        axes.set_title(f"layer {layer:.0f}", fontsize=8, pad=1)
    return figure, grid


def _hexagon(modules: FloatArray) -> FloatArray:
    """Return the corners of a module around its centre, (6, 2): the lattice's cell, by the nearest neighbours."""
    first = modules[modules[:, 0] == modules[len(modules) // 2, 0]][:, 1:]
    step = first[:, None] - first[None]
    distance = np.hypot(step[..., 0], step[..., 1])
    distance[distance < 1.0] = np.inf
    if not np.isfinite(distance).any():
        pitch, angle = 16.74, 0.0  # one module alone: its pitch, in any direction
    else:
        i, j = np.unravel_index(int(distance.argmin()), distance.shape)
        pitch, angle = float(distance[i, j]), float(np.arctan2(step[i, j, 1], step[i, j, 0]))
    corners = angle + np.pi / 6 + np.arange(6) * np.pi / 3
    return pitch / np.sqrt(3) * np.stack([np.cos(corners), np.sin(corners)], axis=1)


def _finish(
    figure: Figure, modules: FloatArray, values: Mapping[str, Sequence[object]], name: str, sheet: Sheet
) -> bytes:
    """Sign a map, write its files where it has some, and return it as PNG."""
    sign = sheet.sign
    told = [text for text in (in_mathtext(sign.experiment, "bf"), in_mathtext(sign.origin, "it"), sign.count) if text]
    if told:
        figure.suptitle("  ".join(told), x=0.01, ha="left", fontsize=11)
    if sheet.folder is not None:
        (key, found), *_ = values.items()
        rows = [
            {"layer": int(layer), "x_cm": x, "y_cm": y, key: value}
            for (layer, x, y), value in zip(modules.tolist(), found, strict=True)
        ]
        sheet.write_files(figure, name, rows)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
