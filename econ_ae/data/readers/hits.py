"""From a list of trigger cells with charge to images of modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from econ_ae.config import ModuleBranchesConfig, RootConfig
from econ_ae.errors import DataError
from econ_ae.floatcodes import HIGH_DENSITY, decode_4e3m
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.geometry import WaferGeometry

SILICON = {1: "CE-E", 2: "CE-H"}
SCINTILLATOR = 10
DENSITY_OF_TYPE = {0: HIGH_DENSITY, 1: LOW_DENSITY_BITS, 2: LOW_DENSITY_BITS, 3: HIGH_DENSITY}
"""Density of the 4E3M code by ``tc_wafertype`` (CMSSW's HGCSiliconDetId): high density of 120 um, low density of 200
and 300 um, high density of 200 um silicon."""

TREE = "hgcalTriggerNtuplizer/HGCalTriggerNtuple"
"""Of CMSSW's ntuples of trigger cells."""

_UNITY = 11  # a calibration factor of 2048 is 1.0 (ECON-T, spec 3)


@dataclass(frozen=True)
class RootOptions:
    """What is taken of an ntuple.

    Parameters
    ----------
    tree : name of the tree in the file
    charge : ``data`` (the charge that the front end's code stands for), ``uncompressed`` (before that code) or
        ``compressed`` (the 7-bit code itself, decoded here)
    layers : trigger layers to take, all when empty
    wafer : (u, v) of the one wafer to take, or None for all
    zside : 1 or -1 for one side, or None for both
    density : of the modules to take, 1 (low) or 3 (high); None takes those of low density from ntuples of trigger
        cells, and all from ntuples of modules
    transverse : multiply every charge by floor(2048 / cosh(eta)) / 2048, as the chip's calibration does
    modules : names of the branches in ntuples of modules
    """

    tree: str = TREE
    charge: str = "data"
    layers: tuple[int, ...] = ()
    wafer: tuple[int, int] | None = None
    zside: int | None = None
    density: int | None = None
    transverse: bool = False
    modules: ModuleBranchesConfig = field(default_factory=ModuleBranchesConfig)

    @classmethod
    def of(cls, config: RootConfig, density: int | None) -> RootOptions:
        """Return what a configuration takes of an ntuple."""
        own = {name: getattr(config, name) for name in type(config).model_fields}
        return cls(**own, density=density)

    @property
    def bits(self) -> int:
        """Bits that the front end of the trigger cells dropped."""
        return self.density or LOW_DENSITY_BITS

    @property
    def density_name(self) -> str:
        """``low`` or ``high``."""
        return "high" if self.density == HIGH_DENSITY else "low"

    def kinds(self) -> list[int]:
        """Return the types of modules that are taken."""
        return [kind for kind, density in DENSITY_OF_TYPE.items() if density == self.bits]


Skipped = Counter[str]
"""How many cells were left out, by what they are."""


@dataclass(frozen=True, eq=False)
class Hits:
    """Trigger cells with charge of whole events.

    Parameters
    ----------
    event : int64 (n,), number of the event, rising
    columns : (n,) each: subdet, zside, layer, waferu, waferv, cellu, cellv, charge, and perhaps wafertype, eta,
        sim_energy, mip_pt
    """

    event: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.generic]]

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Hits:
        return Hits(self.event[rows], {name: values[rows] for name, values in self.columns.items()})

    def __len__(self) -> int:
        return len(self.event)


_MODULE = ("subdet", "zside", "layer", "waferu", "waferv")
_NAMES = {"waferu": "wafer_u", "waferv": "wafer_v"}
Images = tuple[NDArray[np.int64], dict[str, NDArray[np.generic]]]


