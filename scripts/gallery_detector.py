"""Pictures of the detector: an endcap, showers by layer, a map of all modules, a trigger's turn-on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.patches import Circle
from numpy.typing import NDArray

from econ_ae.data.readers.event_images import SECTIONS
from econ_ae.data.whole_events import WholeEvents
from metrics.detector import maps
from metrics.detector.maps import Places
from metrics.figure import new_figure
from metrics.sheet import Sheet, Sign, sign_axes
from metrics.trigger.curves import Line, Plot
from metrics.trigger.figures import draw

_CONE, _BIN = 0.05, 0.025
FloatArray = NDArray[np.float64]
CE_E = SECTIONS["CE-E"][1]
_LABELS = {
    "all": "all cells",
    "abc": "adaptive precision",
    "bc": "best choice, plain",
    "stc": "super trigger cells",
    "ts": "threshold sum",
    "gencampaign": "our encoders",
}


def endcap(whole: WholeEvents, sheet: Sheet) -> None:
    """Draw every trigger cell of CE-E of one side of one event, all layers on top of each other."""
    event = int(whole.event[0])
    here = (whole.event == event) & (whole.zside > 0) & (np.asarray(whole.batch.metadata["layer"]) < CE_E)
    one = whole[here]
    x, y, z = one.cell_positions()
    energy = one.batch.charges * one.gev_per_count[:, None]
    transverse = energy * np.hypot(x, y) / np.sqrt(x**2 + y**2 + z**2)
    filled = transverse > 0.02
    order = np.argsort(transverse[filled])
    with new_figure(7.0, 6.4) as (figure, axes):
        drawn = axes.scatter(
            x[filled][order], y[filled][order], c=transverse[filled][order], s=5, marker="h", linewidths=0,
            cmap="magma_r", norm=LogNorm(0.02, float(transverse.max())),
        )  # fmt: skip
        figure.colorbar(drawn, ax=axes, label="Cell $p_{\\mathrm{T}}$ [GeV]", pad=0.02)
        axes.set(xlabel="x [cm]", ylabel="y [cm]", aspect="equal")
        best = np.unravel_index(int(transverse.argmax()), transverse.shape)
        axes.add_patch(Circle((x[best], y[best]), 8.0, fill=False, edgecolor="#00798c", linewidth=1.6))
        count = Sign(sheet.sign.experiment, sheet.sign.origin, int(filled.sum()), "trigger cells above 20 MeV")
        sign_axes(axes, count)
        rows = [
            {"x_cm": float(a), "y_cm": float(b), "pt_gev": float(c)}
            for a, b, c in zip(x[filled], y[filled], transverse[filled], strict=True)
        ]
        sheet.finish(figure, "one endcap", "gallery_endcap", rows)


def showers(whole: WholeEvents, sheet: Sheet) -> None:
    """Draw the energy by layer around the hottest direction of each side of every shown event."""
    lines = []
    for event in np.unique(whole.event):
        for side in (-1, 1):
            one = whole[(whole.event == event) & (whole.zside == side)]
            x, y, z = one.cell_positions()
            energy = one.batch.charges * one.gev_per_count[:, None]
            layer = np.asarray(one.batch.metadata["layer"], np.int64)
            transverse = energy * np.hypot(x, y) / np.sqrt(x**2 + y**2 + z**2)
            transverse[layer >= CE_E] = 0
            eta, phi = _hottest(x / np.abs(z), y / np.abs(z), transverse)
            turn = np.angle(np.exp(1j * (np.arctan2(y, x) - phi)))
            near = np.hypot(np.arcsinh(np.abs(z) / np.hypot(x, y)) - eta, turn) < _CONE
            profile = np.bincount(layer, (energy * near).sum(axis=1), minlength=CE_E)[:CE_E]
            lines.append((f"event {event}, side {side:+d}", profile))
    number = 2 * np.arange(CE_E) + 1
    with new_figure(6.4, 4.4) as (figure, axes):
        for _, profile in lines:
            axes.step(number, profile, where="mid", color="#c8102e", alpha=0.35, linewidth=1.1)
        mean = np.mean([profile for _, profile in lines], axis=0)
        axes.step(number, mean, where="mid", color="#111111", linewidth=2.2, label="mean")
        axes.set(xlabel="Detector layer of CE-E", ylabel="Energy within $\\Delta R$ = 0.05 [GeV]", yscale="log")
        axes.set_ylim(bottom=0.3)
        axes.legend(loc="lower right")
        sign_axes(axes, Sign(sheet.sign.experiment, sheet.sign.origin, len(lines), "hottest directions"))
        rows = [
            {"shower": name, "layer": int(n), "gev": float(e)}
            for name, profile in lines
            for n, e in zip(number, profile, strict=True)
        ]
        sheet.finish(figure, "energy by layer", "gallery_shower", rows)


def _hottest(u: FloatArray, v: FloatArray, transverse: FloatArray) -> tuple[float, float]:
    """Return absolute eta and phi of where most transverse energy of all layers is close together.

    Parameters
    ----------
    u, v : x and y over the absolute z of every cell
    """
    edges = np.arange(-0.6, 0.6 + _BIN, _BIN)
    sums, *_ = np.histogram2d(u.ravel(), v.ravel(), (edges, edges), weights=transverse.ravel())
    i, j = np.unravel_index(int(sums.argmax()), sums.shape)
    inside = (np.digitize(u, edges) - 1 == i) & (np.digitize(v, edges) - 1 == j)
    mean = [np.average(one[inside], weights=transverse[inside]) for one in (u, v)]
    return float(np.arcsinh(1 / np.hypot(*mean))), float(np.arctan2(mean[1], mean[0]))


def occupancy(whole: WholeEvents, sheet: Sheet) -> None:
    """Draw the mean number of trigger cells with charge of every module of both sides, a panel per layer."""
    columns = whole.batch.metadata
    filled = np.count_nonzero(whole.batch.charges, axis=1).astype(np.float64)
    places = Places(np.asarray(columns["layer"], np.int64), whole.x_cm, whole.y_cm)
    modules, mean = maps.averages(places, filled)
    events = len(np.unique(whole.event))
    sign = Sign(sheet.sign.experiment, sheet.sign.origin, events)
    label = "Trigger cells with charge, mean of both sides"
    maps.of_numbers(modules, mean, label, name="gallery_map", sheet=Sheet(sign, sheet.folder))


def turn_on(folder: Path, sheet: Sheet) -> None:
    """Draw the turn-on that `econ-ae physics` measured and wrote as CSV."""
    with (folder / "plots" / "generated-turn_on.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lines = []
    for name in _LABELS:
        here = [row for row in rows if row["algorithm"] == name]
        if here:
            x, y, error = (np.array([float(row[key]) for row in here]) for key in ("x", "y", "error"))
            lines.append(Line(name, x, y, error))
    plot = Plot("gallery_turn_on", "", "true electron pT [GeV]", "efficiency of a 20 GeV threshold", lines, "points")
    draw(plot, _LABELS, sheet.folder, "", Sign(sheet.sign.experiment, "Synthetic"))
