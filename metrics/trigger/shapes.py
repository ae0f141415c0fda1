"""Shapes of clusters: how long, how wide, where they begin."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from metrics.trigger.cells import Cells, sums
from metrics.trigger.settings import CLUSTERING, LAST_CE_E, LAST_LAYER, Clustering

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TRIGGER_LAYER = np.array([-1] + [(n - 1) // 2 if n <= LAST_CE_E else n - 14 for n in range(1, LAST_LAYER + 1)])
"""Trigger layer by the detector's: every other one of CE-E and all of CE-H (reference README)."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Shapes of c clusters, float64 (c,) each; widths are weighted by transverse energy.

    Layers and widths are of the cells above ``Clustering.shape_mipt``; 0 when a cluster has none.

    Attributes
    ----------
    length : trigger layers from the first to the last, both counted
    core_length : longest run of trigger layers without a gap
    first_layer, max_layer : trigger layer that is the first, or has the most transverse energy; -1 without cells
    fraction_ce_e : of the cluster's transverse energy, all cells
    sigma_eta, sigma_phi : of the cells' eta and phi around the mean
    sigma_rr : of r/|z|
    sigma_zz : of |z|, cm
    """

    length: FloatArray
    core_length: FloatArray
    first_layer: FloatArray
    max_layer: FloatArray
    fraction_ce_e: FloatArray
    sigma_eta: FloatArray
    sigma_phi: FloatArray
    sigma_rr: FloatArray
    sigma_zz: FloatArray

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the shapes."""
        return tuple(one.name for one in fields(cls))

    def table(self) -> FloatArray:
        """Return all shapes, float64 (c, shapes)."""
        return np.stack([getattr(self, name) for name in self.names()], axis=1)

    def __getitem__(self, rows: IntArray | NDArray[np.bool_]) -> Shapes:
        """Return the shapes of some clusters."""
        return Shapes(*(getattr(self, name)[rows] for name in self.names()))


def shapes(cells: Cells, cluster: IntArray, clusters: int, settings: Clustering = CLUSTERING) -> Shapes:
    """Return the shapes of clusters.

    Parameters
    ----------
    cells : those in clusters
    cluster : int64 (m,), which one each cell is in
    clusters : how many there are
    """
    total = sums(cluster, cells.et, clusters)
    electromagnetic = sums(cluster, np.where(cells.layer <= LAST_CE_E, cells.et, 0.0), clusters)
    fraction = np.divide(electromagnetic, total, out=np.zeros(clusters), where=total > 0)
    seen = np.flatnonzero(cells.mipt > settings.shape_mipt)
    of, et = cluster[seen], cells.et[seen]
    u, v = cells.u[seen], cells.v[seen]
    radius = np.hypot(u, v)
    phi = np.arctan2(v, u)
    weight = sums(of, et, clusters)
    # Around the direction of the cluster, so that no angle jumps.
    axis = np.arctan2(sums(of, et * v, clusters), sums(of, et * u, clusters))
    turned = (phi - axis[of] + np.pi) % (2 * np.pi) - np.pi
    widths = [_width(values, et, of, weight) for values in (np.arcsinh(1 / radius), turned, radius, cells.depth[seen])]
    layers = int(_TRIGGER_LAYER.max()) + 1
    by_layer = sums(of * layers + _TRIGGER_LAYER[cells.layer[seen]], et, clusters * layers)
    by_layer = by_layer.reshape(clusters, layers)
    hit = by_layer > 0
    some = hit.any(axis=1)
    first = np.where(some, hit.argmax(axis=1), -1)
    last = np.where(some, layers - 1 - hit[:, ::-1].argmax(axis=1), -2)
    longest, run = np.zeros(clusters, np.int64), np.zeros(clusters, np.int64)
    for layer in range(layers):
        run = np.where(hit[:, layer], run + 1, 0)
        longest = np.maximum(longest, run)
    highest = np.where(some, by_layer.argmax(axis=1), -1)
    eta_width, phi_width, r_width, z_width = widths
    return Shapes(
        length=(last - first + 1).astype(np.float64),
        core_length=longest.astype(np.float64),
        first_layer=first.astype(np.float64),
        max_layer=highest.astype(np.float64),
        fraction_ce_e=fraction,
        sigma_eta=eta_width,
        sigma_phi=phi_width,
        sigma_rr=r_width,
        sigma_zz=z_width,
    )


def _width(values: FloatArray, et: FloatArray, of: IntArray, weight: FloatArray) -> FloatArray:
    safe = np.where(weight > 0, weight, 1.0)
    mean = sums(of, et * values, len(weight)) / safe
    return np.sqrt(sums(of, et * (values - mean[of]) ** 2, len(weight)) / safe)
