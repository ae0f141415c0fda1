"""Batch: trigger-cell images and their metadata, kept together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.errors import DataError

CHARGE_BITS = 22
"""Width of a calibrated charge CALQ in the ECON-T (spec 3)."""

"""Metadata columns with a fixed meaning; others are kept under their own names."""

MIP_COUNTS = 35
"""CALQ counts of one MIP_T (fastml-science)."""


@dataclass(frozen=True)
class Provenance:
    """Where a batch comes from.

    Parameters
    ----------
    source : file name or generator description, without the path
    synthetic : True for generated images, False for recorded or simulated ones, as the source says
    sha256 : of the source file, or of the generator's parameters
    steps : what was done to it since
    """

    source: str
    synthetic: bool
    sha256: str = ""
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Batch:
    """Trigger-cell charges of n modules and crossings, with metadata of the same length.

    Parameters
    ----------
    charges : uint32 (n, cells), CALQ counts below 2**22
    provenance : where they come from
    metadata : arrays (n,) by name; some names have a fixed meaning (eta, phi in radians,
        layer, wafer_u, wafer_v, sim_energy in GeV)

    Raises
    ------
    DataError
        When a charge is negative, above 22 bits or no integer, or when a length differs.
    """

    charges: NDArray[np.uint32]
    provenance: Provenance
    metadata: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        charges = as_charges(self.charges)
        columns = {name: np.array(values) for name, values in self.metadata.items()}
        for name, values in columns.items():
            if values.shape != (len(charges),):
                raise DataError(f"metadata {name!r} has shape {values.shape}; expected ({len(charges)},)")
            values.setflags(write=False)
        object.__setattr__(self, "charges", charges)
        object.__setattr__(self, "metadata", MappingProxyType(columns))

    def __len__(self) -> int:
        return len(self.charges)

    @property
    def cells(self) -> int:
        """Trigger cells per image."""
        return self.charges.shape[1]

    @property
    def occupancy(self) -> NDArray[np.int64]:
        """int64 (n,): cells with charge."""
        return np.count_nonzero(self.charges, axis=1)

    @property
    def total(self) -> NDArray[np.int64]:
        """int64 (n,): sum of the charges, CALQ counts."""
        return self.charges.sum(axis=1, dtype=np.int64)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.integer]) -> Batch:
        """Return the given rows (slice, mask or indices); charges and metadata are filtered together."""
        return replace(
            self,
            charges=self.charges[rows],
            metadata={name: values[rows] for name, values in self.metadata.items()},
        )

    def after(self, step: str) -> Batch:
        """Return the same rows with one more provenance step."""
        return replace(self, provenance=replace(self.provenance, steps=(*self.provenance.steps, step)))

    def _repr_html_(self) -> str:
        source = f"{self.provenance.source}{' (synthetic)' if self.provenance.synthetic else ''}"
        rows = {
            "images": len(self),
            "cells": self.cells,
            "source": source,
            "mean occupancy": f"{self.occupancy.mean():.1f}" if len(self) else "-",
            "metadata": ", ".join(self.metadata) or "none",
        }
        cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items())
        return f"<table>{cells}</table>"

    def content_hash(self) -> str:
        """sha256 over charges and metadata."""
        digest = hashlib.sha256(self.charges.tobytes())
        for name in sorted(self.metadata):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.metadata[name]).tobytes())
        return digest.hexdigest()


def concatenated(parts: Sequence[Batch]) -> Batch:
    """Return batches with equal columns as one, with the provenance of the first."""
    metadata = {name: np.concatenate([part.metadata[name] for part in parts]) for name in parts[0].metadata}
    return Batch(np.concatenate([part.charges for part in parts]), parts[0].provenance, metadata)


def as_charges(values: ArrayLike) -> NDArray[np.uint32]:
    """Return integers (n, cells) as charges, read-only; DataError that names the first one that is no charge."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise DataError(f"charges must have shape (n, cells), not {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"charges must be integers, not {array.dtype}")
    bad = (array < 0) | (array >= 1 << CHARGE_BITS)
    if bad.any():
        row, cell = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"charge {int(array[row, cell])} in row {row}, trigger cell {cell}; expected 0..{(1 << CHARGE_BITS) - 1}"
        )
    out = array.astype(np.uint32)
    out.setflags(write=False)
    return out
