"""Proof that float32 computes an encoder's integers: every value on the way is an integer below 2**24 times 2**k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.fixedpoint import Overflow
from econ_ae.ir.model import EncoderModel, Stage

LIMIT = 1 << 24
"""float32 holds every integer up to this one."""


@dataclass(frozen=True)
class Bound:
    """The largest magnitudes of one layer, integers.

    Parameters
    ----------
    layer : its name
    product : of an input times a weight, before it is floored
    partial : of a sum of some of its floored products and the bias, whatever the order of adding
    requantised : of what the requantisation makes before it clips or wraps
    """

    layer: str
    product: int
    partial: int
    requantised: int

    @property
    def largest(self) -> int:
        """The largest of all."""
        return max(self.product, self.partial, self.requantised)


def bounds(model: EncoderModel) -> tuple[Bound, ...]:
    """Return the bounds of every layer for its own weights and every image of the input format."""
    return tuple(_bound(stage) for stage in model.stages)


def require_exact(model: EncoderModel) -> tuple[Bound, ...]:
    """Return ``bounds``.

    Raises
    ------
    ModelError
        When float32 could round: names the layer and the number that is too large.
    """
    if model.normalise.out.max >= LIMIT:
        raise ModelError(f"{model.name}: its input {model.normalise.out} has integers that float32 cannot hold (2^24)")
    found = bounds(model)
    for one in found:
        if one.largest >= LIMIT:
            raise ModelError(
                f"{model.name}: numbers of {one.layer} reach {one.largest:.2e}; float32 computes integers exactly "
                "below 2^24, so a graph of it could differ from the chip; use fewer inputs or bits"
            )
    return found


def _bound(stage: Stage) -> Bound:
    layer, fmt = stage.layer, stage.in_format
    kernel = layer.kernel.reshape(-1, layer.kernel.shape[-1])
    size = max(fmt.max, -fmt.min)
    products = np.abs(kernel) * size
    # A floored product is at most one larger in magnitude than the product it is of, shifted.
    floored = (products >> stage.product_shift) + (1 if stage.product_shift else 0)
    bias = np.abs(layer.bias) << stage.bias_shift
    partial = int((floored.sum(axis=0) + bias).max())
    op = stage.requantise
    shift = stage.accumulator_fraction - op.out.fraction
    requantised = partial if shift >= 0 else partial << -shift
    if op.overflow is Overflow.WRAP:
        requantised += 1 << op.out.width
    return Bound(layer.name, int(products.max(initial=0)), partial, max(requantised, op.out.max))
