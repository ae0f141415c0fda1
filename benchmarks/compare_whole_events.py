"""Generated whole events against those of the full simulation: tables on the terminal, figures in DIRECTORY.

Usage: ``python benchmarks/compare_whole_events.py [DIRECTORY]``. Needs the reference data beside the checkout, of which
events 0 to 53 are read.

An electron is the hottest place of CE-E on a side, kept where both sides have one at the same abs(eta) and back to
back; its axis is the barycentre of layers 2 to 8. Pileup under it is what lies at the same distance from the beam,
turned by 60 to 300 degrees, and is subtracted. The truth is not used: the file has none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from econ_ae.data.synthetic.endcaps import PILEUP_200, EndcapParameters, generate
from econ_ae.data.synthetic.endcaps.layout import layout
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY, FloatArray

FILE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "cms_events" / "electrons_pu200.npz"
EVENTS, SEED = 54, 11
SHOWN = (0, 1, 2, 3, 4, 6, 8, 10, 12, 13, 15, 17, 19, 21, 23, 25, 27, 30, 33)
RADII = (40, 50, 60, 80, 100, 120, 150)
LAYERS, CE_E = 34, 13
NEAR_CM, AROUND_CM, BIN_CM, PLANE_CM = 3.5, 8.0, 2.5, 340.0
MIDDLE = (2, 8)  # layers of the axis
SAME_ETA, SAME_PHI = 0.06, 0.12
ET_BINS = ((10.0, 40.0), (40.0, 110.0))
PER_MIP = {300: 5.537, 200: 5.537 / 1.4817, 120: 5.537 / 2.5}
NAMES = ("full simulation", "generated")


@dataclass(frozen=True)
class Hits:
    """The cells with charge of one side of an event, seen from the interaction point; cm and GeV."""

    layer: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    z: FloatArray
    energy: FloatArray
    et: FloatArray

    def distance(self, axis: FloatArray) -> FloatArray:
        """Return how far from an axis (x / z, y / z) the cells are in their layers."""
        return np.asarray(np.hypot(self.x - axis[0] * self.z, self.y - axis[1] * self.z), np.float64)


@dataclass(frozen=True)
class Electron:
    """What is around an axis, pileup subtracted: by layer the energy within both radii, and the second moment."""

    eta: float
    phi: float
    et: float
    near: FloatArray
    around: FloatArray
    moment: FloatArray


def hits(events: WholeEvents, event: int, side: int) -> Hits:
    part = events[(events.event == event) & (events.zside == side)]
    image, cell = np.nonzero(part.batch.charges)
    x, y, z = (a[image, cell] for a in part.cell_positions())
    charges = part.batch.charges
    energy = charges[image, cell] * part.gev_per_count[image]
    layer = np.asarray(part.batch.metadata["layer"], np.int64)[image]
    return Hits(layer, side * x, y, side * z, energy, part.cell_et(charges)[image, cell])


def around(h: Hits, axis: FloatArray) -> FloatArray:
    """Return by layer energy near and around, second moment and transverse energy, float64 (4, layers)."""
    distance = h.distance(axis)
    wide = distance < AROUND_CM
    weights = (h.energy * (distance < NEAR_CM), h.energy * wide, h.energy * distance**2 * wide, h.et * wide)
    return np.stack([np.bincount(h.layer, w, LAYERS) for w in weights])


def hottest(h: Hits) -> FloatArray:
    """Return the axis through the hottest 3 x 3 bins of CE-E, moved to its barycentre."""
    cee = h.layer < CE_E
    edges = np.arange(-200, 200 + BIN_CM, BIN_CM) / PLANE_CM
    image, _, _ = np.histogram2d(h.x[cee] / h.z[cee], h.y[cee] / h.z[cee], [edges, edges], weights=h.et[cee])
    smooth = np.sum([np.roll(image, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    axis = edges[np.array(np.unravel_index(np.argmax(smooth), smooth.shape))] + BIN_CM / 2 / PLANE_CM
    middle = (h.layer >= MIDDLE[0]) & (h.layer <= MIDDLE[1])
    for reach in (AROUND_CM, 5.0, NEAR_CM):
        here = middle & (h.distance(axis) < reach)
        axis = np.average(np.stack([h.x, h.y])[:, here] / h.z[here], axis=1, weights=h.energy[here])
    return np.asarray(axis, np.float64)


def electron(h: Hits) -> Electron:
    axis = hottest(h)
    own, pileup = around(h, axis), []
    for turn in range(1, 6):
        c, s = np.cos(np.pi / 3 * turn), np.sin(np.pi / 3 * turn)
        pileup.append(around(h, np.array([[c, -s], [s, c]]) @ axis))
    left = own - np.mean(pileup, axis=0)
    eta, phi = float(np.arcsinh(1 / np.hypot(*axis))), float(np.arctan2(axis[1], axis[0]))
    return Electron(eta, phi, float(left[3, :CE_E].sum()), *left[:3])


def electrons(events: WholeEvents) -> list[tuple[Electron, Electron]]:
    """Return the pairs of all events where both sides agree."""
    pairs = []
    for event in events.events:
        one, other = (electron(hits(events, int(event), side)) for side in (1, -1))
        # x of the side -1 is mirrored: back to back is the opposite y.
        away = np.abs(np.angle(np.exp(1j * (one.phi + other.phi))))
        agree = abs(one.eta - other.eta) < SAME_ETA and away < SAME_PHI
        if agree and min(one.et, other.et) > ET_BINS[0][0]:
            pairs.append((one, other))
    return pairs


def by_radius(events: WholeEvents) -> tuple[FloatArray, FloatArray]:
    """Return occupancy and MIPs per cell by layer and radius, float64 (layers, radii) each."""
    modules = layout(LOW_DENSITY)
    place = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)) * CM_PER_UNIT
    number = modules.layers.number[modules.layer]
    radius = np.hypot(modules.x_cm[:, None] + place[:, 0], modules.y_cm[:, None] + place[:, 1])
    cells = 2 * len(events.events) * table(np.repeat(number, LOW_DENSITY.cells), radius.ravel(), np.ones(radius.size))
    x, y, _ = events.cell_positions()
    layer = np.repeat(np.asarray(events.batch.metadata["layer"], np.int64), LOW_DENSITY.cells)
    mips = (events.batch.charges / counts_per_mip(events)[:, None]).ravel()
    radius = np.hypot(x, y).ravel()
    cells = np.where(cells > 0, cells, np.nan)
    return table(layer, radius, (mips > 0).astype(float)) / cells, table(layer, radius, mips) / cells


def counts_per_mip(events: WholeEvents) -> FloatArray:
    thickness = np.asarray(events.batch.metadata["thickness"], np.int64)
    return np.select([thickness == um for um in PER_MIP], list(PER_MIP.values())).astype(np.float64)


def table(layer: NDArray[np.integer], radius: FloatArray, weights: FloatArray) -> FloatArray:
    edges = [np.arange(LAYERS + 1) - 0.5, np.array(RADII, float)]
    return np.asarray(np.histogram2d(layer.astype(float), radius, edges, weights=weights)[0], np.float64)


def images(events: WholeEvents) -> str:
    """Return figures of the images of CE-E: what an encoder sees."""
    cee = np.asarray(events.batch.metadata["layer"]) < CE_E
    batch, mips = events.batch[cee], (events.batch.charges / counts_per_mip(events)[:, None])[cee]
    occupancy, hit = batch.occupancy, mips[mips > 0]
    share = np.sort(mips, axis=1)[:, ::-1]
    four = (share[:, :4].sum(axis=1) / share.sum(axis=1)).mean()
    spectrum = " / ".join(f"{q:.2f}" for q in np.percentile(hit, (5, 25, 50, 75, 95, 99)))
    return (
        f"{len(batch) / len(events.events):.0f} | {occupancy.mean():.2f}, {occupancy.std():.2f} | "
        f"{(occupancy == 1).mean():.3f} | {(occupancy > 24).mean():.3f} | {spectrum} | {four:.3f}"
    )


def widths(chosen: Sequence[Electron]) -> FloatArray:
    """Return the lateral RMS about the axis by layer of CE-E, cm."""
    moment, energy = (np.sum([getattr(e, name) for e in chosen], axis=0)[:CE_E] for name in ("moment", "around"))
    return np.asarray(np.sqrt(np.maximum(moment, 0) / np.maximum(energy, 1e-9)), np.float64)


def shares(chosen: Sequence[Electron]) -> FloatArray:
    """Return the mean share of each layer of CE-E in the energy within NEAR_CM."""
    return np.asarray(np.mean([e.near[:CE_E] / e.near[:CE_E].sum() for e in chosen], axis=0), np.float64)


def report(name: str, pairs: Sequence[tuple[Electron, Electron]]) -> None:
    flat = [e for pair in pairs for e in pair]
    both = np.array([[a.et, b.et] for a, b in pairs])
    spread = np.sqrt(2) * np.abs(both[:, 0] - both[:, 1]) / both.sum(axis=1)
    hard = both.mean(axis=1) > 30
    quoted = ", ".join(f"{100 * q:.1f}" for q in np.percentile(spread[hard], (50, 68)))
    eta = np.array([abs(a.eta - b.eta) for a, b in pairs])
    print(f"\n{name}: {len(pairs)} pairs; two sides above 30 GeV: {quoted} % (50, 68 % of {hard.sum()}); "
          f"eta of the sides differs by {np.percentile(eta, 68):.4f}")  # fmt: skip
    for low, high in ET_BINS:
        chosen = [e for e in flat if low < e.et < high]
        share = np.array([e.near[:CE_E] / e.near[:CE_E].sum() for e in chosen])
        depth = share @ np.arange(CE_E)
        error = depth.std() / np.sqrt(len(chosen))
        inside = np.sum([e.near for e in chosen]) / np.sum([e.around for e in chosen])
        print(f"| {low:.0f}-{high:.0f} GeV | {len(chosen)} | {depth.mean():.2f} ± {error:.2f} | {depth.std():.2f} | "
              f"{inside:.3f} | {' / '.join(f'{100 * s:.1f}' for s in share.mean(axis=0)[:9])} | "
              f"{' / '.join(f'{w:.2f}' for w in widths(chosen)[1:9])} |")  # fmt: skip


def draw(radial: list[tuple[FloatArray, FloatArray]], found: list[list[tuple[Electron, Electron]]], path: Path) -> None:
    mpl.rcParams.update({"font.size": 8, "svg.hashsalt": "econ-ae"})
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots(2, 2)
    styles = ({"marker": "o", "linestyle": "none", "markersize": 3, "fillstyle": "none"}, {"linewidth": 1})
    for k, what in enumerate(("occupancy", "MIPs per cell")):
        for i in range(1, len(RADII) - 1):
            for (name, style), tables in zip(zip(NAMES, styles, strict=True), radial, strict=True):
                value = tables[k][:, i]
                there = np.flatnonzero(value > 0)
                label = f"{RADII[i]}-{RADII[i + 1]} cm" if name == NAMES[1] else None
                axes[0, k].plot(there, value[there], color=f"C{i}", label=label, **style)  # type: ignore[arg-type]
        axes[0, k].set(xlabel="trigger layer", ylabel=what, yscale="log")
    axes[0, 0].legend(frameon=False, ncols=2, title="points: full simulation")
    for j, (low, high) in enumerate(ET_BINS):
        for style, pairs in zip(styles, found, strict=True):
            chosen = [e for pair in pairs for e in pair if low < e.et < high]
            label = f"{low:.0f}-{high:.0f} GeV" if style is styles[1] else None
            axes[1, 0].plot(range(CE_E), 100 * shares(chosen), color=f"C{j}", label=label, **style)  # type: ignore[arg-type]
            axes[1, 1].plot(range(1, 10), widths(chosen)[1:10], color=f"C{j}", label=label, **style)  # type: ignore[arg-type]
    axes[1, 0].set(xlabel="trigger layer", ylabel="share of an electron's energy, %")
    axes[1, 1].set(xlabel="trigger layer", ylabel="lateral RMS within 8 cm, cm", ylim=(0, None))
    axes[1, 0].legend(frameon=False, title="transverse energy")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    samples = [from_npz(FILE, range(EVENTS)), generate(EVENTS, SEED, EndcapParameters(pileup=PILEUP_200))]
    radial = [by_radius(events) for events in samples]
    for k, what in enumerate(("occupancy", "MIPs per cell")):
        print(f"\n{what}, {NAMES[0]} / {NAMES[1]}\n| layer | {' | '.join(f'{r} cm' for r in RADII[:-1])} |")
        for n in SHOWN:
            values = zip(radial[0][k][n], radial[1][k][n], strict=True)
            print(f"| {n} | {' | '.join(f'{a:.3g} / {b:.3g}' for a, b in values)} |")
        ratio = radial[1][k] / radial[0][k]
        for section, part in (("CE-E", ratio[:CE_E]), ("13 to 25", ratio[CE_E:26]), ("from 26", ratio[26:])):
            low, middle, high = np.nanpercentile(part, (10, 50, 90))
            print(f"generated over simulated, {section}: {low:.2f}, {middle:.2f}, {high:.2f} (10, 50, 90 % of bins)")
    print("\n| CE-E | images | occupancy, mean and deviation | one hit | above 24 | MIPs of a hit | four largest |")
    for name, events in zip(NAMES, samples, strict=True):
        print(f"| {name} | {images(events)} |")
    found = [electrons(events) for events in samples]
    for name, pairs in zip(NAMES, found, strict=True):
        report(name, pairs)
    if len(sys.argv) > 1:
        draw(radial, found, Path(sys.argv[1]) / "whole_events.svg")


if __name__ == "__main__":
    main()
