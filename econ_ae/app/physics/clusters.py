"""From charges to clusters, event by event, with little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.physics.sample import Sample
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress

if TYPE_CHECKING:
    from metrics.trigger.cells import Places
    from metrics.trigger.clusters import Clusters
    from metrics.trigger.cone import Axes
    from metrics.trigger.seen import Seen

Charges = NDArray[np.float32]

_IMAGES = 20_000  # of which the EMD is computed


def see(sample: Sample, received: dict[str, Charges], progress: Progress) -> tuple[dict[str, Seen], Axes]:
    """Return what the trigger makes of every algorithm's charges, and the cones, which are those of all cells.

    Parameters
    ----------
    received : charges in counts, (n, cells), by algorithm
    """
    from metrics.trigger.cells import SIDES, Places
    from metrics.trigger.clusters import find_clusters, together
    from metrics.trigger.cone import Axes, hottest, in_cone
    from metrics.trigger.seen import Seen

    clusters: dict[str, list[Clusters]] = {name: [] for name in received}
    cones: dict[str, list[NDArray[np.float64]]] = {name: [] for name in received}
    emds: dict[str, list[NDArray[np.float64]]] = {name: [] for name in received}
    axes: list[Axes] = []
    every = -(-len(sample) // _IMAGES)
    with progress.bar("clusters", len(sample) * len(received)) as bar:
        for first, events, rows in sample.blocks():
            places: Places = Places(sample.images[rows], events)
            sides = SIDES * len(events)
            whole = places.cells(sample.images.batch.charges[rows])
            axes.append(hottest(whole, sides))
            for name, charges in received.items():
                cells = places.cells(charges[rows])
                clusters[name].append(find_clusters(cells, sides).moved(SIDES * first))
                cones[name].append(in_cone(cells, axes[-1]))
                emds[name].append(_emd(sample, charges, rows[::every], first, len(events)))
                bar.advance(len(rows), name)
    seen = {
        name: Seen(together(clusters[name]), np.concatenate(cones[name]), np.concatenate(emds[name]))
        for name in received
    }
    return seen, Axes(np.concatenate([a.eta for a in axes]), np.concatenate([a.phi for a in axes]))


def _emd(sample: Sample, charges: Charges, rows: NDArray[np.int64], first: int, events: int) -> NDArray[np.float64]:
    """Return the mean EMD of some images by event, float64 (events,)."""
    from metrics.emd import emd

    found = emd(sample.images.batch.charges[rows].astype(np.float64), charges[rows].astype(np.float64), LOW_DENSITY)
    good = np.flatnonzero(found.defined)
    event = sample.place[rows[good]] - first
    count = np.bincount(event, minlength=events)
    total = np.bincount(event, found.values[good], events)
    return np.divide(total, count, out=np.full(events, np.nan), where=count > 0)
