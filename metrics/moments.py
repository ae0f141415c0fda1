"""Moments of an image on the module: where its charge sits and how wide it is. Plain geometry, no transport."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.geometry import WaferGeometry
from metrics.averages import PerEvent

FloatArray = NDArray[np.float64]


def fractions(charges: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return charge fractions (n, cells) and which images have charge (n,); an empty image keeps its zeros."""
    total = charges.sum(axis=1)
    has_charge = total > 0
    return charges / np.where(has_charge, total, 1.0)[:, None], has_charge


def centroids(charges: FloatArray, geometry: WaferGeometry) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the charge-weighted mean positions, (n, 2) in EMD units, and which images have one."""
    share, has_charge = fractions(charges)
    return share @ geometry.xy, has_charge


def centroid_shift(x: FloatArray, y: FloatArray, geometry: WaferGeometry) -> PerEvent:
    """Return the distance of the centroids of two images, EMD units; undefined when either image is empty.

    Parameters
    ----------
    x, y : float64 (n, cells), charges >= 0 of any scale
    """
    (a, a_defined), (b, b_defined) = centroids(x, geometry), centroids(y, geometry)
    return PerEvent.where(a_defined & b_defined, np.hypot(*(b - a).T))


def widths(charges: FloatArray, geometry: WaferGeometry) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the RMS distance of the charge from its centroid, (n,) in EMD units, and which images have one."""
    share, has_charge = fractions(charges)
    centre = share @ geometry.xy
    # Around the image's own centroid, not <r2> - <r>2, which cancels for narrow images.
    offset = geometry.xy[None] - centre[:, None]
    return np.sqrt(np.einsum("nc,nck,nck->n", share, offset, offset)), has_charge


def width_change(x: FloatArray, y: FloatArray, geometry: WaferGeometry) -> PerEvent:
    """Return the width of ``y`` minus the width of ``x``, EMD units; undefined when either image is empty."""
    (a, a_defined), (b, b_defined) = widths(x, geometry), widths(y, geometry)
    return PerEvent.where(a_defined & b_defined, b - a)


def overlap(x: FloatArray, y: FloatArray) -> PerEvent:
    """Return the sum over cells of the smaller charge fraction, 0..1; undefined when either image is empty."""
    (p, p_defined), (q, q_defined) = fractions(x), fractions(y)
    return PerEvent.where(p_defined & q_defined, np.minimum(p, q).sum(axis=1))
