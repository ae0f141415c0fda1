"""Models that compute the same layers in another arithmetic."""

from __future__ import annotations

from dataclasses import replace

from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Op, Requantise, TrnEach
from econ_ae.ir.validate import check


def truncate_products(model: EncoderModel) -> EncoderModel:
    """Return the model with the chip's arithmetic: every product floored before it is added (ECON-T, spec 6.4, 6.5).

    Each layer's products lose the bits below the format that follows it, so the requantisation drops none. For the
    chip's shape these are its 7 and 8 fractional bits.

    Raises
    ------
    ModelError
        When a format is finer than the products before it.
    """
    ops: list[Op] = list(model.ops)
    for i, (op, following) in enumerate(zip(model.ops, model.ops[1:], strict=False)):
        if isinstance(op, Conv2D | Dense) and isinstance(following, Requantise):
            ops[i] = replace(op, accumulate=TrnEach(following.out.fraction))
    provenance = dict(model.provenance) | {"arithmetic": "every product floored before it is added"}
    return check(replace(model, ops=tuple(ops), provenance=provenance))
