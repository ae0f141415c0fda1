"""What the network sees: normalised images, module sums and charge fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import mid_bin
from econ_ae.emulator import input_images
from econ_ae.ir.model import Input, Normalise

_SUM_BITS = 28  # of the module sum (ECON-T, spec 6.1)


@dataclass(frozen=True)
class Sample:
    """Encoder inputs and targets.

    Parameters
    ----------
    images : float32 (n, rows, cols, channels), multiples of 2**-fraction of the normaliser's format
    sums : float32 (n, 2), see ``sum_features``
    fractions : float32 (n, cells), charges divided by their sum
    """

    images: NDArray[np.float32]
    sums: NDArray[np.float32]
    fractions: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)


def to_float(integers: NDArray[np.integer], fraction: int) -> NDArray[np.float32]:
    """Return integers as the float32 values that they stand for; exact below 2**24."""
    return (integers * 2.0**-fraction).astype(np.float32)


def sum_feature(totals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return log2(total + 1) / 28, float32 (n, 1), of module sums (n,) as a receiver decodes them from the frame."""
    return (np.log2(totals + 1) / _SUM_BITS).astype(np.float32)[:, None]


def sum_features(totals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what a decoder may get of module sums (n,) from the frame, float32 (n, 2).

    Beside ``sum_feature`` the sum divided by the largest power of two in it, minus 1: the latents grow with it, since
    the normaliser divides by that power alone. 0 for a sum below 1.
    """
    sums = np.maximum(totals, 1.0)
    scale = sums / 2.0 ** np.floor(np.log2(sums)) - 1.0
    return np.concatenate([sum_feature(totals), scale.astype(np.float32)[:, None]], axis=1)


def make_sample(batch: Batch, source: Input, normalise: Normalise) -> Sample:
    """Return the sample of all events with charge; events without any have no fractions and are left out."""
    with_charge = batch[batch.total > 0]
    images = to_float(input_images(source, normalise, with_charge.charges), normalise.out.fraction)
    sums = sum_features(mid_bin(sum_code(with_charge.charges), SUM_EXPONENT, SUM_MANTISSA))
    return Sample(images, sums, (with_charge.charges / with_charge.total[:, None]).astype(np.float32))
