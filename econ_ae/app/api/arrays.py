"""What notebooks hand in as charges, crossings and frames: checked, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.data.batch import Batch, as_charges
from econ_ae.econt.words import ORBIT
from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY

FloatArray = NDArray[np.float64]


def charges_of(images: Batch | ArrayLike) -> NDArray[np.uint32]:
    """Return charges, uint32 (n, cells), of images, numpy arrays, lists or awkward arrays of equal lengths."""
    if isinstance(images, Batch):
        return images.charges
    values = array_of(images, "charges")
    if values.ndim != 2 or values.shape[1] != LOW_DENSITY.cells:
        raise DataError(f"charges have shape {values.shape}; expected (n, {LOW_DENSITY.cells})")
    return as_charges(values)


def numbers_of(images: Batch | ArrayLike) -> FloatArray:
    """Return charges of any scale, float64, of what ``charges_of`` takes."""
    if isinstance(images, Batch):
        return images.charges.astype(np.float64)
    values = array_of(images, "charges")
    if values.dtype.kind not in "iufb":
        raise DataError(f"charges are {values.dtype}; expected numbers of shape (n, {LOW_DENSITY.cells})")
    return values.astype(np.float64)


def array_of(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return values as an array; DataError where their lengths differ."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as problem:
        raise DataError(f"{what} are no array: {problem}; expected rows of equal length") from problem


def crossings_of(values: ArrayLike, events: int) -> NDArray[np.int64]:
    """Return bunch crossings, int64 (events,), 0..3563; DataError when they are no such numbers, or not as many."""
    when = array_of(values, "crossing")
    if when.shape != (events,):
        raise DataError(f"crossing has shape {when.shape}; expected ({events},)")
    if when.dtype.kind not in "iu":
        raise DataError(f"crossing is {when.dtype}; expected integers 0..{ORBIT - 1}")
    if events and (when.min() < 0 or when.max() >= ORBIT):
        raise DataError(f"crossing is {when.min()} to {when.max()}; expected integers 0..{ORBIT - 1}")
    return when.astype(np.int64)
