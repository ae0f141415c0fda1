"""Where the reading of a network begins: which element of the input tensor is which place of an image."""

from __future__ import annotations

import math

import numpy as np

from econ_ae.app.imported.encoder import NO_PADS, Encoder, Pads
from econ_ae.app.imported.exact.builder import Builder
from econ_ae.app.imported.settings import Choice
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY


def started(found: Encoder, view: IntArray, pads: Pads | None = None) -> Builder:
    """Return a builder; ``pads`` are zeros that the input has around its image (rows, columns, channels)."""
    if pads is not None and pads != NO_PADS:
        view = np.pad(view, (*pads, (0, 0)), constant_values=-1)
    return Builder(found, view)


def from_row(size: int, choice: Choice) -> Builder | None:
    """Return a builder for an image whose values are in one row, channels last; None when no image has as many."""
    for one in LOW_DENSITY.arrangements.values():
        if math.prod(one.shape) == size:
            found = Encoder(one, choice, one.shape)
            found.say(f"the {size} inputs are read as an image {one.name}, row by row, channels last")
            return Builder(found, np.arange(size))
    return None
