"""Curves of EMD over a condition, with old and retrained weights: where a retraining begins to be worth it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from econ_ae.errors import DataError
from metrics.figure import EMD_LABEL
from metrics.sheet import Row, Sheet, sign_axes
from metrics.statistics import Measured

LEAST = 1e-3
"""Part of the EMD that a gain must be at least, to count at all."""
_PLAIN = Sheet()
_DPI = 110
_PANEL = (4.2, 3.2)  # inches
_COLOURS = ("#c8102e", "#1f5fbf", "#e08a00", "#2a7f62", "#7a3fa0", "#00798c", "#8a6d00", "#77777f")


@dataclass(frozen=True)
class Curve:
    """EMD of one encoder over one condition.

    Parameters
    ----------
    name : of the encoder or its class
    axis : the condition, in words
    values : of the condition, rising; the first one is none at all
    old, new : mean EMD with the old and the retrained weights
    gain : old minus new, on the same images

    Raises
    ------
    DataError
        When the numbers of values differ, or they do not rise.
    """

    name: str
    axis: str
    values: tuple[float, ...]
    old: tuple[Measured, ...]
    new: tuple[Measured, ...]
    gain: tuple[Measured, ...]

    def __post_init__(self) -> None:
        if {len(self.old), len(self.new), len(self.gain)} != {len(self.values)} or len(self.values) < 2:
            raise DataError(f"{self.name}, {self.axis}: {len(self.values)} values; expected as many EMDs, two at least")
        if any(b <= a for a, b in zip(self.values[1:], self.values[2:], strict=False)):
            raise DataError(f"{self.name}, {self.axis}: values {self.values} do not rise")


@dataclass(frozen=True)
class Verdict:
    """Where a retraining begins to be worth it.

    Parameters
    ----------
    value : the smallest value of the condition; None where it is not worth it anywhere
    most : the largest value that was looked at
    gain : there; None without a value
    control : gain of the same retraining without the condition
    """

    name: str
    axis: str
    value: float | None
    most: float
    gain: Measured | None
    control: Measured


def verdict(curve: Curve, sigma: float) -> Verdict:
    """Return the smallest condition at which retraining gains more than ``sigma`` errors.

    It must gain that also beyond what the same retraining gains without the condition: training longer alone may help.
    A gain without a known error (of one event), or of less than a thousandth of the EMD, never counts.
    """
    control = curve.gain[0]
    most = max(curve.values)
    for value, gain, old in zip(curve.values[1:], curve.gain[1:], curve.old[1:], strict=True):
        both = math.hypot(gain.error, control.error)
        if gain.value > max(sigma * gain.error, LEAST * old.value) and gain.value - control.value > sigma * both:
            return Verdict(curve.name, curve.axis, value, most, gain, control)
    return Verdict(curve.name, curve.axis, None, most, None, control)


def picture(curves: Sequence[Curve], sheet: Sheet = _PLAIN, name: str = "drift") -> bytes:
    """Return EMD over every condition, a panel each, old weights dashed and retrained ones full, PNG.

    Parameters
    ----------
    sheet : what the panels say of themselves, and where the files go
    name : of the files
    """
    axes_names = list(dict.fromkeys(curve.axis for curve in curves))
    names = list(dict.fromkeys(curve.name for curve in curves))
    size = (_PANEL[0] * len(axes_names), _PANEL[1])
    figure = Figure(figsize=size, layout="constrained", dpi=_DPI)
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(axes_names), squeeze=False).flatten().tolist()
    for panel, axis in zip(panels, axes_names, strict=True):
        for curve in (curve for curve in curves if curve.axis == axis):
            colour = _COLOURS[names.index(curve.name) % len(_COLOURS)]
            for means, style, label in ((curve.old, "--", None), (curve.new, "-", curve.name)):
                errors = np.nan_to_num([mean.error for mean in means])
                heights = [mean.value for mean in means]
                panel.errorbar(curve.values, heights, errors, linestyle=style, color=colour, label=label, capsize=2)
        panel.set(xlabel=axis, ylabel=f"Mean {EMD_LABEL}", ylim=(0, None))
        panel.legend(fontsize=7, loc="lower right")
        sign_axes(panel, sheet.sign)
    sheet.write_files(figure, name, _rows(curves))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _rows(curves: Sequence[Curve]) -> list[Row]:
    return [
        {
            "encoder": curve.name,
            "condition": curve.axis,
            "value": value,
            **{
                f"{name}{what}": number
                for name, mean in (("old", old), ("new", new), ("gain", gain))
                for what, number in (("", mean.value), ("_error", mean.error))
            },
        }
        for curve in curves
        for value, old, new, gain in zip(curve.values, curve.old, curve.new, curve.gain, strict=True)
    ]
