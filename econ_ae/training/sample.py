"""What the network sees: normalised images, module sums with conditions, and charge fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import NONE, Conditions
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
    beside : float32 (n, 1 + features), what the decoder may know besides the latents: ``sum_feature``, conditions
    fractions : float32 (n, cells), charges divided by their sum
    """

    images: NDArray[np.float32]
    beside: NDArray[np.float32]
    fractions: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)


def to_float(integers: NDArray[np.integer], fraction: int) -> NDArray[np.float32]:
    """Return integers as the float32 values that they stand for; exact below 2**24."""
    return (integers * 2.0**-fraction).astype(np.float32)


def sum_feature(totals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return log2(total + 1) / 28, float32 (n, 1), of module sums (n,) as a receiver decodes them from the frame."""
    return (np.log2(totals + 1) / _SUM_BITS).astype(np.float32)[:, None]


def decoder_input(latents: NDArray[np.float32], beside: NDArray[np.float32], *, use_sum: bool) -> NDArray[np.float32]:
    """Return the decoder's input, float32 (n, columns): latents, the sum if it is used, conditions."""
    return np.concatenate([latents, beside if use_sum else beside[:, 1:]], axis=1)


def make_sample(batch: Batch, source: Input, normalise: Normalise, conditions: Conditions = NONE) -> Sample:
    """Return the sample of all events with charge; events without any have no fractions and are left out.

    Raises
    ------
    DataError
        When the batch has not what the conditions need.
    """
    with_charge = batch[batch.total > 0]
    images = to_float(input_images(source, normalise, with_charge.charges), normalise.out.fraction)
    sums = sum_feature(mid_bin(sum_code(with_charge.charges), SUM_EXPONENT, SUM_MANTISSA))
    beside = np.concatenate([sums, conditions.features(with_charge)], axis=1)
    return Sample(images, beside, (with_charge.charges / with_charge.total[:, None]).astype(np.float32))
