"""Whole events: all modules with charge of both endcaps, where they are, and where known what made the charge.

One orientation on both sides: x of a module is seen from the collision point, as its image is. Global places have
x = zside times that, and z with the side's sign.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance, concatenated
from econ_ae.data.readers.cms_events import EventsFile, EventsOptions
from econ_ae.data.readers.event_images import CALQ_PER_COUNT, calibrated, counts_of, trigger_layer
from econ_ae.data.readers.hits import RootOptions
from econ_ae.data.readers.modules import ModuleFile
from econ_ae.data.readers.ntuples import open_ntuple
from econ_ae.data.truth import KINDS, Truth, joined_truth, read_truth
from econ_ae.errors import DataError
from econ_ae.geometry import CM_PER_UNIT, LOW_DENSITY, FloatArray, WaferGeometry

__all__ = ["KINDS", "Truth", "WholeEvents", "from_npz", "from_ntuple", "joined", "of_columns"]

IntArray = NDArray[np.int64]
Rows = slice | NDArray[np.bool_] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class WholeEvents:
    """Module images of whole events.

    Attributes
    ----------
    batch : n images in decoded counts, with the metadata columns of ``readers.cms_events``
    x_cm, y_cm : float64 (n,), centre of the module, seen from the collision point on either side
    z_cm : float64 (n,), absolute
    gev_per_count : float64 (n,), energy (not transverse) of one count
    truth : what was generated; None where that is not known
    geometry : trigger cells of a module
    transverse : whether charges are CALQ already, as in ntuples of modules, and not counts; then one of them is the
        transverse energy ``gev_per_count`` / cosh(eta of the module's centre)
    """

    batch: Batch
    x_cm: FloatArray
    y_cm: FloatArray
    z_cm: FloatArray
    gev_per_count: FloatArray
    truth: Truth | None = None
    geometry: WaferGeometry = LOW_DENSITY
    transverse: bool = False

    def __post_init__(self) -> None:
        for name in ("x_cm", "y_cm", "z_cm", "gev_per_count"):
            values = getattr(self, name)
            if values.shape != (len(self.batch),):
                raise DataError(f"whole events: {name} has shape {values.shape}; expected ({len(self.batch)},)")
            values.setflags(write=False)

    def __len__(self) -> int:
        """Return the number of module images."""
        return len(self.batch)

    def __getitem__(self, rows: Rows) -> WholeEvents:
        """Return the given images (slice, mask or indices); the truth stays whole."""
        places = {name: getattr(self, name)[rows] for name in ("x_cm", "y_cm", "z_cm", "gev_per_count")}
        return replace(self, batch=self.batch[rows], **places)

    def of_events(self, numbers: Collection[int] | NDArray[np.integer]) -> WholeEvents:
        """Return the images and the truth of the given events."""
        wanted = np.asarray(list(numbers), np.int64)
        truth = None if self.truth is None else self.truth[np.isin(self.truth.event, wanted)]
        return replace(self[np.isin(self.event, wanted)], truth=truth)

    @property
    def event(self) -> IntArray:
        """int64 (n,): event of each image."""
        return np.asarray(self.batch.metadata["event"], np.int64)

    @property
    def zside(self) -> IntArray:
        """int64 (n,): side of each image, -1 or 1."""
        return np.asarray(self.batch.metadata["zside"], np.int64)

    @cached_property
    def events(self) -> IntArray:
        """int64: numbers of the events, also of those that are only in the truth."""
        known = [self.event] if self.truth is None else [self.event, self.truth.event]
        return np.unique(np.concatenate(known))

    def cell_positions(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return global x, y and z of every trigger cell in cm, float64 (n, cells) each.

        A cell is at the module's centre plus its place in the module minus the mean of all places.
        """
        place = (self.geometry.xy - self.geometry.xy.mean(axis=0)) * CM_PER_UNIT
        side = self.zside.astype(np.float64)[:, None]
        x = side * (self.x_cm[:, None] + place[:, 0])
        z = np.broadcast_to(side * self.z_cm[:, None], x.shape)
        return x, self.y_cm[:, None] + place[:, 1], z

    def cell_et(self, charges: NDArray[np.floating] | NDArray[np.integer]) -> FloatArray:
        """Return the transverse energy of charges in counts, float64 (n, cells), GeV: energy / cosh(eta of the cell).

        Raises
        ------
        DataError
            When there is not one row per image and one column per trigger cell.
        """
        if charges.shape != self.batch.charges.shape:
            raise DataError(f"charges have shape {charges.shape}; expected {self.batch.charges.shape}")
        if self.transverse:
            return np.asarray(charges * (self.gev_per_count / _cosh(self.x_cm, self.y_cm, self.z_cm))[:, None])
        return np.asarray(charges * self.gev_per_count[:, None] / _cosh(*self.cell_positions()))

    def calibrated(self) -> Batch:
        """Return the images in CALQ as the chip computes it: those of ``readers.cms_events`` with ``transverse``.

        CALQ times the column ``gev_per_calq`` is transverse energy in GeV.
        """
        if self.transverse:
            return self.batch
        return calibrated(self.batch, self.x_cm, self.y_cm, self.z_cm, self.geometry)


def of_columns(
    columns: Mapping[str, NDArray[Any]], depths: FloatArray, provenance: Provenance, geometry: WaferGeometry
) -> WholeEvents:
    """Return the events of the columns of a file (``readers.cms_events``) with ``wafer_u`` and ``wafer_v``.

    Parameters
    ----------
    depths : float64 (layers,), absolute z of all layers in cm
    """
    numbers = {name: columns[name].astype(np.int64) for name in ("wafer_u", "wafer_v") if name in columns}
    return _placed(counts_of(columns, numbers, provenance), depths, geometry)


def joined(parts: Sequence[WholeEvents]) -> WholeEvents:
    """Return the images and the truth of parts with equal columns as one."""
    known = [part.truth for part in parts if part.truth is not None]
    truth = joined_truth(known) if known else None
    x, y, z, per_count = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("x_cm", "y_cm", "z_cm", "gev_per_count")
    )
    batch = concatenated([part.batch for part in parts])
    return WholeEvents(batch, x, y, z, per_count, truth, parts[0].geometry, parts[0].transverse)


