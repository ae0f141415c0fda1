"""What columns of modules must agree in, so that no value of something else is taken for one of the module.

Every check is of an error that was made in a hand-over between training, link map and receiver: numbers that an integer
division turned to zero, and the pseudorapidity of one cell in the place of the module's centre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.errors import DataError

_MOST_ETA = 0.5  # that a module's images may differ in; a module at the beam covers 0.4
_OFF_CENTRE = 0.02  # in eta; a cell at a module's corner is off by 0.04 to 0.4
_SAME = 1e-4  # of the largest value


def check_numbers(batch: Batch) -> None:
    """Raise DataError when images of one module are at places that no module spans: u, v are no module's numbers."""
    needed = ("eta", "detector_layer", "wafer_u", "wafer_v")
    if not len(batch) or not set(needed) <= set(batch.metadata):
        return
    eta, layer, u, v = (np.asarray(batch.metadata[name], np.float64) for name in needed)
    numbers = [np.nan_to_num(values).astype(np.int64) for values in (layer, u, v)]
    _, module = np.unique((numbers[0] << 20) + (numbers[1] << 10) + numbers[2], return_inverse=True)
    least, most = np.full(module.max() + 1, np.inf), np.zeros(module.max() + 1)
    np.minimum.at(least, module, np.abs(eta))
    np.maximum.at(most, module, np.abs(eta))
    worst = int(np.argmax(most - least))
    if most[worst] - least[worst] > _MOST_ETA:
        row = int(np.argmax(module == worst))
        raise DataError(
            f"conditions u and v of {batch.provenance.source}: the module u = {u[row]:g}, v = {v[row]:g} of layer "
            f"{layer[row]:g} is at |eta| {least[worst]:.2f} to {most[worst]:.2f}; expected one place: u and v are not "
            "the module's numbers (an integer division gives 0)"
        )


def off_centre(
    eta: NDArray[np.floating], x: NDArray[np.floating], y: NDArray[np.floating], depth: NDArray[np.floating] | float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which modules (n,) have an eta that is not their centre's, and eta of their centres, float64 (n,).

    Parameters
    ----------
    x, y, depth : of the centres, cm
    """
    radius = np.hypot(np.asarray(x, np.float64), np.asarray(y, np.float64))
    centre = np.arcsinh(depth / np.maximum(radius, 1e-3))
    return ~(np.abs(np.abs(eta) - centre) <= _OFF_CENTRE), centre  # no number is none of the centre's either


def check_centres(batch: Batch) -> None:
    """Raise DataError when eta is not that of the modules' centres x, y: a layer then has no one depth.

    Nothing is checked where the images do not say where their modules are.
    """
    needed = ("eta", "detector_layer", "x", "y")
    if not len(batch) or not set(needed) <= set(batch.metadata):
        return
    eta, layer, x, y = (np.asarray(batch.metadata[name], np.float64) for name in needed)
    depth = np.hypot(x, y) * np.sinh(np.abs(eta))
    for number in np.unique(layer):
        here = np.flatnonzero(layer == number)
        off, centre = off_centre(eta[here], x[here], y[here], float(np.median(depth[here])))
        if off.any():
            first = int(np.argmax(off))
            row = here[first]
            raise DataError(
                f"condition 'eta' of {batch.provenance.source}: the module of layer {number:g} at x = {x[row]:.1f}, "
                f"y = {y[row]:.1f} cm has eta {eta[row]:.3f}, its centre is at {centre[first]:.3f} as the "
                "others of its layer say; expected eta of the module's centre, not of one of its cells"
            )


def check_feature(name: str, values: NDArray[np.float64], features: NDArray[np.float32]) -> None:
    """Raise DataError when values (n,) vary and what a decoder gets of them, (n, width), does not.

    That is what an integer division in the normalisation gives.
    """
    if len(values) < 2 or np.ptp(values) <= _SAME * max(np.abs(values).max(), 1.0):
        return
    if not np.ptp(features, axis=0).any():
        raise DataError(
            f"condition {name!r} is {values.min():g} to {values.max():g}, but the decoder gets {features[0, 0]:g} of "
            "all modules; expected a feature that varies: its normalisation loses it (as an integer division does)"
        )


def check_sums(used: NDArray[np.floating], sent: NDArray[np.floating], where: str) -> None:
    """Raise DataError when the module sums (n,) that a decoder was told are not those that frames carry.

    Parameters
    ----------
    used : sums as the training computes them of the charges
    sent : sums as the receiver decodes them
    where : whose, for the message
    """
    differs = used != sent
    if differs.any():
        row = int(np.argmax(differs))
        raise DataError(
            f"{where}: the module sum is {sent[row]:g} in the frame of image {row}, {used[row]:g} as the training "
            f"computes it ({int(differs.sum())} of {len(used)} images differ); expected the sum of the same "
            "cells in both"
        )
