"""Module images of whole events from the columns of their file: decoded counts, and CALQ as the chip makes it of them.

The columns are those of ``readers.cms_events``, whether read or generated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance
from econ_ae.floatcodes import decode
from econ_ae.geometry import CM_PER_UNIT, WaferGeometry

SECTIONS = {"CE-E": (0, 13), "CE-H": (13, 1 << 16)}
"""First trigger layer of a section, and the one behind its last."""

CALQ_PER_COUNT = {300: 24.0, 200: 24.0 * 1.48, 120: 24.0 * 2.5}
"""Before 1 / cosh(eta), by thickness in um."""

_FIRST_OF_CE_H = 14  # what is added to a layer's number there
_INPUT_SHIFT, _FRACTION, _LARGEST_FACTOR = 3, 11, 4095


def counts_of(
    columns: Mapping[str, NDArray[Any]], numbers: Mapping[str, NDArray[np.int64]], provenance: Provenance
) -> Batch:
    """Return rows of a file of whole events as images of decoded counts, with their metadata.

    Parameters
    ----------
    columns : arrays (n,) and codes (n, 48), by their names in the file
    numbers : ``wafer_u`` and ``wafer_v``, int64 (n,), or nothing where they are not known
    """
    significand, shift = decode(columns["codes"], 4, 3)
    x, y = (columns[name].astype(np.float64) for name in ("x_cm", "y_cm"))
    whole = ("event", "zside", "layer", "wafer", "thickness_um")
    metadata = {
        **{name.removesuffix("_um"): columns[name].astype(np.int64) for name in whole},
        "eta": columns["eta"].astype(np.float64),
        "phi": np.arctan2(y, columns["zside"] * x),
        "x": x,
        "y": y,
        "detector_layer": detector_layer(columns["layer"].astype(np.int64)),
        **numbers,
        "gev_per_calq": columns["gev_per_count"].astype(np.float64),
    }
    return Batch((significand << shift).astype(np.uint32), provenance, metadata)


def calibrated(
    counts: Batch,
    x_cm: NDArray[np.float64],
    y_cm: NDArray[np.float64],
    z_cm: NDArray[np.float64],
    geometry: WaferGeometry,
) -> Batch:
    """Return decoded counts as CALQ, calibrated as the chip does it.

    Parameters
    ----------
    counts : n images whose column ``gev_per_calq`` is the energy of a count
    x_cm, y_cm, z_cm : float64 (n,), centre of each module
    geometry : trigger cells of a module
    """
    thickness = counts.metadata["thickness"]
    per_count = np.select([thickness == um for um in CALQ_PER_COUNT], [*CALQ_PER_COUNT.values()]).astype(np.float64)
    place = (geometry.xy - geometry.xy.mean(axis=0)) * CM_PER_UNIT
    radius = np.hypot(x_cm[:, None] + place[:, 0], y_cm[:, None] + place[:, 1])
    transverse = radius / np.hypot(radius, z_cm[:, None])  # 1 / cosh(eta)
    factor = np.floor((1 << _FRACTION - _INPUT_SHIFT) * per_count[:, None] * transverse)
    factor = np.minimum(factor, _LARGEST_FACTOR).astype(np.int64)
    charges = (counts.charges.astype(np.int64) << _INPUT_SHIFT) * factor >> _FRACTION
    per_calq = np.asarray(counts.metadata["gev_per_calq"], np.float64) / per_count
    return Batch(charges.astype(np.uint32), counts.provenance, {**counts.metadata, "gev_per_calq": per_calq})


def detector_layer(layer: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the detector's numbers of trigger layers (n,): CE-E has a trigger in every other layer."""
    return np.where(layer < SECTIONS["CE-E"][1], 2 * layer + 1, layer + _FIRST_OF_CE_H)


def trigger_layer(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the trigger layers of the detector's numbers (n,), -1 for those without trigger."""
    last = 2 * SECTIONS["CE-E"][1]
    front = np.where((number > 0) & (number % 2 == 1), number // 2, -1)
    return np.where(number < last, front, np.where(number > last, number - _FIRST_OF_CE_H, -1))
