"""Generated images against the public sample: table on the terminal, figure in FILE.

Usage: ``python benchmarks/compare_synthetic.py [FIGURE.png]``. Needs the reference data beside the checkout; the
Pythia column needs the optional package pythia8mc.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from econ_ae.data import pythia
from econ_ae.data.batch import Batch
from econ_ae.data.readers import read
from econ_ae.data.synthetic import Electronics, Parameters, Signal, generate
from econ_ae.geometry import LOW_DENSITY as MODULE
from metrics.baselines import best_choice
from metrics.emd import emd

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "hgcal_pu200_eportrx.csv"
EVENTS = 12_000
REPORTED = 2000
# The sample names neither its module nor its units. Its smallest charge is 68 counts: the threshold in MIPs follows, if
# a MIP is 35 counts before calibration. The module is the one of the scan below that is nearest to it.
FILE_UNITS = Electronics(threshold_mip=67 / 35, calibrated=False)
LIKE_THE_FILE = "13:5,3"
SCANNED = ("7:5,3", "9:5,3", "11:5,3", "13:5,3", "15:5,3", "7:5,1", "9:5,1", "11:5,1", "13:5,1", "11:5,2", "11:6,3")


def figures(batch: Batch) -> dict[str, str]:
    lit = batch[batch.total > 0]
    hit, total = lit.charges > 0, lit.total
    share = np.sort(lit.charges / total[:, None], axis=1)
    correlation = np.corrcoef(hit.T.astype(float))
    near = (MODULE.distance > 0) & (MODULE.distance < 2.3)
    charges, last = lit.charges[hit], lit.charges[-REPORTED:].astype(float)
    level = np.percentile(total, [1, 50, 99])

    def mean_emd(image: np.ndarray) -> str:
        return f"{emd(last, image, MODULE).values.mean():.3f}"

    def filled(cells: int) -> str:
        return mean_emd(best_choice(last, cells, fill=True))

    return {
        "occupied cells of 48, mean and deviation": f"{lit.occupancy.mean():.2f}, {lit.occupancy.std():.2f}",
        "images with at most 24 occupied cells": f"{100 * (batch.occupancy <= 24).mean():.1f} %",
        "cells above 35 counts, mean": f"{(lit.charges > 35).sum(axis=1).mean():.2f}",
        "images with at most 24 of these": f"{100 * ((batch.charges > 35).sum(axis=1) <= 24).mean():.1f} %",
        "images without charge": f"{100 * (batch.total == 0).mean():.2f} %",
        "log10 of the total charge, mean, deviation": f"{np.log10(total).mean():.3f}, {np.log10(total).std():.3f}",
        "total charge, 1 / 50 / 99 %": " / ".join(f"{q:.0f}" for q in level),
        "charge of a hit, 5 / 50 / 95 / 99 %": " / ".join(f"{q:.0f}" for q in np.percentile(charges, [5, 50, 95, 99])),
        "share of the largest cell, mean, 99 %": f"{share[:, -1].mean():.3f}, {np.percentile(share[:, -1], 99):.2f}",
        "share of the four largest, mean": f"{share[:, -4:].sum(axis=1).mean():.3f}",
        "occupancy of a cell, lowest and highest": f"{hit.mean(axis=0).min():.2f}, {hit.mean(axis=0).max():.2f}",
        "correlation of hits in neighbouring cells": f"{correlation[near].mean():.3f}",
        "the same over all pairs of cells": f"{correlation[~np.eye(48, dtype=bool)].mean():.3f}",
        "mean EMD, flat image": mean_emd(np.ones(last.shape)),
        "mean EMD, 4 / 6 / 9 / 14 largest cells, filled": " / ".join(filled(cells) for cells in (4, 6, 9, 14)),
    }


def like_the_file(modules: str, events: int = EVENTS) -> Batch:
    return generate(events, 1, parameters=Parameters(modules, signal=Signal(share=0), electronics=FILE_UNITS))


def scan(real: Batch) -> None:
    print(f"\n| module | {' | '.join(names := list(figures(real))[:1] + list(figures(real))[5:6])} |\n|---|---|---|")
    for name, batch in {"sample": real, **{m: like_the_file(m, 4000) for m in SCANNED}}.items():
        row = figures(batch)
        print(f"| {name} | {' | '.join(row[key] for key in names)} |")


def draw(samples: dict[str, Batch], path: Path) -> None:
    mpl.rcParams["font.size"] = 8
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots(2, 3)
    colours = ["black", "#c8102e", "#1f5fbf"]
    panels = {
        "occupied trigger cells": (lambda b: b.occupancy, np.arange(-0.5, 49), False),
        "log10(total charge / counts)": (lambda b: np.log10(np.maximum(b.total, 1)), np.linspace(2, 5, 61), False),
        "charge of a hit [counts]": (lambda b: b.charges[b.charges > 0], np.geomspace(60, 2e4, 40), True),
        "share of the largest cell": (
            lambda b: b.charges.max(axis=1) / np.maximum(b.total, 1),
            np.linspace(0, 1, 51),
            False,
        ),
    }
    for ax, (title, (variable, bins, logarithmic)) in zip(axes.flat, panels.items(), strict=False):
        for (name, batch), colour in zip(samples.items(), colours, strict=False):
            values = variable(batch)
            ax.hist(
                values, bins, weights=np.full(len(values), 1 / len(batch)), histtype="step", color=colour, label=name
            )
        ax.set_xlabel(title)
        ax.set_ylabel("per image")
        if logarithmic:
            ax.set_xscale("log")
            ax.set_yscale("log")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    for ax, (name, batch) in zip(axes.flat[4:], list(samples.items())[:2], strict=True):
        occupancy_map(ax, batch, f"occupancy of the cells: {name}")
    figure.savefig(path, dpi=90)


def occupancy_map(ax: Axes, batch: Batch, title: str) -> None:
    occupancy = (batch.charges > 0).mean(axis=0)
    cells = PolyCollection(list(MODULE.rhombi), array=occupancy, cmap="viridis", edgecolor="white", linewidth=0.5)
    cells.set_clim(0.2, 0.5)
    ax.add_collection(cells)
    ax.autoscale()
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(title, fontsize=8)
    assert ax.figure is not None
    ax.figure.colorbar(cells, ax=ax, shrink=0.8)


def main() -> None:
    real = read(REFERENCE)
    samples = {
        "public sample": real,
        f"generator, module {LIKE_THE_FILE}": like_the_file(LIKE_THE_FILE),
    }
    if find_spec("pythia8mc"):
        settings = pythia.PythiaParameters(LIKE_THE_FILE, signal="none", electronics=FILE_UNITS)
        samples[f"Pythia, module {LIKE_THE_FILE}"] = pythia.generate(6000, 1, parameters=settings)
    shown = {**samples, "generator, default": generate(EVENTS, 1)}
    table = {name: figures(batch) for name, batch in shown.items()}
    print(f"| quantity | {' | '.join(table)} |\n|---|{'---|' * len(table)}")
    for quantity in figures(real):
        print(f"| {quantity} | {' | '.join(column[quantity] for column in table.values())} |")
    scan(real)
    if len(sys.argv) > 1:
        draw(samples, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
