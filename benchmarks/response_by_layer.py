"""Where does the spread of an electron's response come from? Layer by layer, and sums against places.

``python benchmarks/response_by_layer.py EVENTS.npz CAMPAIGN`` takes the modules around both electrons of each event of
the file, sends them with the campaign and with the algorithms, and prints mean, RMS and effective RMS of each
electron's transverse energy over that of all cells: in its cluster, and in a cone of 0.05 around the hottest place.
Then the same with one trigger layer sent and all others as they were, with the true module sums, and with the true
cells scaled to the sums that were received.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.physics import algorithms
from econ_ae.app.physics.encoders import read
from econ_ae.app.physics.sample import Sample, elinks_by_layer
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.progress import Silent
from metrics.trigger import match
from metrics.trigger.cells import SIDES, Places
from metrics.trigger.clusters import find_clusters
from metrics.trigger.cone import Axes, hottest, in_cone
from metrics.trigger.electrons import find
from metrics.trigger.real import LEAST_PAIR_PT
from metrics.trigger.resolution import effective_rms

Floats = NDArray[np.float64]
_AROUND = 0.10  # in (x/z, y/z)
_LAYERS = range(13)  # trigger layers of CE-E


@dataclass(frozen=True, eq=False)
class Electrons:
    """The electrons of events, and what all cells make of them."""

    places: Places
    sides: int
    targets: match.Targets
    axes: Axes
    whole: Floats
    cone: Floats

    @classmethod
    def of(cls, images: WholeEvents) -> Electrons:
        places, sides = Places(images, images.events), SIDES * len(images.events)
        cells = places.cells(images.batch.charges)
        clusters = find_clusters(cells, sides)
        targets = match.pairs(clusters, len(images.events), LEAST_PAIR_PT)
        axes = hottest(cells, sides)
        return cls(places, sides, targets, axes, find(targets, clusters).pt, in_cone(cells, axes)[targets.side])

    def show(self, name: str, charges: Floats) -> None:
        """Print what charges make of the responses."""
        cells = self.places.cells(charges)
        cluster = find(self.targets, find_clusters(cells, self.sides)).or_zero / self.whole
        cone = in_cone(cells, self.axes)[self.targets.side] / self.cone
        text = "".join(
            f"  {r.mean():7.4f} {r.std() / r.mean():7.4f} {effective_rms(r) / r.mean():7.4f}" for r in (cluster, cone)
        )
        print(f"{name:36s}{text}", flush=True)


def around_electrons(path: Path) -> WholeEvents:
    """Return the modules around both electrons of the events of a file."""
    images = from_npz(path, None)
    sample = Sample(images, elinks_by_layer(images))
    near = np.zeros(len(images), np.bool_)
    for first, events, rows in sample.blocks():
        found = find_clusters(Places(images[rows], events).cells(images.batch.charges[rows]), SIDES * len(events))
        side = SIDES * (sample.place[rows] - first) + (images.zside[rows] > 0)
        x = images.zside[rows] * images.x_cm[rows] / images.z_cm[rows]
        y = images.y_cm[rows] / images.z_cm[rows]
        targets = match.pairs(found, len(events), LEAST_PAIR_PT)
        for one, eta, phi in zip(targets.side, targets.eta, targets.phi, strict=True):
            radius = 1 / np.sinh(abs(eta))
            away = np.hypot(x - radius * np.cos(phi), y - radius * np.sin(phi))
            near[rows] |= (side == one) & (away < _AROUND)
    return images[near]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("campaign", type=Path)
    given = parser.parse_args()
    images = around_electrons(given.data)
    electrons = Electrons.of(images)
    (ours,) = read([given.campaign], Silent())
    elinks = ours.elinks_of(images)
    sample = Sample(images, elinks_by_layer(images) if elinks is None else elinks)
    whole = images.batch.charges.astype(np.float64)
    layer = np.asarray(images.batch.metadata["layer"])
    sent = {ours.name: ours.received(sample, Silent()).astype(np.float64)}
    for name in ("bc-filled", "abc"):
        sent[name] = algorithms.received(name, sample, Silent()).astype(np.float64)
    print(f"{len(images)} modules, {len(electrons.targets)} electrons; cluster, then cone: mean, RMS, effective RMS")
    for name, charges in sent.items():
        total, received = whole.sum(axis=1), charges.sum(axis=1)
        electrons.show(name, charges)
        electrons.show("  true module sums", charges * _over(total, received)[:, None])
        electrons.show("  true cells, sums as received", whole * _over(received, total)[:, None])
        for one in _LAYERS:
            alone = np.where((layer == one)[:, None], charges, whole)
            electrons.show(f"  layer {one} alone", alone)


def _over(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


if __name__ == "__main__":
    main()
