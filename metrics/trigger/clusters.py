"""Three-dimensional clusters: every cell goes to the nearest seed within a radius that depends on the layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from metrics.trigger.cells import Cells, sums
from metrics.trigger.seeds import Seeds, find_seeds
from metrics.trigger.settings import CLUSTERING, SEEDING, Clustering, Seeding
from metrics.trigger.shapes import Shapes, shapes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_APART = 10.0  # between sides in the search for the nearest seed: far more than any radius


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of all sides, in the order of their seeds.

    Attributes
    ----------
    side : int64 (c,), see ``Cells``
    pt : float64 (c,), sum of the cells' transverse energies, GeV
    eta : float64 (c,), with the side's sign, of the mean direction weighted by transverse energy
    phi : float64 (c,), of the same, in (-pi, pi]
    shapes : of the clusters
    """

    side: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    shapes: Shapes

    def __len__(self) -> int:
        return len(self.side)

    def __getitem__(self, rows: IntArray | NDArray[np.bool_]) -> Clusters:
        """Return some clusters."""
        return Clusters(self.side[rows], self.pt[rows], self.eta[rows], self.phi[rows], self.shapes[rows])

    @property
    def pt_ce_e(self) -> FloatArray:
        """float64 (c,): transverse energy in the electromagnetic section, GeV."""
        return self.pt * self.shapes.fraction_ce_e

    def moved(self, sides: int) -> Clusters:
        """Return the same clusters with higher numbers of sides, where they follow those of other events."""
        return replace(self, side=self.side + sides)


def together(parts: Sequence[Clusters]) -> Clusters:
    """Return clusters of several parts, in their order."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("side", "pt", "eta", "phi")}
    names = Shapes.names()
    found = Shapes(*(np.concatenate([getattr(part.shapes, name) for part in parts]) for name in names))
    return Clusters(**columns, shapes=found)


def find_clusters(
    cells: Cells, sides: int, seeding: Seeding = SEEDING, clustering: Clustering = CLUSTERING
) -> Clusters:
    """Return the clusters of all sides.

    Parameters
    ----------
    sides : how many there are
    """
    seeds = find_seeds(cells, sides, seeding)
    taken, seed = nearest_seed(cells, seeds, clustering)
    own = Cells(*(getattr(cells, column.name)[taken] for column in fields(Cells)))
    pt, eta, phi = directions(own, seed, seeds.side)
    kept = np.flatnonzero(pt > clustering.least_pt)
    number = np.full(len(seeds), -1)
    number[kept] = np.arange(len(kept))
    inside = number[seed] >= 0
    own = Cells(*(getattr(own, column.name)[inside] for column in fields(Cells)))
    found = shapes(own, number[seed[inside]], len(kept), clustering)
    return Clusters(seeds.side[kept], pt[kept], eta[kept], phi[kept], found)


def nearest_seed(cells: Cells, seeds: Seeds, settings: Clustering = CLUSTERING) -> tuple[IntArray, IntArray]:
    """Return which cells are within the radius of their layer around the nearest seed, and that seed, int64 each."""
    if not len(seeds):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    radii = np.array(settings.radius)
    tree = cKDTree(np.stack([seeds.u, seeds.v, _APART * seeds.side], axis=1))
    points = np.stack([cells.u, cells.v, _APART * cells.side], axis=1)
    found = tree.query(points, distance_upper_bound=float(radii.max()))
    distance, seed = (np.asarray(values) for values in found)
    taken = np.flatnonzero(distance < radii[cells.layer])
    return taken, seed[taken].astype(np.int64)


def directions(cells: Cells, cluster: IntArray, side: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return transverse energy, eta and phi of clusters, float64 (c,) each; 0 for a cluster without cells.

    Parameters
    ----------
    cluster : int64 (m,), which one each cell is in
    side : int64 (c,), of each cluster
    """
    count = len(side)
    pt = sums(cluster, cells.et, count)
    safe = np.where(pt > 0, pt, 1.0)
    u, v = (sums(cluster, cells.et * values, count) / safe for values in (cells.u, cells.v))
    radius = np.hypot(u, v)
    eta = np.arcsinh(np.divide(1.0, radius, out=np.zeros(count), where=radius > 0))
    return pt, np.where(side % 2 == 1, eta, -eta), np.arctan2(v, u)
