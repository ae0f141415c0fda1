"""HGCAL trigger-primitive ntuples (ROOT): the trigger cells of every event, grouped into images of modules.

The tree is that of CMSSW's ``HGCalTriggerNtupleManager``: one entry per event, one value per trigger cell with charge.
``tc_subdet`` is 1 in the silicon of CE-E, 2 in that of CE-H (``HGCalTriggerSubdetector``) and 10 in the scintillator
(``DetId::HGCalHSc``); ``tc_wafertype`` tells the
density of a module, see ``hits.DENSITY_OF_TYPE``.
``(tc_cellu, tc_cellv)`` are the lattice coordinates of ``WaferGeometry.lattice``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance, as_charges
from econ_ae.data.readers.hits import Hits, RootOptions, Skipped, images
from econ_ae.data.readers.root_file import STEP, OpenRoot, first_line
from econ_ae.errors import ConfigError, DataError, did_you_mean
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY, WaferGeometry

SUFFIX = ".root"

_PLACE = ("subdet", "zside", "layer", "waferu", "waferv", "cellu", "cellv")
_CHARGE = {"data": "tc_data", "uncompressed": "tc_uncompressedCharge", "compressed": "tc_compressedCharge"}
_OPTIONAL = {"wafertype": "tc_wafertype", "eta": "tc_eta", "sim_energy": "tc_simenergy", "mip_pt": "tc_mipPt"}


@dataclass
class RootFile:
    """An ntuple, read in steps of whole events.

    Parameters
    ----------
    path : the file
    options : which cells and which charge
    geometry : maps (cellu, cellv) to trigger cells
    skipped : what was left out so far, counted

    Raises
    ------
    ConfigError
        When uproot is not installed, or an option is impossible.
    DataError
        When the file is missing, no ROOT file, cut off, or lacks the tree or a branch.
    """

    path: Path
    options: RootOptions
    geometry: WaferGeometry = LOW_DENSITY
    skipped: Skipped = field(default_factory=Skipped)

    def __post_init__(self) -> None:
        if self.options.charge not in _CHARGE:
            hint = did_you_mean(self.options.charge, _CHARGE)
            raise ConfigError(f"charge {self.options.charge!r}; expected one of {', '.join(_CHARGE)}{hint}")
        opened = OpenRoot(self.path, self.options.tree)
        self._damage = opened.damage
        self._tree = opened.tree(self.options.tree)
        try:
            self._branches = self._chosen_branches()
        except self._damage as problem:
            raise DataError(f"{self.path.name} is no ROOT file, or damaged ({first_line(problem)})") from problem

    def __len__(self) -> int:
        """Return the number of events."""
        return int(self._tree.num_entries)

    def batches(self) -> Iterator[tuple[Batch, int]]:
        """Return (images, events read so far); an event's modules are always in one batch.

        Images are in the order of event, detector, side, layer and wafer. Modules without any charge are not in an
        ntuple. The metadata are entry, layer and detector_layer (the same), wafer_u, wafer_v, zside, and where the
        ntuple has the branches eta (mean over the cells, weighted by charge), sim_energy and mip_pt (sums).

        Raises
        ------
        DataError
            When the file is damaged, or a charge is no integer of 22 bits.
        """
        provenance = Provenance(self.path.name, synthetic=False, steps=(self._read_step(),))
        done = 0
        try:
            steps = self._tree.iterate(list(self._branches.values()), step_size=STEP, library="ak")
            for arrays in steps:
                hits = self._flat(arrays, done)
                done += len(arrays)
                charges, metadata = images(hits, self.options, self.geometry, self.skipped)
                if len(charges):
                    try:
                        batch = Batch(as_charges(charges), provenance, metadata)
                    except DataError as problem:
                        raise DataError(f"{self.path.name}, events up to {done}: {problem}") from problem
                    yield batch, done
        except self._damage as problem:
            raise DataError(f"{self.path.name} is damaged after event {done} ({first_line(problem)})") from problem

    def provenance(self) -> Provenance:
        """Return file, hash, options and what was left out of all batches read so far."""
        steps = [self._read_step()]
        if found := self._left_out():
            steps.append(f"left out: {found}")
        if "wafertype" not in self._branches:
            steps.append("no branch tc_wafertype: high-density modules, if any, are not left out")
        return Provenance(self.path.name, synthetic=False, sha256=sha256(self.path), steps=tuple(steps))

    def nothing_left(self) -> DataError:
        """Return the error for a file that gave no image."""
        found = self._left_out() or "none"
        return DataError(f"{self.path.name}: no trigger cell is left of {len(self)} events; left out: {found}")

    def _left_out(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self.skipped.items() if count)

    def _read_step(self) -> str:
        o = self.options
        chosen = [f"layers {','.join(map(str, o.layers))}"] if o.layers else []
        chosen += [f"wafer {o.wafer[0]},{o.wafer[1]}"] if o.wafer else []
        chosen += [f"zside {o.zside}"] if o.zside else []
        how = f"read {_CHARGE[o.charge]} of {o.tree}: {o.density_name} density"
        return how + "".join(f", {text}" for text in chosen) + (", times 1/cosh(eta)" if o.transverse else "")

    def _chosen_branches(self) -> dict[str, str]:
        here = set(self._tree.keys())
        needed = {name: f"tc_{name}" for name in _PLACE} | {"charge": _CHARGE[self.options.charge]}
        if self.options.transverse:
            needed["eta"] = "tc_eta"
        for branch in needed.values():
            if branch not in here:
                hint = did_you_mean(branch, here)
                raise DataError(f"{self.path.name}: tree {self.options.tree} has no branch {branch}{hint}")
        return needed | {name: branch for name, branch in _OPTIONAL.items() if branch in here}

    def _flat(self, arrays: Any, first: int) -> Hits:
        import awkward as ak

        counts: NDArray[np.int64] | None = None
        columns: dict[str, NDArray[np.generic]] = {}
        for name, branch in self._branches.items():
            if arrays[branch].ndim != 2:
                raise DataError(f"{self.path.name}: branch {branch} has no list per event; expected one value per cell")
            here = ak.to_numpy(ak.num(arrays[branch]))
            counts = here if counts is None else counts
            if not np.array_equal(here, counts):
                raise DataError(f"{self.path.name}: branch {branch} has other lengths than {self._branches['subdet']}")
            columns[name] = ak.to_numpy(ak.flatten(arrays[branch]))
        assert counts is not None
        return Hits(np.repeat(np.arange(first, first + len(counts)), counts), columns)