def of_rows(
    rows: Batch, geometry: WaferGeometry = LOW_DENSITY, *, transverse: bool
) -> tuple[WholeEvents, FloatArray | None]:
    """Return rows of a run on a file of whole events as such, and counts per charge, float64 (n, cells).

    Depths are those of the modules' centres. The gain of a cell that the chip computes CALQ with is rounded down, so
    that the counts of transverse charge are right to about one part in a thousand.

    Parameters
    ----------
    transverse : whether the rows' charges are CALQ, as ``readers.cms_events`` makes them by default; if they are counts
        already, counts per charge is None

    Raises
    ------
    DataError
        When a column is missing.
    """
    columns = rows.metadata
    for name in ("event", "zside", "layer", "detector_layer", "thickness", "eta", "x", "y", "gev_per_calq"):
        if name not in columns:
            raise DataError(f"rows of {rows.provenance.source} have no column {name!r}; expected those of whole events")
    x, y, eta, energy = (np.asarray(columns[name], np.float64) for name in ("x", "y", "eta", "gev_per_calq"))
    depth = np.hypot(x, y) * np.sinh(np.abs(eta))
    if not transverse:
        return WholeEvents(rows, x, y, depth, energy, None, geometry), None
    per_count = np.select([columns["thickness"] == um for um in CALQ_PER_COUNT], [*CALQ_PER_COUNT.values()])
    images = WholeEvents(rows, x, y, depth, energy * per_count, None, geometry)
    return images, _cosh(*images.cell_positions()) / per_count[:, None]


def _placed(counts: Batch, depths: FloatArray, geometry: WaferGeometry) -> WholeEvents:
    x, y, per_count = (np.asarray(counts.metadata[name], np.float64) for name in ("x", "y", "gev_per_calq"))
    return WholeEvents(counts, x, y, depths[np.asarray(counts.metadata["layer"])], per_count, None, geometry)


def from_npz(
    path: Path,
    events: Collection[int] | None = None,
    options: EventsOptions | None = None,
    geometry: WaferGeometry = LOW_DENSITY,
) -> WholeEvents:
    """Return the events of a file of whole events (``readers.cms_events``), read in blocks.

    Parameters
    ----------
    events : numbers of the events to keep, all when None
    options : layers, section, thickness and side that are kept; its calibration is not used

    The truth is that of the file, if it has one (``events_writer``), else None.

    Raises
    ------
    DataError
        When the file cannot be read, a value is none of this form, or no image is left; names file and row.
    """
    file = EventsFile(path, replace(options or EventsOptions(), calibration="counts"), geometry)
    wanted = None if events is None else _wanted(events)
    parts: list[Batch] = []
    for batch, _ in file.batches():
        kept = batch if wanted is None else batch[wanted(np.asarray(batch.metadata["event"]))]
        if len(kept) or not parts:
            parts.append(kept)
    whole = concatenated(parts)
    if not len(whole):
        which = "" if events is None else f" of the {len(events)} events that were asked for"
        raise DataError(f"{path.name} has no image{which} with {file.options.text}")
    truth = read_truth(path)
    if truth is not None and wanted is not None:
        truth = truth[wanted(truth.event)]
    return replace(_placed(whole, file.depths, geometry), truth=truth)