def images(hits: Hits, options: RootOptions, geometry: WaferGeometry, skipped: Skipped) -> Images:
    """Return (charges, metadata) of every module of every event, and count in ``skipped`` what is left out.

    Returns
    -------
    charges : int64 (modules, cells)
    metadata : see ``RootFile.batches``

    Raises
    ------
    DataError
        When a charge is no integer, or a compressed charge has more than 7 bits.
    """
    hits = _selected(hits, options, skipped)
    cell = _cells(hits, geometry)
    known = cell >= 0
    skipped["cells outside the module's lattice"] += int((~known).sum())
    hits, cell = hits[known], cell[known]
    columns = hits.columns
    whole = {"entry": hits.event, **{name: columns[name].astype(np.int64) for name in _MODULE}}
    key = np.zeros(len(hits), np.int64)
    for values in whole.values():
        if len(values):
            key = key * (int(values.max()) - int(values.min()) + 1) + values - values.min()
    _, sample, row = np.unique(key, return_index=True, return_inverse=True)
    modules = {name: values[sample] for name, values in whole.items()}
    _, first = np.unique(row * geometry.cells + cell, return_index=True)
    skipped["repeated cells (the first was kept)"] += len(hits) - len(first)
    hits, cell, row = hits[first], cell[first], row[first]
    charge = _charges(hits, options)
    charges = np.zeros((len(sample), geometry.cells), np.int64)
    charges[row, cell] = charge
    metadata: dict[str, NDArray[np.generic]] = {_NAMES.get(name, name): values for name, values in modules.items()}
    metadata["detector_layer"] = modules["layer"]
    if "eta" in hits.columns:
        weight = np.bincount(row, charge, len(sample))
        moment = np.bincount(row, charge * np.asarray(hits.columns["eta"], np.float64), len(sample))
        metadata["eta"] = moment / np.maximum(weight, 1)
    for name in ("sim_energy", "mip_pt"):
        if name in hits.columns:
            metadata[name] = np.bincount(row, np.asarray(hits.columns[name], np.float64), len(sample))
    return charges, metadata


def _selected(hits: Hits, options: RootOptions, skipped: Skipped) -> Hits:
    subdet = hits.columns["subdet"]
    scintillator, silicon = subdet == SCINTILLATOR, np.isin(subdet, list(SILICON))
    skipped["scintillator cells"] += int(scintillator.sum())
    skipped["cells of other detectors"] += int((~scintillator & ~silicon).sum())
    hits = hits[silicon]
    if "wafertype" in hits.columns:
        right = np.isin(hits.columns["wafertype"], options.kinds())
        skipped["cells of modules of the other density"] += int((~right).sum())
        hits = hits[right]
    chosen = np.ones(len(hits), np.bool_)
    if options.layers:
        chosen &= np.isin(hits.columns["layer"], options.layers)
    if options.wafer is not None:
        chosen &= (hits.columns["waferu"] == options.wafer[0]) & (hits.columns["waferv"] == options.wafer[1])
    if options.zside is not None:
        chosen &= hits.columns["zside"] == options.zside
    skipped["cells of other layers, wafers or sides"] += int((~chosen).sum())
    return hits[chosen]


def _cells(hits: Hits, geometry: WaferGeometry) -> NDArray[np.intp]:
    """Return the trigger cell of every hit, -1 outside the lattice."""
    table = geometry.cell_at
    u, v = (np.asarray(hits.columns[name], np.int64) for name in ("cellu", "cellv"))
    inside = (u >= 0) & (u < table.shape[0]) & (v >= 0) & (v < table.shape[1])
    return np.where(inside, table[np.where(inside, u, 0), np.where(inside, v, 0)], -1)


def _charges(hits: Hits, options: RootOptions) -> NDArray[np.int64]:
    values = hits.columns["charge"]
    if not np.issubdtype(values.dtype, np.integer):
        whole = np.asarray(values, np.float64)
        if not (np.isfinite(whole) & (whole == np.floor(whole))).all():
            raise DataError("a charge is no integer; choose another branch with data.root.charge")
    charge = values.astype(np.int64)
    if options.charge == "compressed":
        if charge.size and (charge.min() < 0 or charge.max() > 127):
            raise DataError(
                f"compressed charges of {charge.min()}..{charge.max()}; expected 7-bit codes: this ntuple was made "
                "with another code, read data.root.charge = 'data'"
            )
        charge = decode_4e3m(charge, options.bits)
    if options.transverse:
        factor = np.floor((1 << _UNITY) / np.cosh(np.asarray(hits.columns["eta"], np.float64))).astype(np.int64)
        charge = (charge * factor) >> _UNITY
    return charge
