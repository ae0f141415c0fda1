"""The fit of the area model's gate equivalents to synthesised modules, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks.area_synthesis import Block
from econ_ae.app.area_model.estimate import Coefficients, Family, Provenance, area, pieces, stages_of
from econ_ae.app.area_model.pieces import FEATURES, Piece
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map

FLOOR = 200.0
"""Gate equivalents of all modules of a piece: below it their error counts less, as it matters less for a block."""
PRIOR = 0.03
"""Error that a coefficient twice as large as expected is worth: few modules must not say anything about it."""


@dataclass(frozen=True)
class Sample:
    """A piece and the gate equivalents that synthesis gave one of its modules."""

    piece: Piece
    gate_equivalents: float


def samples(model: EncoderModel, block: Block) -> Iterator[Sample]:
    """Yield the pieces of an encoder with what synthesis gave."""
    rest = block.total(block.top)
    for piece in _all(model):
        if piece.kind == "control":
            yield Sample(piece, rest)
        else:
            found = _measured(model, block, piece)
            rest -= piece.count * found
            yield Sample(piece, found)


def _all(model: EncoderModel) -> list[Piece]:
    return list(pieces(model, address_map(model), stages_of(model, None)))


def _measured(model: EncoderModel, block: Block, piece: Piece) -> float:
    if piece.kind == "pipeline":
        wanted = int(piece.features[0]) + 1
        return next(
            block.total(name) for name in block.modules if name.startswith(piece.module) and block.flops(name) == wanted
        )
    if piece.module.startswith("econ_ae_"):
        return next(block.total(name) for name in block.modules if name.startswith(piece.module))
    name = f"{model.name}_{piece.module}"
    return block.total(name) if name in block.modules else 0.0  # multiples that are wires


def fit(found: Sequence[Sample]) -> dict[str, tuple[float, ...]]:
    """Return gate equivalents per feature by kind: non-negative, of least relative errors, near the expected ones."""
    return {kind: _fitted(kind, [sample for sample in found if sample.piece.kind == kind]) for kind in FEATURES}


def _fitted(kind: str, found: Sequence[Sample]) -> tuple[float, ...]:
    expected = np.array([value for _, value in FEATURES[kind]])
    if not found:
        return tuple(expected)
    features = np.array([sample.piece.features for sample in found], float)
    areas = np.array([sample.gate_equivalents for sample in found])
    weight = 1 / (areas + FLOOR / np.array([sample.piece.count for sample in found]))
    rows = np.vstack([features * weight[:, None] * expected, PRIOR * np.eye(len(expected))])
    wanted = np.concatenate([areas * weight, np.full(len(expected), PRIOR)])
    scale, _ = nnls(rows, wanted)
    return tuple(float(value) for value in scale * expected)


def estimate(model: EncoderModel, gate_equivalents: dict[str, tuple[float, ...]]) -> float:
    """Return the gate equivalents of a block."""
    none = Family(0.0, 0.0, 0.0, 0)
    found = Coefficients(Provenance("", "", "", "", "", (), ()), none, none, gate_equivalents)
    return sum(piece.count * area(piece, found) for piece in _all(model))


def family(errors: Sequence[float]) -> Family:
    """Return what is said about relative errors."""
    size: NDArray[np.float64] = np.abs(np.array(errors, float))
    return Family(float(np.median(size)), float(np.quantile(size, 0.95)), float(size.max()), len(size))
