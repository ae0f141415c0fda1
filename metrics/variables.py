"""What an EMD is profiled against: numbers of the input event, and the metadata that the data has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import MIP_COUNTS
from metrics.profiles import quantile_edges

FloatArray = NDArray[np.float64]

BINS = 10
MOST_CLASSES = 64
"""Values that an integer column may have to count as classes (HGCAL has 47 layers); others are binned."""

_LABELS = {
    "eta": "Pseudorapidity |eta|",
    "layer": "Layer",
    "detector_layer": "Detector layer",
    "sim_energy": "Simulated energy [GeV]",
    "thickness": "Sensor thickness [µm]",
    "wafer_u": "Module index u in its layer",
    "wafer_v": "Module index v in its layer",
    "zside": "Side of the detector (sign of z)",
    "elinks": "eLinks of the module",
    "gev": "Energy [GeV]",
    "pileup": "Pileup collisions per crossing",
    "sector": "Sector of 120 degrees",
}
"""Names and units of columns that this package's readers and generators write."""
# The detector is symmetric in phi, and it is cyclic; entry, event and wafer are numbers of a file; a place is what eta,
# phi and layer say; one CALQ in GeV is a fact of layer and thickness.
_LEFT_OUT = ("phi", "entry", "event", "wafer", "x", "y", "gev_per_calq")


@dataclass(frozen=True, eq=False)
class Variable:
    """A number of every event.

    Parameters
    ----------
    name : in tables
    label : name and unit, on axes
    values : float64 (n,)
    edges : float64 (bins + 1,), rising
    classes : the values of an integer column, one bin each; empty when the variable is binned in quantiles
    """

    name: str
    label: str
    values: FloatArray
    edges: FloatArray
    classes: tuple[int, ...] = ()


def variables(
    charges: NDArray[np.generic], metadata: Mapping[str, NDArray[np.generic]] | None = None
) -> tuple[Variable, ...]:
    """Return occupancy, total charge and hottest cell of the events, and the columns of metadata that vary.

    Columns of integers with up to 64 values become classes; other columns of finite numbers are binned in quantiles;
    columns of text, of one value or with missing numbers are left out.

    Parameters
    ----------
    charges : (n, cells) CALQ counts; events without charge are in no bin edge
    metadata : arrays (n,) by name
    """
    image = np.asarray(charges, dtype=np.float64)
    filled = image.sum(axis=1) > 0
    out = [
        _binned("occupancy", "Occupancy [trigger cells]", np.count_nonzero(image, axis=1).astype(np.float64), filled),
        _binned("charge", "Total charge [MIP_T]", image.sum(axis=1) / MIP_COUNTS, filled),
        _binned("max_cell", "Charge of the hottest cell [MIP_T]", image.max(axis=1) / MIP_COUNTS, filled),
    ]
    columns, labels = dict(metadata or {}), dict(_LABELS)
    if "layer" in columns and "detector_layer" in columns:
        if np.array_equal(columns["layer"], columns["detector_layer"]):
            del columns["detector_layer"]
        else:
            labels["layer"] = "Trigger layer"  # one in two layers of CE-E sends cells to the trigger
    for name, column in columns.items():
        if name in _LEFT_OUT or column.dtype.kind not in "iuf":
            continue
        values = np.abs(column.astype(np.float64)) if name == "eta" else column.astype(np.float64)
        unique = np.unique(values[filled])
        if len(unique) < 2 or not np.isfinite(values).all():
            continue
        label = labels.get(name, name.replace("_", " "))
        if column.dtype.kind in "iu" and len(unique) <= MOST_CLASSES:
            edges = np.append(unique, unique[-1] + 1)
            out.append(Variable(name, label, values, edges, tuple(int(v) for v in unique)))
        else:
            out.append(_binned(name, label, values, filled))
    return tuple(out)


def _binned(name: str, label: str, values: FloatArray, filled: NDArray[np.bool_]) -> Variable:
    return Variable(name, label, values, quantile_edges(values[filled], BINS))
