"""The telescope loss against its definition, written out with plain loops."""

from __future__ import annotations

import numpy as np

from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.losses import group_weights, telescope


def literal(true: np.ndarray, predicted: np.ndarray) -> float:
    """The definition for one image, cell by cell."""
    groups = LOW_DENSITY.overlapping_groups.tolist()
    times_in_a_group = [sum(cell in g for g in groups) for cell in range(48)]

    def term(a: float, b: float) -> float:
        return (a - b) ** 2 * max(a, b)

    cells = sum(term(true[c], predicted[c]) for c in range(48)) / 48
    pairs = 0.0
    for group in groups:
        weight = sum(1 / times_in_a_group[c] for c in group) / 4
        pairs += weight * term(sum(true[c] for c in group), sum(predicted[c] for c in group))
    sectors = 0.0
    for s in range(3):
        sectors += term(true[16 * s : 16 * s + 16].sum(), predicted[16 * s : 16 * s + 16].sum())
    return float(4 * cells + 2 * pairs / len(groups) + sectors / 3)


def test_telescope_is_its_definition() -> None:
    rng = np.random.default_rng(1)
    true, predicted = (rng.dirichlet(np.full(48, 0.2), 20).astype(np.float32) for _ in range(2))
    loss = float(telescope(LOW_DENSITY)(true, predicted))
    expected = np.mean([literal(t, p) for t, p in zip(true.astype(float), predicted.astype(float), strict=True)])
    assert np.isclose(loss, expected, rtol=1e-5)
    assert float(telescope(LOW_DENSITY)(true, true)) == 0.0


def test_every_cell_counts_equally_over_the_groups() -> None:
    groups = LOW_DENSITY.overlapping_groups
    assert len(groups) == 36
    assert np.isclose(group_weights(groups, 48).sum() * 4, 48)
    first = groups.tolist().index([0, 1, 4, 5])
    # Cells 0, 1, 4, 5 are in 2, 4, 2 and 4 groups.
    assert np.isclose(group_weights(groups, 48)[first], (1 / 2 + 1 / 4 + 1 / 2 + 1 / 4) / 4)
    spread = np.linalg.norm(LOW_DENSITY.xy[groups][:, :, None] - LOW_DENSITY.xy[groups][:, None], axis=-1)
    assert spread.max() < 4.1, "cells of a 2x2 group are neighbours, across sector borders too"
