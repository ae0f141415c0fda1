"""Whole events as a numpy archive (.npz) of the form of ``readers.cms_events``, with their truth beside them.

Further arrays: ``generator``, a text, which says that the file was generated and how, and the truth (``data.truth``).
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.readers.cms_events import GENERATOR
from econ_ae.data.truth import PREFIX, Truth, joined_truth
from econ_ae.data.whole_events import WholeEvents
from econ_ae.errors import DataError
from econ_ae.floatcodes import decode, encode
from econ_ae.geometry import FloatArray

_KINDS = {
    "codes": np.uint8,
    "event": np.int32,
    "zside": np.int8,
    "layer": np.uint8,
    "wafer": np.uint16,
    "x_cm": np.float32,
    "y_cm": np.float32,
    "eta": np.float32,
    "thickness_um": np.uint16,
    "gev_per_count": np.float32,
}


def write(path: Path, parts: Iterable[WholeEvents], depths: FloatArray) -> int:
    """Write events in parts, each as it comes; return the number of module images.

    The file is made beside its place and moved there at the end; what was there is replaced.

    Parameters
    ----------
    depths : float64 (layers,), absolute z of all trigger layers in cm

    Raises
    ------
    DataError
        When a charge is not the count of a 4E3M code, or there is no image.
    """
    temporary, rows, cells = path.with_name(f"writing-{path.name}"), 0, 0
    truth: list[Truth] = []
    generator = ""
    with tempfile.TemporaryDirectory(prefix=".events-", dir=path.parent) as folder:
        for part in parts:
            for name, values in _columns(part):
                with (Path(folder) / name).open("ab") as stream:
                    stream.write(np.ascontiguousarray(values, _KINDS[name]).tobytes())
            rows, cells = rows + len(part), part.batch.cells
            generator = part.batch.provenance.source if part.batch.provenance.synthetic else ""
            truth += [] if part.truth is None else [part.truth]
        if not rows:
            raise DataError(f"{path.name}: no module has charge; expected particles or pileup")
        try:
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, kind in _KINDS.items():
                    shape = (rows, cells) if name == "codes" else (rows,)
                    with (
                        archive.open(f"{name}.npy", "w", force_zip64=True) as out,
                        (Path(folder) / name).open("rb") as s,
                    ):
                        out.write(_head(shape, np.dtype(kind)))
                        shutil.copyfileobj(s, out)
                small: dict[str, NDArray[Any]] = {"z_cm_of_layer": depths.astype(np.float32)}
                if generator:
                    small[GENERATOR] = np.array(generator)
                if truth:
                    whole = joined_truth(truth)
                    small |= {f"{PREFIX}{column.name}": getattr(whole, column.name) for column in fields(Truth)}
                for name, values in small.items():
                    with archive.open(f"{name}.npy", "w") as out:
                        out.write(_array(values))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return rows


def _columns(part: WholeEvents) -> Iterator[tuple[str, NDArray[Any]]]:
    columns = part.batch.metadata
    charges = part.batch.charges.astype(np.int64)
    codes = encode(charges, 4, 3)
    significand, shift = decode(codes, 4, 3)
    if not np.array_equal(significand << shift, charges):
        raise DataError(
            f"{part.batch.provenance.source}: charges are no counts of 4E3M codes; expected events read or generated "
            "as counts"
        )
    yield "codes", codes
    for name in ("event", "zside", "layer", "wafer", "eta"):
        yield name, np.asarray(columns[name])
    yield "thickness_um", np.asarray(columns["thickness"])
    for name in ("x_cm", "y_cm", "gev_per_count"):
        yield name, getattr(part, name)


def _head(shape: tuple[int, ...], kind: np.dtype[Any]) -> bytes:
    out = io.BytesIO()
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue()


def _array(values: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, values, allow_pickle=False)
    return out.getvalue()
