"""Views of what a layer gives: which element of a tensor is which output, see ``exact.builder``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from econ_ae.app.imported.encoder import Pads
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import IntArray


@dataclass(frozen=True)
class Image:
    """A view that is an image.

    Parameters
    ----------
    padding : zeros around it, in the tensor's rows and columns
    turned : the tensor's rows are the image's columns
    channels : which channel of the image every channel of the tensor is
    """

    rows: int
    cols: int
    padding: Pads
    turned: bool
    channels: IntArray


def image_of(view: IntArray, shape: tuple[int, ...], where: str, *, channels_first: bool) -> Image:
    """Return how a view of three axes shows an image of ``shape`` (rows, columns, channels).

    Raises
    ------
    ModelError
        When it does not.
    """
    if view.ndim != 3 or len(shape) != 3:
        raise ModelError(f"{where}: a convolution of a tensor {view.shape}; expected an image, convolutions first")
    view = view.transpose(1, 2, 0) if channels_first else view
    there = np.asarray((view >= 0).any(axis=2))
    rows, cols = (np.flatnonzero(np.any(there, axis=axis)) for axis in (1, 0))
    if rows.size and cols.size:
        box = view[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        padding = (
            (int(rows[0]), len(there) - 1 - int(rows[-1])),
            (int(cols[0]), there.shape[1] - 1 - int(cols[-1])),
        )
        whole = np.arange(math.prod(shape)).reshape(shape)
        for turned in (False, True):
            wanted = whole.transpose(1, 0, 2) if turned else whole
            channels = box[0, 0] % shape[2]
            if box.shape == wanted.shape and np.array_equal(box, wanted[:, :, channels]):
                return Image(box.shape[0], box.shape[1], padding, turned, channels)
    raise ModelError(
        f"{where}: a convolution of values in another order than those of the image {'x'.join(map(str, shape))}; "
        f"expected {'channels, rows, columns' if channels_first else 'rows, columns, channels'}"
    )


def spread(value: IntArray, view: IntArray) -> IntArray:
    """Return a value for every element of the view."""
    return np.broadcast_to(np.asarray(value, np.int64), view.shape)


def per_unit(value: Array | IntArray, view: IntArray, units: int) -> Array | None:
    """Return a value per channel, or unit, of one per element; None where they differ from pixel to pixel.

    Channels without an element in the view get the value of some other channel.
    """
    there = view >= 0
    found = np.full(units, np.nan)
    unit = (view % units)[there]
    values = np.asarray(value, np.float64)[there]
    found[unit] = values
    if not np.array_equal(found[unit], values):
        return None
    return np.where(np.isnan(found), values[0] if values.size else 0.0, found)