def _wanted(events: Iterable[int]) -> Callable[[NDArray[np.integer]], NDArray[np.bool_]]:
    """Return what tells which of some events are wanted; a range is not listed, it may be huge."""
    if isinstance(events, range) and events.step == 1:
        first, end = events.start, events.stop
        return lambda event: (event >= first) & (event < end)
    numbers = np.asarray(list(events), np.int64)
    return lambda event: np.isin(event, numbers)


def from_ntuple(path: Path, options: RootOptions | None = None, geometry: WaferGeometry = LOW_DENSITY) -> WholeEvents:
    """Return the events of an ntuple of modules (``readers.modules``): an entry is an event, its number the event's.

    Charges are CALQ. A module's energy (branch ``wafer_energy``) is that of all its cells, so that it gives the energy
    of a count: energy cosh(eta of the centre) / sum of charge cosh(eta of the cell).

    Raises
    ------
    ConfigError, DataError
        As ``readers.modules.ModuleFile``; and when modules have no places (``wafer_x``, ``wafer_y``, ``wafer_z`` in
        cm), no layer, number, type or energy, or are in a layer without trigger. Names the branch.
    """
    file = open_ntuple(path, options or RootOptions(), geometry)
    if not isinstance(file, ModuleFile):
        raise DataError(f"{path.name} has trigger cells; expected an ntuple of modules (wafer_*) for whole events")
    parts = [batch for batch, _ in file.batches()]
    if not parts:
        raise file.nothing_left()
    found = replace(concatenated(parts), provenance=file.provenance())
    found = found[found.total > 0]
    columns = found.metadata
    for name in ("x", "y", "z", "layer", "wafer_u", "wafer_v", "thickness", "energy"):
        if name not in columns:
            raise DataError(
                f"{path.name} has no branch of the modules' {name}; whole events need wafer_x, wafer_y, wafer_z in cm, "
                "wafer_layer, wafer_waferu, wafer_waferv, wafer_wafertype and wafer_energy"
            )
    x, y, z, energy = (np.asarray(columns[name], np.float64) for name in ("x", "y", "z", "energy"))
    side = np.where(z < 0, -1, 1)
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(energy) & (np.hypot(x, y) > 0) & (np.abs(z) > 0) & (energy > 0)
    if not good.all():
        row = int(np.argmin(good))
        raise DataError(
            f"{path.name}, entry {columns['entry'][row]}: a module at ({x[row]:g}, {y[row]:g}, {z[row]:g}) cm with "
            f"{energy[row]:g} GeV; expected a place in an endcap and an energy above 0"
        )
    number = np.asarray(columns["layer"], np.int64)
    trigger = trigger_layer(number)
    if (trigger < 0).any():
        raise DataError(
            f"{path.name}: layer {number[trigger < 0][0]} has no trigger; expected 1, 3, ... 25 or from 27 on"
        )
    u, v = (np.asarray(columns[name], np.int64) for name in ("wafer_u", "wafer_v"))
    metadata = {
        "event": np.asarray(columns["entry"], np.int64), "zside": side, "layer": trigger,
        "wafer": _running(side, trigger, u, v), "thickness": np.asarray(columns["thickness"], np.int64),
        "eta": np.arcsinh(np.abs(z) / np.hypot(x, y)), "phi": np.arctan2(y, x), "x": side * x, "y": y,
        "detector_layer": number, "wafer_u": u, "wafer_v": v,
    }  # fmt: skip
    batch = Batch(found.charges, found.provenance, metadata)
    whole = WholeEvents(batch, side * x, y, np.abs(z), np.ones(len(x)), None, geometry, transverse=True)
    summed = (batch.charges * _cosh(*whole.cell_positions())).sum(axis=1)
    centre = _cosh(x, y, z)
    columns = {**metadata, "gev_per_calq": energy / summed}
    return replace(whole, batch=Batch(batch.charges, batch.provenance, columns), gev_per_count=energy * centre / summed)


def _running(side: IntArray, layer: IntArray, u: IntArray, v: IntArray) -> IntArray:
    """Return a running number of each module in its layer and side, int64 (n,)."""
    modules, row = np.unique(np.stack([side, layer, u, v]), axis=1, return_inverse=True)
    group = np.unique(modules[:2], axis=1, return_inverse=True)[1].ravel()
    first = np.searchsorted(group, np.arange(group.max() + 1))
    return np.asarray((np.arange(len(group)) - first[group])[row.ravel()], np.int64)


def _cosh(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Return cosh(eta) of places."""
    radius = np.hypot(x, y)
    out: FloatArray = np.hypot(radius, z) / radius
    return out
