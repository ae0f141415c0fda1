"""Module images of whole CMS events: a numpy archive (.npz) with one row per module, read in blocks.

==================  ==================  ==========================================================================
array               shape, kind         meaning
==================  ==================  ==========================================================================
``codes``           (n, 48) integers    4E3M code of each trigger cell, by trigger-cell number; 0 is no charge
``event``           (n,) integers       number of the event
``zside``           (n,) integers       -1 or 1
``layer``           (n,) integers       trigger layer; 0..12 are CE-E, higher ones CE-H
``wafer``           (n,) integers       number of the module in its layer and side
``x_cm``, ``y_cm``  (n,) floats         centre of the module, seen from the collision point on either side
``eta``             (n,) floats         absolute pseudorapidity of the centre, as x_cm, y_cm and z give it
``thickness_um``    (n,) integers       120, 200 or 300
``gev_per_count``   (n,) floats         energy of one decoded count
``z_cm_of_layer``   (layers,) floats    absolute z of each layer
==================  ==================  ==========================================================================

The modules' numbers (u, v) are not in the file: they are found from the centres (``data.lattice``), of all modules of
the file whatever is taken of it. Where that fails, images have none, and the provenance says why. The detector's layer
number is 2 layer + 1 in CE-E and layer + 14 in CE-H.

A code stands for exactly m (exponent 0) or (8 + m) << (e - 1) counts.

Calibration to transverse charge, as the chip does it (spec 3): CALQ = (F * cal) >> 11 with F = 8 * count and the 12-bit
factor cal = floor(2048 * k / (8 * cosh(eta of the cell))), at most 4095. k is the number of CALQ in a count before
1 / cosh(eta): 24 for 300 um silicon, and 1.48 and 2.5 times that for 200 and 120 um, since a count is a fixed charge
and the energy that it stands for is in that proportion. A factor of the chip knows no layer: the layer's weight is in
``gev_per_calq`` = gev_per_count / k, and CALQ * gev_per_calq is count * gev_per_count / cosh(eta of the cell) in GeV.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance, concatenated
from econ_ae.data.lattice import Lattice, different, fit
from econ_ae.data.module_checks import off_centre
from econ_ae.data.module_conditions import NO_LATTICE
from econ_ae.data.readers.event_images import CALQ_PER_COUNT, SECTIONS, calibrated, counts_of
from econ_ae.errors import DataError
from econ_ae.files import BROKEN_ARCHIVE, sha256
from econ_ae.geometry import WaferGeometry

SUFFIX = ".npz"
BLOCK = 1 << 15
"""Rows read at a time: 13 MB for each array of 48 numbers."""

_HIGHEST_CODE = 127
_KINDS = {
    "codes": "iu",
    "event": "iu",
    "zside": "iu",
    "layer": "iu",
    "wafer": "iu",
    "x_cm": "f",
    "y_cm": "f",
    "eta": "f",
    "thickness_um": "iu",
    "gev_per_count": "f",
}
_DEPTHS = "z_cm_of_layer"
GENERATOR = "generator"
"""Array of a file that was generated: how, in words."""

_LONGEST = 1000  # characters of a text in a file


@dataclass(frozen=True)
class EventsOptions:
    """What is taken of a file of whole events.

    Parameters
    ----------
    layers : trigger layers, all when empty
    section : ``CE-E``, ``CE-H`` or ``all``
    thickness : of the silicon in um, all when empty
    zside : 1 or -1 for one side, or None for both
    calibration : ``transverse`` charge as the chip computes it, or the decoded ``counts`` as they are
    """

    layers: tuple[int, ...] = ()
    section: str = "all"
    thickness: tuple[int, ...] = ()
    zside: int | None = None
    calibration: str = "transverse"

    def takes(self, columns: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return which rows are taken, bool (n,)."""
        layer = columns["layer"]
        taken = np.ones(len(layer), np.bool_)
        if self.layers:
            taken &= np.isin(layer, self.layers)
        if self.section in SECTIONS:
            first, end = SECTIONS[self.section]
            taken &= (layer >= first) & (layer < end)
        if self.thickness:
            taken &= np.isin(columns["thickness_um"], self.thickness)
        if self.zside is not None:
            taken &= columns["zside"] == self.zside
        return taken

    @property
    def text(self) -> str:
        """The selection in words."""
        parts = [self.section if self.section != "all" else "all sections"]
        parts += [f"layers {', '.join(map(str, self.layers))}"] if self.layers else []
        parts += [f"thickness {', '.join(map(str, self.thickness))} um"] if self.thickness else []
        parts += [f"zside {self.zside}"] if self.zside is not None else []
        return ", ".join(parts)


