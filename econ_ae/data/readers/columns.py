"""CSV with one named column per trigger cell: charges (Ecoder, fastml-science) or 7-bit codes, and metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import CHARGE_BITS
from econ_ae.data.readers.table import Lines, Located, Progress, check_integers, parse
from econ_ae.errors import DataError

CHARGE_PREFIX = "CALQ_"
CODE_PREFIX = "CODE_"
_INDEX = re.compile(r"|Unnamed: ?\d+")
_NAMES = {
    "eta": "eta", "tc_eta": "eta", "phi": "phi", "tc_phi": "phi", "layer": "layer", "tc_layer": "layer",
    "waferu": "wafer_u", "wafer_u": "wafer_u", "waferv": "wafer_v", "wafer_v": "wafer_v",
    "simenergy": "sim_energy", "simenergytotal": "sim_energy", "sime": "sim_energy", "sim_energy": "sim_energy",
}  # fmt: skip
_WHOLE = ("layer", "wafer_u", "wafer_v")

Metadata = Mapping[str, NDArray[np.generic]]


def has_cells(names: Sequence[str], prefix: str) -> bool:
    """Tell whether the header has a column of this prefix."""
    return any(re.fullmatch(prefix + r"\d+", name, re.IGNORECASE) for name in names)


def read_columns(
    lines: Lines, names: Sequence[str], prefix: str, count: int, progress: Progress | None
) -> tuple[NDArray[np.int64], Metadata, tuple[str, ...]]:
    """Return (values, metadata, ignored) of a file with columns ``<prefix>0``..``<prefix>count-1``, in any place.

    Returns
    -------
    values : int64 (rows, count), charges below 2**22 or codes below 2**7, in the order of the trigger cells
    metadata : arrays (rows,) of the other numeric columns, the usual names mapped to those of a Batch
    ignored : names of the columns with labels instead of numbers

    Raises
    ------
    DataError
        When a cell column is missing or double, a row has another length, or a cell is no such integer.
    """
    required = np.zeros(len(names), np.bool_)
    required[_places(lines.file, names, prefix, count)] = True
    return column_values(lines, names, parse(lines, names, required, progress), prefix, count)


def column_values(
    lines: Located, names: Sequence[str], table: NDArray[np.float64], prefix: str, count: int
) -> tuple[NDArray[np.int64], Metadata, tuple[str, ...]]:
    """Return what ``read_columns`` returns, of a table of numbers (rows, columns)."""
    place = _places(lines.file, names, prefix, count)
    required = np.zeros(len(names), np.bool_)
    required[place] = True
    if prefix == CHARGE_PREFIX:
        largest, what = (1 << CHARGE_BITS) - 1, "charge"
    else:
        largest, what = 127, "TC code"
    values = check_integers(lines, [names[i] for i in place], table[:, place], largest, what)
    metadata, ignored = _metadata(names, required, table)
    return values, metadata, ignored


def _places(file: str, names: Sequence[str], prefix: str, count: int) -> list[int]:
    found: dict[int, int] = {}
    for i, name in enumerate(names):
        match = re.fullmatch(prefix + r"(\d+)", name, re.IGNORECASE)
        if match is None:
            continue
        cell = int(match[1])
        if cell in found:
            raise DataError(f"{file}: column {name} appears twice in the header; expected one per trigger cell")
        if cell >= count:
            raise DataError(f"{file}: column {name} in the header; expected {prefix}0..{prefix}{count - 1}")
        found[cell] = i
    missing = [f"{prefix}{cell}" for cell in range(count) if cell not in found]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise DataError(f"{file}: column {shown} missing; expected {prefix}0..{prefix}{count - 1} in the header")
    return [found[cell] for cell in range(count)]


def _metadata(
    names: Sequence[str], taken: NDArray[np.bool_], table: NDArray[np.float64]
) -> tuple[Metadata, tuple[str, ...]]:
    metadata: dict[str, NDArray[np.generic]] = {}
    ignored = []
    for i, name in enumerate(names):
        if taken[i] or (i == 0 and _INDEX.fullmatch(name)):
            continue
        values = table[:, i].copy()
        if np.isnan(values).all():
            ignored.append(name)
            continue
        known = _NAMES.get(name.lower(), name)
        key = name if known in metadata else known
        whole = key in _WHOLE and bool((np.isfinite(values) & (values == np.floor(values))).all())
        metadata[key] = values.astype(np.int64) if whole else values
    return metadata, tuple(ignored)
