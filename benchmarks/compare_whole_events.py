"""Generated whole events against those of the full simulation: tables on the terminal, figures in DIRECTORY.

Usage: ``python benchmarks/compare_whole_events.py [DIRECTORY]``. Needs the reference data beside the checkout, of which
events 0 to 53 are read.

An electron is the hottest place of CE-E on a side, kept where both sides have one at the same abs(eta) and back to
back; its axis is the barycentre of layers 2 to 8. Pileup under it is what lies at the same distance from the beam,
turned by 60 to 300 degrees, and is subtracted. The truth is not used: the file has none.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.endcaps import EndcapParameters, Gun, generate
from econ_ae.data.synthetic.endcaps.layers import COUNTS_PER_MIP
from econ_ae.data.synthetic.endcaps.layout import layout
from econ_ae.data.synthetic.endcaps.settings import PILEUP_200
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY, FloatArray

FILE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "cms_events" / "electrons_pu200.npz"
REAL_EVENTS, GENERATED_EVENTS = range(54), 54
SHOWN = (0, 1, 3, 6, 9, 12, 13, 17, 22, 27, 31)
RADII = np.array([40, 50, 60, 80, 100, 120, 150])
CE_E = 13
NEAR_CM, AROUND_CM, BIN_CM, PLANE_CM = 3.5, 8.0, 2.5, 340.0
PT_BINS = ((10, 30), (30, 60), (60, 110))
DEPTH = (CE_E + 1, AROUND_CM)


@dataclass(frozen=True)
class Hits:
    """The cells with charge of one side of one event, seen from the interaction point; lengths in cm, energies in GeV."""

    layer: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    z: FloatArray
    energy: FloatArray
    et: FloatArray


@dataclass(frozen=True)
class Electron:
    """What is around an axis, pileup subtracted: energy by layer within NEAR_CM, and moments within AROUND_CM."""

    eta: float
    phi: float
    et: float
    by_layer: FloatArray
    within: FloatArray  # energy by layer within AROUND_CM
    moment: FloatArray  # the same times the squared distance


def hits(events: WholeEvents, event: int, side: int) -> Hits:
    part = events[(events.event == event) & (events.zside == side)]
    image, cell = np.nonzero(part.batch.charges)
    x, y, z = (a[image, cell] for a in part.cell_positions())
    charges = part.batch.charges
    return Hits(
        np.asarray(part.batch.metadata["layer"], np.int64)[image], side * x, y, side * z,
        charges[image, cell] * part.gev_per_count[image], part.cell_et(charges)[image, cell],
    )  # fmt: skip


def around(h: Hits, axis: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return energies by layer within NEAR_CM and AROUND_CM, the second moment, and the transverse energy of CE-E."""
    distance = np.hypot(h.x - axis[0] * h.z, h.y - axis[1] * h.z)
    near, wide = distance < NEAR_CM, distance < AROUND_CM
    layers = 34
    cee = wide & (h.layer < CE_E)
    return (
        np.bincount(h.layer[near], h.energy[near], layers),
        np.bincount(h.layer[wide], h.energy[wide], layers),
        np.bincount(h.layer[wide], h.energy[wide] * distance[wide] ** 2, layers),
        float(h.et[cee].sum()),
    )


