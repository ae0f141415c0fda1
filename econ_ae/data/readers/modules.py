"""Ntuples with one value per module (ROOT): the 48 or 64 charges of every module with its place, as trained on.

Branches ``wafer_CALQ0``, ``wafer_eta``, ... of ``HGCalTriggerNtuple``, or ``L1THGCAL_wafer_CALQ_0``, ...: one entry per
event with a list of modules, or one entry per module. With 64 charges they are the pixels of the 8x8x1 arrangement, row
by row, of which 16 have no trigger cell and no charge; with 48 they are numbered as trigger cells. The images of
``wafer_AEin`` are not read: they follow from the charges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance, as_charges
from econ_ae.data.readers.hits import RootOptions, Skipped
from econ_ae.data.readers.root_file import STEP, OpenRoot, first_line
from econ_ae.errors import ConfigError, DataError, did_you_mean
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY, WaferGeometry

PREFIXES = ("", "L1THGCAL_")
"""Before all names, as the ntuples have them."""
THICKNESS_OF_TYPE = {0: 120, 1: 200, 2: 300, 3: 200}
"""um by ``wafer_wafertype`` (CMSSW's HGCSiliconDetId)."""

_ARRANGEMENT = "8x8x1"
_NEEDED = ("eta", "u", "v", "layer", "type", "energy", "sim_energy")
_COLUMNS = {"u": "wafer_u", "v": "wafer_v", "type": "wafertype"}
_WHOLE = ("u", "v", "layer", "type", "zside")
_OPTIONAL = ("zside", "x", "y", "z", "phi")  # wafer_zside and so on, where they are


def prefix_of(branches: set[str], options: RootOptions) -> str | None:
    """Return what is before all names of a tree's branches; None when it has no charges of modules."""
    own = options.modules
    for prefix in PREFIXES if own.prefix is None else (own.prefix,):
        if any(name.removeprefix(prefix + own.charge).lstrip("_").isdecimal() for name in branches
               if name.startswith(prefix + own.charge)):  # fmt: skip
            return prefix
    return None


@dataclass(frozen=True)
class Branches:
    """The branches that are read.

    Parameters
    ----------
    charges : in the order of their numbers, 48 or 64
    columns : the others, by what they are
    """

    charges: tuple[str, ...]
    columns: dict[str, str]

    @classmethod
    def found(cls, here: set[str], options: RootOptions, where: str, cells: int, pixels: int) -> Branches:
        """Return the branches of a tree; DataError that names the first one that is missing."""
        own = options.modules
        prefix = prefix_of(here, options)
        if prefix is None:
            hint = did_you_mean(f"{own.charge}0", here)
            raise DataError(
                f"{where} has no branch {own.prefix or ''}{own.charge}0{hint}; expected charges of modules: say how "
                "they are called with data.root.modules"
            )
        between = "_" if f"{prefix}{own.charge}_0" in here or f"{prefix}{own.charge}_1" in here else ""
        names = [f"{prefix}{own.charge}{between}{i}" for i in range(pixels)]
        names = names if any(name in here for name in names[cells:]) else names[:cells]
        wanted = {name: getattr(own, name) for name in _NEEDED}
        columns = {name: f"{prefix}{branch}" for name, branch in wanted.items() if branch}
        for what, branch in (*(("", name) for name in names), *columns.items()):
            if branch not in here:
                key = f"; data.root.modules.{what} says how it is called, '' does without" if what else ""
                count = f" of {len(names)}" if not what else ""
                raise DataError(f"{where} has no branch {branch}{count}{did_you_mean(branch, here)}{key}")
        stem = own.eta.removesuffix("eta") if own.eta.endswith("eta") else "wafer_"
        more = {name: f"{prefix}{stem}{name}" for name in _OPTIONAL}
        return cls(tuple(names), columns | {name: branch for name, branch in more.items() if branch in here})


@dataclass
class ModuleFile:
    """An ntuple of modules, read in steps of whole events.

    Parameters
    ----------
    path : the file
    options : which modules, and the names of the branches
    geometry : maps pixels to trigger cells
    skipped : modules that were left out so far, counted

    Raises
    ------
    ConfigError
        When uproot is not installed, or an option is for ntuples of trigger cells.
    DataError
        When the file is missing, no ROOT file, cut off, or lacks the tree or a branch.
    """

    path: Path
    options: RootOptions
    geometry: WaferGeometry = LOW_DENSITY
    skipped: Skipped = field(default_factory=Skipped)

    def __post_init__(self) -> None:
        if self.options.charge != "data" or self.options.transverse:
            raise ConfigError(
                f"{self.path.name} has calibrated charges of modules; data.root.charge and data.root.transverse are "
                "for ntuples of trigger cells: leave them out"
            )
        opened = OpenRoot(self.path, self.options.tree)
        self._damage = opened.damage
        self._tree = opened.tree(self.options.tree)
        self._pixels = self.geometry.arrangement(_ARRANGEMENT).cells
        here = set(self._tree.keys())
        where = f"{self.path.name}: tree {self.options.tree}"
        self._branches = Branches.found(here, self.options, where, self.geometry.cells, len(self._pixels))
        for option, column in (("zside", "zside"), ("wafer", "u"), ("layers", "layer"), ("density", "type")):
            if getattr(self.options, option) not in (None, ()) and column not in self._branches.columns:
                raise DataError(f"{where} has no branch of {column}; data.root.{option} cannot choose modules")

    def __len__(self) -> int:
        """Return the number of entries."""
        return int(self._tree.num_entries)

    def batches(self) -> Iterator[tuple[Batch, int]]:
        """Return (images, entries read so far).

        The metadata are entry, and where the ntuple has the branches eta, wafer_u, wafer_v, layer and detector_layer
        (the same), wafertype, thickness (um), energy, sim_energy, zside, x, y, z, phi.

        Raises
        ------
        DataError
            When the file is damaged, branches differ in length, a charge is no integer of 22 bits or at a pixel without
            trigger cell, or the number or type of a module is none; names branch and entry.
        """
        names = [*self._branches.charges, *self._branches.columns.values()]
        provenance, done = Provenance(self.path.name, synthetic=False, steps=(self._read_step(),)), 0
        try:
            for arrays in self._tree.iterate(names, step_size=STEP, library="ak"):
                entry, columns = self._flat(arrays, names, done)
                done += len(arrays)
                batch = self._images(entry, columns, provenance)
                if len(batch):
                    yield batch, done
        except self._damage as problem:
            raise DataError(f"{self.path.name} is damaged after entry {done} ({first_line(problem)})") from problem

    def provenance(self) -> Provenance:
        """Return file, hash, options and what was left out of all batches read so far."""
        steps = [self._read_step()]
        if found := self._left_out():
            steps.append(f"left out: {found}")
        return Provenance(self.path.name, synthetic=False, sha256=sha256(self.path), steps=tuple(steps))

    def nothing_left(self) -> DataError:
        """Return the error for a file that gave no image."""
        return DataError(f"{self.path.name}: no module is left of {len(self)} entries; left out: {self._left_out()}")

    def _left_out(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.skipped.items() if count) or "none"

    def _read_step(self) -> str:
        o, charges = self.options, self._branches.charges
        chosen = [f"layers {','.join(map(str, o.layers))}"] if o.layers else []
        chosen += [f"wafer {o.wafer[0]},{o.wafer[1]}"] if o.wafer else []
        chosen += [f"zside {o.zside}"] if o.zside else []
        chosen += [f"{o.density_name} density"] if o.density else []
        how = f"pixels of {_ARRANGEMENT}" if len(charges) == len(self._pixels) else "trigger cells"
        return f"read modules of {o.tree}: {charges[0]}..{charges[-1]}, {how}" + "".join(f", {text}" for text in chosen)

    def _flat(self, arrays: Any, names: list[str], first: int) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
        """Return the entry and the values of every module."""
        import awkward as ak

        counts: NDArray[np.int64] | None = None
        columns: dict[str, NDArray[Any]] = {}
        for name in names:
            values = arrays[name]
            here = ak.to_numpy(ak.num(values)) if values.ndim > 1 else np.ones(len(values), np.int64)
            counts = here if counts is None else counts
            if values.ndim > 2 or not np.array_equal(here, counts):
                raise DataError(
                    f"{self.path.name}: branch {name} has other lengths than {names[0]}; expected one value per module"
                )
            columns[name] = ak.to_numpy(ak.flatten(values) if values.ndim > 1 else values)
        assert counts is not None
        return np.repeat(np.arange(first, first + len(counts)), counts), columns

    def _images(self, entry: NDArray[np.int64], columns: dict[str, NDArray[Any]], provenance: Provenance) -> Batch:
        branches = self._branches
        metadata: dict[str, NDArray[Any]] = {"entry": entry}
        for name, branch in branches.columns.items():
            values = columns[branch]
            whole = self._whole(branch, values, entry) if name in _WHOLE else values.astype(np.float64)
            metadata[_COLUMNS.get(name, name)] = whole
        if "layer" in metadata:
            metadata["detector_layer"] = metadata["layer"]
        if "wafertype" in metadata:
            kinds = metadata["wafertype"]
            self._refuse(branches.columns["type"], ~np.isin(kinds, list(THICKNESS_OF_TYPE)), kinds, entry, "0..3")
            metadata["thickness"] = np.array([THICKNESS_OF_TYPE[i] for i in range(4)])[kinds]
        pixels = [self._whole(name, columns[name], entry) for name in branches.charges]
        charges = np.zeros((len(entry), self.geometry.cells), np.int64)
        cells = self._pixels if len(pixels) == len(self._pixels) else range(self.geometry.cells)
        for number, (cell, values) in enumerate(zip(cells, pixels, strict=True)):
            name = branches.charges[number]
            if cell < 0:
                what = f"0, as pixel {number} of {_ARRANGEMENT} has no trigger cell"
                self._refuse(name, values != 0, values, entry, what)
            else:
                self._refuse(name, (values < 0) | (values >= 1 << 22), values, entry, "0..4194303")
                charges[:, cell] = values
        taken = self._taken(metadata)
        self.skipped["modules of other layers, numbers, sides or densities"] += int((~taken).sum())
        kept = {name: values[taken] for name, values in metadata.items()}
        return Batch(as_charges(charges[taken]), provenance, kept)

    def _taken(self, metadata: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
        o = self.options
        taken = np.ones(len(metadata["entry"]), np.bool_)
        if o.layers:
            taken &= np.isin(metadata["layer"], o.layers)
        if o.wafer is not None:
            taken &= (metadata["wafer_u"] == o.wafer[0]) & (metadata["wafer_v"] == o.wafer[1])
        if o.zside is not None:
            taken &= metadata["zside"] == o.zside
        if o.density is not None:
            taken &= np.isin(metadata["wafertype"], o.kinds())
        return taken

    def _whole(self, name: str, values: NDArray[Any], entry: NDArray[np.int64]) -> NDArray[np.int64]:
        if values.dtype.kind not in "iu":
            known = np.asarray(values, np.float64)
            bad = ~np.isfinite(known) | (known != np.floor(known)) | (np.abs(known) > 1 << 40)
            self._refuse(name, bad, known, entry, "an integer")
        return values.astype(np.int64)

    def _refuse(
        self, name: str, bad: NDArray[np.bool_], values: NDArray[Any], entry: NDArray[np.int64], expected: str
    ) -> None:
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{self.path.name}, entry {int(entry[row])}: {name} is {values[row]:g} in {int(bad.sum())} of "
                f"{len(bad)} modules; expected {expected}"
            )
