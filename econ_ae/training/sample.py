"""What the network sees: normalised images and charge fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.emulator import input_images
from econ_ae.ir.model import Input, Normalise


@dataclass(frozen=True)
class Sample:
    """Encoder inputs and targets.

    Parameters
    ----------
    images : float32 (n, rows, cols, channels), multiples of 2**-fraction of the normaliser's format
    fractions : float32 (n, cells), charges divided by their sum
    """

    images: NDArray[np.float32]
    fractions: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)


def to_float(integers: NDArray[np.integer], fraction: int) -> NDArray[np.float32]:
    """Return integers as the float32 values that they stand for; exact below 2**24."""
    return (integers * 2.0**-fraction).astype(np.float32)


def make_sample(batch: Batch, source: Input, normalise: Normalise) -> Sample:
    """Return the sample of all events with charge; events without any have no fractions and are left out."""
    with_charge = batch[batch.total > 0]
    images = to_float(input_images(source, normalise, with_charge.charges), normalise.out.fraction)
    return Sample(images, (with_charge.charges / with_charge.total[:, None]).astype(np.float32))
