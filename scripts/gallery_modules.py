"""Pictures of single modules: what codes make of an image, how charge is moved, what a bit buys."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import Reconstruction
from metrics.emd import emd
from metrics.figure import figure_of
from metrics.plots import RatePoint, rate_plot
from metrics.sheet import Sheet, Sign, write_sign
from metrics.wafer import Display
from metrics.wafer_plot import charge_norm, colour_bar, draw_wafer, event_plot, leave_room

_LINKS = 3
_CODES = (("abc", "enumerated"), ("bc", "filled"), ("stc4x4", "plain"))
Images = NDArray[np.int64]


def _busy(images: Images) -> int:
    """Return the image of most charge among those with 24 cells at least."""
    return int(np.argmax(images.sum(axis=1) * ((images > 0).sum(axis=1) >= 24)))


def _code(sent: Sequence[Reconstruction], algorithm: str, variant: str) -> Reconstruction:
    return next(r for r in sent if (r.algorithm, r.variant, r.elinks) == (algorithm, variant, _LINKS))


def event(images: Images, sent: Sequence[Reconstruction], sheet: Sheet) -> None:
    """Draw one image and what three codes make of it on three eLinks."""
    row = _busy(images)
    shown = [Display("sent", f"{images[row].sum() / MIP_COUNTS:.0f} MIP_T", images[row].astype(np.float64))]
    for algorithm, variant in _CODES:
        one = _code(sent, algorithm, variant)
        image = np.asarray(one.charges[row], np.float64)
        distance = emd(images[row][None], image[None], MODULE).values[0]
        shown.append(Display(f"{one.name} ({variant})", f"EMD {distance:.2f}", image))
    event_plot(shown, MODULE, sheet, "gallery_event", "a module before and after three codes")


def transport(images: Images, sent: Sequence[Reconstruction], sheet: Sheet) -> None:
    """Draw the cheapest way of moving the charge of one image into another, which is what the EMD counts."""
    for backend in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"):
        os.environ[f"POT_BACKEND_DISABLE_{backend}"] = "1"
    ot = importlib.import_module("ot")  # it reads these variables when it is imported
    row = _busy(images)
    one = _code(sent, "stc4x4", "plain")
    before = images[row] / images[row].sum()
    after = np.asarray(one.charges[row], np.float64)
    after = after / after.sum()
    plan = ot.emd(before, after, MODULE.distance)
    distance = float((plan * MODULE.distance).sum())
    with figure_of(7.4, 4.2) as figure:
        leave_room(figure)
        panels = figure.subplots(1, 2)
        norm = charge_norm(before, float(max(before.max(), after.max())))
        for axes, image, title in zip(panels, (before, after), ("sent", f"{one.name} on {_LINKS} eLinks"), strict=True):
            cells = draw_wafer(axes, image, MODULE, norm)
            axes.set_title(title, fontsize=11)
        for start, end in np.argwhere(plan > 1e-4):
            if start != end:
                style = {
                    "arrowstyle": "-|>",
                    "color": "#00798c",
                    "lw": 0.5 + 9 * float(np.sqrt(plan[start, end])),
                    "alpha": 0.85,
                }
                panels[1].annotate("", MODULE.xy[end], MODULE.xy[start], arrowprops=style)
        panels[1].text(
            0.5, -0.02, f"EMD {distance:.2f} half cell pitches", transform=panels[1].transAxes, ha="center", va="top"
        )
        colour_bar(figure, cells, list(panels), "Fraction of the charge")
        write_sign(panels[0], sheet.sign, top=1.0)
        rows = [
            {"from": int(a), "to": int(b), "fraction": float(plan[a, b]), "distance": float(MODULE.distance[a, b])}
            for a, b in np.argwhere(plan > 0)
        ]
        sheet.finish(figure, "transport of charge", "gallery_transport", rows)


def rates(images: Images, sent: Sequence[Reconstruction], sheet: Sheet) -> None:
    """Draw the mean EMD of the codes against the bits of their frames."""
    points = []
    for one in sent:
        found = emd(images, np.asarray(one.charges), MODULE).of_defined
        error = float(found.std(ddof=1) / np.sqrt(len(found)))
        label = f"{one.name} ({one.variant})" if one.variant else one.name
        points.append(
            RatePoint(one.algorithm, one.variant, label, float(one.frame_bits or 0.0), float(found.mean()), error)
        )
    sign = Sign(sheet.sign.experiment, sheet.sign.origin, len(images), "module images")
    rate_plot(points, name="gallery_rates", sheet=Sheet(sign, sheet.folder))
