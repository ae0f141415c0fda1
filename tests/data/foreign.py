"""The same images in files as others write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.required import require_module

pyarrow = require_module("pyarrow", "pip install 'econ-ae[parquet]'")
parquet = require_module("pyarrow.parquet", "pip install 'econ-ae[parquet]'")

RNG = np.random.default_rng(5)
CHARGES = RNG.integers(0, 3000, (7, 48))
ETA = RNG.uniform(1.5, 3, 7)
NAMES = [f"CALQ_{i}" for i in range(48)]
PLAIN = "\n".join(
    [",".join([*NAMES, "eta"]), *(",".join(map(str, [*r, e])) for r, e in zip(CHARGES, ETA, strict=True))]
)


def columns() -> dict[str, Any]:
    return {name: CHARGES[:, i] for i, name in enumerate(NAMES)} | {"tc_eta": ETA}


def hdf5_columns(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values in columns().items():
            file[f"events/{name}"] = values
        file["events/label"] = np.array([b"pion"] * 7)
        file["elsewhere/short"] = np.arange(3)


def hdf5_array(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("charges", data=CHARGES.astype(float), compression="gzip")
        file["tc_eta"] = ETA


def hdf5_table(path: Path) -> None:
    table = np.zeros(7, [(name, np.asarray(values).dtype) for name, values in columns().items()])
    for name, values in columns().items():
        table[name] = values
    with h5py.File(path, "w") as file:
        file["table"] = table


def parquet_columns(path: Path) -> None:
    parquet.write_table(pyarrow.table(columns() | {"label": ["pion"] * 7}), path)


def parquet_lists(path: Path) -> None:
    parquet.write_table(pyarrow.table({"tc_eta": ETA, "CALQ": list(CHARGES.astype(np.uint32))}), path)


WRITERS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "HDF5 columns": ("x.h5", hdf5_columns, "read charges (HDF5, /events)"),
    "HDF5 array": ("x.hdf5", hdf5_array, "read charges (HDF5, /)"),
    "HDF5 table": ("x.h5", hdf5_table, "read charges (HDF5, /)"),
    "Parquet columns": ("x.parquet", parquet_columns, "read charges (Parquet)"),
    "Parquet lists": ("x.pq", parquet_lists, "read charges (Parquet)"),
}