def electron(h: Hits) -> Electron:
    cee = h.layer < CE_E
    x, y = h.x[cee] / h.z[cee], h.y[cee] / h.z[cee]
    edges = np.arange(-200, 200 + BIN_CM, BIN_CM) / PLANE_CM
    image, _, _ = np.histogram2d(x, y, [edges, edges], weights=h.et[cee])
    smooth = sum(np.roll(image, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    i, j = np.unravel_index(np.argmax(smooth), smooth.shape)
    axis = np.array([edges[i], edges[j]]) + BIN_CM / 2 / PLANE_CM
    middle = (h.layer >= 2) & (h.layer <= 8)
    for reach in (AROUND_CM, 5.0, NEAR_CM):
        here = middle & (np.hypot(h.x - axis[0] * h.z, h.y - axis[1] * h.z) < reach)
        axis = np.array([np.average(h.x[here] / h.z[here], weights=h.energy[here]),
                         np.average(h.y[here] / h.z[here], weights=h.energy[here])])  # fmt: skip
    own, pileup = around(h, axis), []
    for turn in range(1, 6):
        c, s = np.cos(np.pi / 3 * turn), np.sin(np.pi / 3 * turn)
        pileup.append(around(h, np.array([c * axis[0] - s * axis[1], s * axis[0] + c * axis[1]])))
    left = [np.asarray(one) - np.mean([p[k] for p in pileup], axis=0) for k, one in enumerate(own)]
    eta = float(np.arcsinh(1 / np.hypot(*axis)))
    return Electron(eta, float(np.arctan2(axis[1], axis[0])), float(left[3]), *left[:3])


def electrons(events: WholeEvents) -> list[tuple[Electron, Electron]]:
    """Return the pairs of all events where both sides agree."""
    pairs = []
    for event in events.events:
        one, other = (electron(hits(events, int(event), side)) for side in (1, -1))
        # phi of the side -1 is mirrored: back to back is the same phi seen from the interaction point.
        turned = np.pi - other.phi
        away = np.abs(np.angle(np.exp(1j * (one.phi - turned - np.pi))))
        if abs(one.eta - other.eta) < 0.06 and away < 0.12 and min(one.et, other.et) > PT_BINS[0][0]:
            pairs.append((one, other))
    return pairs


def by_radius(events: WholeEvents, count: int) -> tuple[FloatArray, FloatArray]:
    """Return occupancy and MIPs per cell by layer and radius, (34, radii)."""
    modules = layout(LOW_DENSITY)
    place = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)) * CM_PER_UNIT
    number = modules.layers.number[modules.layer]
    radius = np.hypot(modules.x_cm[:, None] + place[:, 0], modules.y_cm[:, None] + place[:, 1])
    cells = _table(np.repeat(number, 48), radius.ravel(), None)
    x, y, _ = events.cell_positions()
    layer = np.repeat(np.asarray(events.batch.metadata["layer"], np.int64), 48)
    per_mip = COUNTS_PER_MIP * np.array([{300: 1, 200: 1 / 1.4817, 120: 0.4}[int(t)] for t in
                                         np.asarray(events.batch.metadata["thickness"])])  # fmt: skip
    mips = (events.batch.charges / per_mip[:, None]).ravel()
    radius = np.hypot(x, y).ravel()
    total = np.maximum(cells * 2 * count, 1)
    return _table(layer, radius, mips > 0) / total, _table(layer, radius, mips) / total


def _table(layer: NDArray[np.integer], radius: FloatArray, weights: NDArray[np.generic] | None) -> FloatArray:
    edges = [np.arange(35) - 0.5, RADII]
    return np.histogram2d(layer, radius, edges, weights=weights)[0]


def main() -> None:
    real = from_npz(FILE, REAL_EVENTS)
    made = generate(GENERATED_EVENTS, 1, EndcapParameters(pileup=PILEUP_200))
    samples = {"full simulation": real, "generated": made}
    radial = {name: by_radius(events, GENERATED_EVENTS) for name, events in samples.items()}
    for k, what in enumerate(("occupancy", "MIPs per cell")):
        print(f"\n{what}, full simulation / generated\n| layer |", " | ".join(map(str, RADII[:-1])), "cm |")
        for n in SHOWN:
            pairs = zip(radial["full simulation"][k][n], radial["generated"][k][n], strict=True)
            print(f"| {n} |", " | ".join(f"{a:.3f} / {b:.3f}" for a, b in pairs), "|")
        ratio = radial["generated"][k] / radial["full simulation"][k]
        print("ratio", np.round(np.nanmedian(ratio, axis=1), 2))
    found = {name: electrons(events) for name, events in samples.items()}
    for name, pairs in found.items():
        flat = [e for pair in pairs for e in pair]
        et = np.array([e.et for e in flat])
        both = np.array([[a.et, b.et] for a, b in pairs])
        spread = np.abs(both[:, 0] - both[:, 1]) / both.sum(axis=1) * np.sqrt(2)
        print(f"\n{name}: {len(pairs)} pairs; ET 50/75/90/95/100 %", np.round(np.percentile(et, (50, 75, 90, 95, 100)), 1),
              f"two sides differ by {100 * np.percentile(spread, 68):.1f} %")
        for low, high in PT_BINS:
            chosen = [e for e in flat if low < e.et < high]
            layer = np.mean([e.by_layer / e.within.sum() for e in chosen], axis=0)[: CE_E + 1]
            width = np.sqrt(np.maximum(np.sum([e.moment for e in chosen], axis=0), 0) / np.maximum(
                np.sum([e.within for e in chosen], axis=0), 1e-9))[:CE_E]
            core = (np.sum([e.by_layer for e in chosen], axis=0) / np.sum([e.within for e in chosen], axis=0))[:CE_E]
            print(f"{low}-{high}: {len(chosen)}\n  share", np.round(100 * layer, 1), "\n  rms", np.round(width, 2),
                  "\n  core", np.round(core, 2))  # fmt: skip


if __name__ == "__main__":
    main()