class EventsFile:
    """A file of whole events, its structure checked, its rows read when asked for.

    Raises
    ------
    DataError
        When it is no such archive, an array is missing or has another shape or kind.
    """

    def __init__(self, path: Path, options: EventsOptions, geometry: WaferGeometry) -> None:
        self.path, self.options, self._geometry = path, options, geometry
        try:
            with zipfile.ZipFile(path) as archive:
                names = {name.removesuffix(".npy") for name in archive.namelist()}
                missing = [name for name in (*_KINDS, _DEPTHS) if name not in names]
                if missing:
                    raise DataError(
                        f"{path.name} has no array {missing[0]!r}; expected {', '.join((*_KINDS, _DEPTHS))}"
                    )
                shapes = {}
                for name in _KINDS:
                    with archive.open(f"{name}.npy") as stream:
                        shapes[name], _ = _header(stream, name, path.name)
                with archive.open(f"{_DEPTHS}.npy") as stream:
                    shape, kind = _header(stream, _DEPTHS, path.name)
                    self.depths = np.frombuffer(stream.read(), kind).astype(np.float64)
                self.generator = _text(archive, GENERATOR, path.name) if GENERATOR in names else ""
        except FileNotFoundError as problem:
            raise DataError(f"cannot read {path}: {problem.strerror}") from problem
        except BROKEN_ARCHIVE as problem:
            raise DataError(f"{path.name} cannot be read as a numpy archive ({problem}); is it complete?") from problem
        self.rows = shapes["codes"][0] if shapes["codes"] else 0
        for name, found in shapes.items():
            expected = (self.rows, geometry.cells) if name == "codes" else (self.rows,)
            if found != expected:
                raise DataError(f"{path.name}: array {name!r} has shape {found}; expected {expected}")
        if shape != self.depths.shape or not self.rows:
            raise DataError(
                f"{path.name}: {self.rows} rows and {_DEPTHS} of shape {shape}; expected rows, and (layers,)"
            )

    def __len__(self) -> int:
        return self.rows

    @cached_property
    def provenance(self) -> Provenance:
        """Where the images come from and what was done to them."""
        how = "transverse charge" if self.options.calibration == "transverse" else "decoded counts, not calibrated"
        step = f"read whole events: {self.options.text}; {how}"
        made = (self.generator,) if self.generator else ()
        none = (f"{NO_LATTICE}{self._lattice}",) if isinstance(self._lattice, str) else ()
        return Provenance(self.path.name, bool(made), sha256(self.path), (*made, step, *none))

    def count(self) -> int:
        """Return how many rows are taken; reads the columns that are selected by."""
        return sum(int(self.options.takes(c).sum()) for _, c in self._blocks(("layer", "thickness_um", "zside")))

    def batches(self) -> Iterator[tuple[Batch, int]]:
        """Yield (images, rows of the file read so far), in the order of the file; a batch may be without rows.

        Raises
        ------
        DataError
            When a value is none of this form, or the file breaks off; names the first such row.
        """
        for start, columns in self._blocks(tuple(_KINDS)):
            self._check(start, columns)
            taken = self.options.takes(columns)
            yield self._images({name: values[taken] for name, values in columns.items()}), start + len(taken)

    def _blocks(self, names: tuple[str, ...]) -> Iterator[tuple[int, dict[str, NDArray[Any]]]]:
        try:
            with zipfile.ZipFile(self.path) as archive, ExitStack() as stack:
                streams = {name: stack.enter_context(archive.open(f"{name}.npy")) for name in names}
                kinds = {name: _header(stream, name, self.path.name) for name, stream in streams.items()}
                for start in range(0, self.rows, BLOCK):
                    count = min(BLOCK, self.rows - start)
                    yield start, {name: _rows(streams[name], count, *kinds[name]) for name in names}
        except BROKEN_ARCHIVE as problem:
            raise DataError(f"{self.path.name} breaks off or is damaged ({problem}); copy it again") from problem

    def _check(self, start: int, columns: dict[str, NDArray[Any]]) -> None:
        rules = (
            ("codes", (columns["codes"] > _HIGHEST_CODE) | (columns["codes"] < 0), f"0..{_HIGHEST_CODE}"),
            ("layer", (columns["layer"] < 0) | (columns["layer"] >= len(self.depths)), f"0..{len(self.depths) - 1}"),
            ("zside", np.abs(columns["zside"].astype(np.int64)) != 1, "-1 or 1"),
            ("thickness_um", ~np.isin(columns["thickness_um"], list(CALQ_PER_COUNT)), "120, 200 or 300"),
            ("event", columns["event"].astype(np.int64) < 0, "0 or more"),
            ("gev_per_count", ~(np.isfinite(columns["gev_per_count"]) & (columns["gev_per_count"] > 0)), "above 0"),
            *((name, ~np.isfinite(columns[name]), "a number") for name in ("x_cm", "y_cm", "eta")),
        )
        depth = self.depths[np.clip(columns["layer"].astype(np.int64), 0, len(self.depths) - 1)]
        off, _ = off_centre(columns["eta"], columns["x_cm"], columns["y_cm"], depth)
        rules += (("eta", off, f"that of the module's centre ({_DEPTHS}, x_cm, y_cm)"),)
        for name, bad, expected in rules:
            if bad.any():
                place = tuple(int(i) for i in np.argwhere(bad)[0])
                cell = f", trigger cell {place[1]}" if len(place) > 1 else ""
                where = f"{self.path.name}, row {start + place[0]}{cell}"
                raise DataError(f"{where}: {name} is {columns[name][place]}; expected {expected}")

    def _images(self, columns: dict[str, NDArray[Any]]) -> Batch:
        x, y = (columns[name].astype(np.float64) for name in ("x_cm", "y_cm"))
        counts = counts_of(columns, self._numbers(columns["layer"], x, y), self.provenance)
        if self.options.calibration != "transverse":
            return counts
        return calibrated(counts, x, y, self.depths[columns["layer"]], self._geometry)

    @cached_property
    def _lattice(self) -> Lattice | str:
        """The lattice of the file's modules, or why there is none."""
        found: list[NDArray[np.float64]] = []
        for _, columns in self._blocks(("layer", "x_cm", "y_cm")):
            layer, x, y = (columns[name].astype(np.float64) for name in ("layer", "x_cm", "y_cm"))
            known = np.isfinite(x) & np.isfinite(y)
            block = np.stack([layer, x, y], axis=1)[known]
            found.append(block[different(block[:, 0].astype(np.int64), block[:, 1], block[:, 2])])
        layer, x, y = np.concatenate(found).T
        try:
            return fit(layer.astype(np.int64), x, y)
        except DataError as problem:
            return str(problem)

    def _numbers(
        self, layer: NDArray[np.integer], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> dict[str, NDArray[np.int64]]:
        if isinstance(self._lattice, str):
            return {}
        u, v = self._lattice.numbers(layer, x, y)
        return {"wafer_u": u, "wafer_v": v}


def read_events(path: Path, options: EventsOptions, geometry: WaferGeometry, limit: int | None = None) -> Batch:
    """Return the images of a file of whole events, or the first of them; DataError when none is left."""
    parts, rows = [], 0
    for batch, _ in EventsFile(path, options, geometry).batches():
        parts.append(batch)
        rows += len(batch)
        if limit is not None and rows >= limit:
            break
    if not rows:
        raise DataError(f"{path.name} has no image with {options.text}")
    whole = concatenated(parts)
    return whole if limit is None else whole[:limit].after(f"first {limit} rows")


def _header(stream: IO[bytes], name: str, file: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read the head of an array; return its shape and type."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_column, kind = read(stream)
    expected = _KINDS.get(name, "f")
    if kind.kind not in expected or (by_column and len(shape) > 1):
        what = "floats" if expected == "f" else "integers"
        raise DataError(f"{file}: array {name!r} is of type {kind}; expected {what} in rows")
    return shape, kind


def _text(archive: zipfile.ZipFile, name: str, file: str) -> str:
    with archive.open(f"{name}.npy") as stream:
        values = np.lib.format.read_array(stream, allow_pickle=False)
    if values.dtype.kind != "U" or values.shape:
        raise DataError(f"{file}: array {name!r} is of type {values.dtype}, shape {values.shape}; expected one text")
    return str(values)[:_LONGEST]


def _rows(stream: IO[bytes], count: int, shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    row = int(np.prod(shape[1:], dtype=np.int64))
    data = stream.read(count * row * kind.itemsize)
    if len(data) < count * row * kind.itemsize:
        raise EOFError("an array has fewer rows than its head says")
    return np.frombuffer(data, kind).reshape(count, *shape[1:])
