"""Second opinions on a reconstruction, none of which a transport-shaped loss optimises directly.

A loss shaped like the metric flatters it. These numbers ask instead what an analysis would: is the energy where it was,
is it as much as it was, and is the hottest cell still the hottest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.errors import DataError
from econ_ae.geometry import CM_PER_UNIT, WaferGeometry
from metrics.averages import Averaged, PerEvent, Ratio, averages, mean, rms, undefined
from metrics.baselines import Reconstruction
from metrics.moments import centroid_shift, overlap, width_change
from metrics.statistics import Measured

FloatArray = NDArray[np.float64]

NEIGHBOUR = 2.3
"""Largest distance of neighbouring cell centres, EMD units: 2 inside a sector, 1.80 and 2.29 across its borders; the
next nearest are at 3.04."""

CLASS_EDGES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Lower edges of the classes of input-cell charge, MIP_T, each without its lower edge."""


@dataclass(frozen=True)
class ClassResponse:
    """Energy out over energy in of the cells whose input charge is in one class.

    Parameters
    ----------
    low, high : MIP_T, ``low`` excluded, ``high`` included; None is unlimited
    cells : input cells of the class
    response : over the events that have such a cell
    """

    low: float
    high: float | None
    cells: int
    response: Averaged


@dataclass(frozen=True)
class SecondOpinions:
    """What a reconstruction does to the physics of an image.

    Parameters
    ----------
    centroid_shift : mean distance of the centroids, EMD units
    width_change : mean of (RMS width out - in), EMD units; the bias
    width_rms : root mean square of the same; the size
    overlap : mean sum over cells of the smaller of the two charge fractions; 1 is equal
    max_found : mean probability that the hottest cell out is the hottest in, when ties are broken by chance
    max_near : the same for the hottest cell in or one of its neighbours
    max_response : energy out over energy in of the hottest input cell
    response : per class of input-cell charge
    spurious : mean share of the energy out that is in cells without input charge
    sum_bias, sum_rms : mean and root mean square of (sum out - sum in) / sum in
    """

    centroid_shift: Averaged
    width_change: Averaged
    width_rms: Averaged
    overlap: Averaged
    max_found: Averaged
    max_near: Averaged
    max_response: Averaged
    response: tuple[ClassResponse, ...]
    spurious: Averaged
    sum_bias: Averaged
    sum_rms: Averaged

    @property
    def centroid_shift_cm(self) -> Measured | None:
        """The centroid shift in centimetres."""
        shift = self.centroid_shift.value
        return None if shift is None else Measured(CM_PER_UNIT * shift.value, CM_PER_UNIT * shift.error)


def max_cell_recovery(x: FloatArray, y: FloatArray, reach: FloatArray) -> PerEvent:
    """Return the share of the hottest cells of ``y`` that are within reach of a hottest cell of ``x``, 0..1.

    Parameters
    ----------
    x, y : float64 (n, cells), input and reconstruction
    reach : bool (cells, cells), symmetric: which cells count as found

    Notes
    -----
    With one hottest cell on either side this is 0 or 1. Of k equally hot cells in ``y`` a receiver can only pick one by
    chance: the share is the probability that it is right. Undefined when either image is empty.
    """
    hottest_in, hottest_out = (image == image.max(axis=1, keepdims=True) for image in (x, y))
    near = (hottest_in.astype(np.float64) @ reach) > 0
    defined = (x.sum(axis=1) > 0) & (y.sum(axis=1) > 0)
    share = (hottest_out & near).sum(axis=1) / hottest_out.sum(axis=1)
    return PerEvent.where(defined, share)


def sum_error(x: FloatArray, y: FloatArray) -> PerEvent:
    """Return (sum out - sum in) / sum in of every module; undefined when the input is empty."""
    before = x.sum(axis=1)
    defined = before > 0
    relative = (y.sum(axis=1) - before) / np.where(defined, before, 1.0)
    return PerEvent.where(defined, relative)


def spurious(x: FloatArray, y: FloatArray) -> PerEvent:
    """Return the share of the energy out in cells without input charge; undefined when either image is empty."""
    after = y.sum(axis=1)
    defined = (after > 0) & (x.sum(axis=1) > 0)
    share = np.where(x > 0, 0.0, y).sum(axis=1) / np.where(defined, after, 1.0)
    return PerEvent.where(defined, share)


def response(x: FloatArray, y: FloatArray, cells: NDArray[np.bool_]) -> Ratio:
    """Return sum(y) / sum(x) over the chosen cells (bool (n, cells)) that have charge in ``x``."""
    chosen = cells & (x > 0)
    before, after = np.where(chosen, x, 0.0).sum(axis=1), np.where(chosen, y, 0.0).sum(axis=1)
    return Ratio(after, before, before > 0)


def charge_classes(x: FloatArray) -> list[tuple[float, float | None, NDArray[np.bool_]]]:
    """Return the classes of input-cell charge: limits in MIP_T and which cells belong, bool (n, cells)."""
    out = []
    for low, high in zip(CLASS_EDGES, (*CLASS_EDGES[1:], None), strict=True):
        cells = x > low * MIP_COUNTS
        out.append((low, high, cells if high is None else cells & (x <= high * MIP_COUNTS)))
    return out


def second_opinions(
    charges: NDArray[np.generic], reconstruction: Reconstruction, geometry: WaferGeometry, seed: int
) -> SecondOpinions:
    """Return every second opinion on a reconstruction.

    Parameters
    ----------
    charges : (n, cells) input charges, CALQ counts
    reconstruction : of the same events; responses and sum errors of one without a scale are undefined
    seed : of the bootstrap; the same seed resamples the same events for every reconstruction

    Raises
    ------
    DataError
        When the shapes differ.
    """
    x, y = np.asarray(charges, dtype=np.float64), np.asarray(reconstruction.charges, dtype=np.float64)
    if x.shape != y.shape or x.shape[1] != geometry.cells:
        raise DataError(
            f"second opinions compare images of one shape (n, {geometry.cells}); {x.shape} and {y.shape} were given"
        )
    near = (geometry.distance <= NEIGHBOUR).astype(np.float64)
    width = width_change(x, y, geometry)
    classes = charge_classes(x)
    ratios = {
        "centroid_shift": mean(centroid_shift(x, y, geometry)),
        "width_change": mean(width),
        "width_rms": rms(width),
        "overlap": mean(overlap(x, y)),
        "max_found": mean(max_cell_recovery(x, y, np.eye(geometry.cells))),
        "max_near": mean(max_cell_recovery(x, y, near)),
        "spurious": mean(spurious(x, y)),
    }
    sums = sum_error(x, y)
    scaled = {
        "max_response": response(x, y, x == x.max(axis=1, keepdims=True)),
        "sum_bias": mean(sums),
        "sum_rms": rms(sums),
        **{f"class {low}": response(x, y, cells) for low, _, cells in classes},
    }
    if not reconstruction.scaled:
        scaled = dict.fromkeys(scaled, undefined(len(x)))
    found = averages(ratios | scaled, seed)
    responses = tuple(
        ClassResponse(low, high, int(cells.sum()), found.pop(f"class {low}")) for low, high, cells in classes
    )
    return SecondOpinions(response=responses, **found)
