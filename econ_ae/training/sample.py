"""What the network sees: normalised images, module sums with conditions, and charge fractions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import NONE, Conditions
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import mid_bin
from econ_ae.emulator import input_images
from econ_ae.ir.model import Input, Normalise

SUMS = 2
"""Columns of ``sum_features``."""
SUM_BITS = 28  # of the module sum (ECON-T, spec 6.1)


@dataclass(frozen=True)
class Sample:
    """Encoder inputs and targets.

    Parameters
    ----------
    images : float32 (n, rows, cols, channels), multiples of 2**-fraction of the normaliser's format
    beside : float32 (n, 2 + features), what the decoder may know besides the latents: ``sum_features``, conditions
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
    return (np.log2(totals + 1) / SUM_BITS).astype(np.float32)[:, None]


def totals_of(feature: Any) -> Any:
    """Return the sums (n,) of their ``sum_feature``, tensors of float32 (n, 1) to (n,)."""
    return tf.pow(2.0, SUM_BITS * feature[:, 0]) - 1.0


def sum_features(totals: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what a decoder may get of module sums (n,) from the frame, float32 (n, 2).

    Beside ``sum_feature`` the sum divided by the largest power of two in it, minus 1: the latents grow with it, since
    the normaliser divides by that power alone. 0 for a sum below 1.
    """
    sums = np.maximum(totals, 1.0)
    scale = sums / 2.0 ** np.floor(np.log2(sums)) - 1.0
    return np.concatenate([sum_feature(totals), scale.astype(np.float32)[:, None]], axis=1)


def received_sums(charges: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the module sums (n,) of charges (n, cells) as their code in the frame says."""
    return mid_bin(sum_code(charges), SUM_EXPONENT, SUM_MANTISSA)


def decoder_input(
    latents: NDArray[np.float32], beside: NDArray[np.float32], sum_columns: Sequence[int]
) -> NDArray[np.float32]:
    """Return the decoder's input, float32 (n, columns): latents, what is used of the sum, conditions."""
    return np.concatenate([latents, beside[:, list(sum_columns)], beside[:, SUMS:]], axis=1)


def make_sample(batch: Batch, source: Input, normalise: Normalise, conditions: Conditions = NONE) -> Sample:
    """Return the sample of all events with charge; events without any have no fractions and are left out.

    Raises
    ------
    DataError
        When the batch has not what the conditions need.
    """
    with_charge = batch[batch.total > 0]
    images = to_float(input_images(source, normalise, with_charge.charges), normalise.out.fraction)
    sums = sum_features(received_sums(with_charge.charges))
    beside = np.concatenate([sums, conditions.features(with_charge)], axis=1)
    return Sample(images, beside, (with_charge.charges / with_charge.total[:, None]).astype(np.float32))
