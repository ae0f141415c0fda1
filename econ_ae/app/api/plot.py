"""Plots for notebooks and talks: every function draws into axes and returns them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from econ_ae.app.api.comparison import Comparison
from econ_ae.errors import DataError
from econ_ae.extras import naming_extras
from econ_ae.geometry import LOW_DENSITY, WaferGeometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL: dict[str, Any] = {"fontsize": 10, "ha": "left", "va": "top"}


@naming_extras()
def wafer(
    charges: ArrayLike,
    axes: Axes | None = None,
    *,
    geometry: WaferGeometry = LOW_DENSITY,
    full_scale: float | None = None,
    numbers: bool = False,
    title: str = "",
    label: str = "charge [CALQ counts]",
) -> Axes:
    """Draw one image as the module's trigger cells, with a colour bar of its unit.

    Parameters
    ----------
    charges : (cells,), not negative
    axes : None makes a figure
    full_scale : charge of the darkest colour; None takes the image's largest. The scale is logarithmic where charges
        span decades
    numbers : write the cells' numbers
    title : inside the axes
    label : of the colour bar; empty for none
    """
    from metrics.wafer_plot import charge_norm, colour_bar, draw_wafer

    values = np.asarray(charges, np.float64)
    axes = _axes(axes, (4.6, 4.2))
    norm = charge_norm(values, full_scale or float(values.max(initial=0.0)) or 1.0)
    cells = draw_wafer(axes, values, geometry, norm, numbers=numbers)
    if title:
        axes.text(0.0, 1.0, title, transform=axes.transAxes, **_LABEL)
    if label:
        colour_bar(cast("Figure", axes.figure), cells, axes, label)
    return axes


@naming_extras()
def compare(
    images: Mapping[str, ArrayLike],
    axes: np.ndarray[Any, Any] | None = None,
    *,
    geometry: WaferGeometry = LOW_DENSITY,
    distances: bool = True,
) -> np.ndarray[Any, Any]:
    """Draw images side by side on one colour scale, the first one being what was sent; return the axes (images,).

    Parameters
    ----------
    images : charges (cells,) by title
    axes : as many axes; None makes a figure
    distances : write the exact EMD to the first image under the others
    """
    from metrics.emd import emd

    if not images:
        raise DataError("no image to compare; give charges by title")
    names, values = list(images), [np.asarray(one, np.float64) for one in images.values()]
    if axes is None:
        from matplotlib import pyplot

        _, found = pyplot.subplots(1, len(names), figsize=(3.6 * len(names), 3.8), squeeze=False, layout="constrained")
        axes = found[0]
    if len(axes) != len(names):
        raise DataError(f"{len(axes)} axes for {len(names)} images; expected one each")
    top = max(float(one.max()) for one in values)
    for i, (name, one) in enumerate(zip(names, values, strict=True)):
        text = name
        if distances and i:
            found_emd = emd(values[0][None], one[None], geometry)
            text += f"\nEMD {found_emd.values[0]:.3f}" if found_emd.defined[0] else "\nEMD undefined"
        last = i == len(names) - 1
        wafer(one, axes[i], geometry=geometry, full_scale=top, title=text, label="charge [CALQ counts]" if last else "")
    return axes


@naming_extras()
def rate_distortion(comparison: Comparison, axes: Axes | None = None, *, experiment: str = "") -> Axes:
    """Draw the mean EMD of a comparison against the bits of a frame; the repeater, far from all, is a line of text.

    Parameters
    ----------
    axes : None makes a figure
    experiment : in bold inside the axes, before what the events are: synthetic, or of a simulation
    """
    from metrics.figure import EMD_LABEL, log_if_wide, style_of
    from metrics.sheet import Sign, origin, sign_axes

    everything = sorted(comparison, key=lambda row: row.key != "ae")
    rows = [row for row in everything if row.frame_bits and row.emd > 0 and row.key != "rpt"]
    if not rows:
        raise DataError("no row of this comparison has bits and an EMD above 0")
    axes = _axes(axes, (8.4, 4.6))
    for name, variant in dict.fromkeys((row.algorithm, row.variant) for row in rows):
        line = sorted((r for r in rows if (r.algorithm, r.variant) == (name, variant)), key=lambda r: r.frame_bits or 0)
        axes.errorbar(
            [float(row.frame_bits or 0) for row in line],
            [row.emd for row in line],
            yerr=[row.error for row in line],
            label=f"{name}, {variant}" if variant else name,
            zorder=4 if line[0].key == "ae" else 3,
            **style_of(line[0].key, variant),
        )
    axes.set(xlabel="Bits of a frame per bunch crossing", ylabel=f"Mean {EMD_LABEL}")
    log_if_wide(axes, [row.emd for row in rows])
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    for row in (one for one in everything if one.key == "rpt" and one.emd > 0):  # it would squeeze all others
        text = f"{row.algorithm}: EMD {row.emd:.3f} at {row.frame_bits or 0:.0f} bits \u2192"
        axes.text(0.02, 0.03, text, transform=axes.transAxes, va="bottom", fontsize=8, color="#444b57")
    sign_axes(axes, Sign(experiment, origin(synthetic=comparison.synthetic)))
    return axes


def _axes(axes: Axes | None, size: tuple[float, float]) -> Axes:
    if axes is not None:
        return axes
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]
