"""What was generated in whole events, and how files keep it.

A file of whole events (``readers.cms_events``) may have the arrays ``truth_event``, ``truth_zside``, ``truth_pt``,
``truth_eta``, ``truth_phi``, ``truth_kind`` and ``truth_energy_in_detector``, all of one length: the columns of
``Truth``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.files import BROKEN_ARCHIVE
from econ_ae.geometry import FloatArray

PREFIX = "truth_"
"""Before the names of the columns in a file."""

IntArray = NDArray[np.int64]
Rows = slice | NDArray[np.bool_] | NDArray[np.integer]

_KINDS = {"event": "iu", "zside": "iu", "pt": "f", "eta": "f", "phi": "f", "kind": "U", "energy_in_detector": "f"}

KINDS = ("electron", "photon", "pion", "jet")
"""What may have been generated."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Generated particles and jets, one row each.

    Attributes
    ----------
    event : int64 (p,)
    zside : int64 (p,), the side that it flies to, -1 or 1
    pt : float64 (p,), GeV, of the momentum
    eta, phi : float64 (p,), of where it would meet the first layer if it did not radiate, seen from the centre of the
        detector; eta has the side's sign, phi is in (-pi, pi]
    kind : str (p,), of ``KINDS``
    energy_in_detector : float64 (p,), GeV that it left in the cells before noise, thresholds and codes
    """

    event: IntArray
    zside: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    kind: NDArray[np.str_]
    energy_in_detector: FloatArray

    def __post_init__(self) -> None:
        for column in fields(self):
            values = getattr(self, column.name)
            if values.shape != (len(self.event),):
                raise DataError(f"truth {column.name!r} has shape {values.shape}; expected ({len(self.event)},)")
            values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, rows: Rows) -> Truth:
        """Return the given particles."""
        return Truth(*(getattr(self, column.name)[rows] for column in fields(self)))


def joined_truth(parts: Sequence[Truth]) -> Truth:
    """Return the particles of parts as one."""
    return Truth(*(np.concatenate([getattr(one, column.name) for one in parts]) for column in fields(Truth)))


def read_truth(path: Path) -> Truth | None:
    """Return the truth of a file of whole events, or None where it has none.

    Raises
    ------
    DataError
        When a column is missing, has another length or kind, or a value is none; names file and row.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            there = [name for name in _KINDS if f"{PREFIX}{name}" in names]
            if not there:
                return None
            if missing := [name for name in _KINDS if name not in there]:
                raise DataError(f"{path.name} has no array '{PREFIX}{missing[0]}'; expected all columns of the truth")
            columns = {name: _column(archive, name, path.name) for name in _KINDS}
    except BROKEN_ARCHIVE as problem:
        raise DataError(f"{path.name} breaks off or is damaged ({problem}); copy it again") from problem
    _check(columns, path.name)
    real = {name: columns[name].astype(np.float64) for name in ("pt", "eta", "phi", "energy_in_detector")}
    whole = {name: columns[name].astype(np.int64) for name in ("event", "zside")}
    return Truth(
        whole["event"], whole["zside"], real["pt"], real["eta"], real["phi"], columns["kind"],
        real["energy_in_detector"],
    )  # fmt: skip


def _column(archive: zipfile.ZipFile, name: str, file: str) -> NDArray[Any]:
    with archive.open(f"{PREFIX}{name}.npy") as stream:
        values: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    if values.dtype.kind not in _KINDS[name]:
        what = {"U": "text", "f": "floats"}.get(_KINDS[name], "integers")
        raise DataError(f"{file}: array '{PREFIX}{name}' is of type {values.dtype}; expected {what}")
    return values


def _check(columns: Mapping[str, NDArray[Any]], file: str) -> None:
    for name, values in columns.items():
        if values.ndim != 1 or len(values) != len(columns["event"]):
            expected = f"({len(columns['event'])},)"
            raise DataError(f"{file}: array '{PREFIX}{name}' has shape {values.shape}; expected {expected}")
    rules = {
        "event": (columns["event"].astype(np.int64) >= 0, "0 or more"),
        "zside": (np.abs(columns["zside"].astype(np.int64)) == 1, "-1 or 1"),
        "kind": (np.isin(columns["kind"], KINDS), f"one of {', '.join(KINDS)}"),
        "pt": (np.isfinite(columns["pt"]) & (columns["pt"] > 0), "above 0"),
        **{name: (np.isfinite(columns[name]), "a number") for name in ("eta", "phi", "energy_in_detector")},
    }
    for name, (good, expected) in rules.items():
        if not good.all():
            row = int(np.argmin(good))
            raise DataError(f"{file}, truth {row}: {name} is {columns[name][row]}; expected {expected}")
