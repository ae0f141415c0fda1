"""The surrogates of the EMD: ordered as the exact EMD orders, of its size, zero for equal shapes, with gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import spearmanr

from econ_ae.data.readers import read
from econ_ae.data.synthetic import generate
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.losses import LOSSES
from econ_ae.training.transport_losses import smoothing
from metrics.emd import emd

FLOORS = {"telescope": 0.6, "pyramid": 0.96, "sliced": 0.95, "sinkhorn": 0.96, "emd": 0.999}


def pairs(n: int, charges: Any = None) -> tuple[Any, Any]:
    """Images against smeared and mixed images; synthetic ones without ``charges``."""
    if charges is None:
        charges = generate(2 * n, seed=4).charges
        charges = charges[charges.any(axis=1)][:n]
    true = (charges / charges.sum(axis=1, keepdims=True)).astype(np.float32)
    rng = np.random.default_rng(5)
    share = rng.random((n, 1))
    mixed = (1 - share) * true + share * np.roll(true, 1, axis=0)
    smeared = np.stack(
        [row @ smoothing(LOW_DENSITY, width) for row, width in zip(true, rng.uniform(0.3, 4, n), strict=True)]
    )
    predicted = np.where(rng.random((n, 1)) < 0.5, mixed, smeared)
    return true, predicted.astype(np.float32)


def check_order(name: str, true: Any, predicted: Any) -> None:
    exact = emd(true, predicted, LOW_DENSITY).values
    loss = tf.function(LOSSES[name](LOW_DENSITY))
    values = [float(loss(true[i : i + 1], predicted[i : i + 1])) for i in range(len(true))]
    assert spearmanr(values, exact).statistic > FLOORS[name]
    if name in {"sliced", "sinkhorn"}:
        assert 0.6 < np.mean(values) / exact.mean() < 1.05


@pytest.mark.parametrize("name", LOSSES)
def test_orders_synthetic_pairs_as_the_exact_emd(name: str) -> None:
    check_order(name, *pairs(150))


@pytest.mark.parametrize("name", LOSSES)
def test_orders_real_pairs_as_the_exact_emd(name: str, reference: Path) -> None:
    charges = read(reference / "hgcal_pu200_eportrx.csv", limit=150).charges
    check_order(name, *pairs(150, charges))


@pytest.mark.parametrize("name", ["pyramid", "sliced", "sinkhorn", "emd"])
def test_compares_shapes_whatever_their_scale(name: str) -> None:
    true, predicted = pairs(8)
    loss = LOSSES[name](LOW_DENSITY)
    assert abs(float(loss(true, 3.0 * true))) < 1e-3
    assert np.isclose(float(loss(true, predicted)), float(loss(true, 7.0 * predicted)), rtol=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_moves_charge_the_right_way(name: str) -> None:
    true = np.zeros((1, 48), np.float32)
    true[0, 0] = 1.0
    order = np.argsort(LOW_DENSITY.distance[0])
    near, far = order[2], order[-1]
    predicted = np.full((1, 48), 1e-3, np.float32)
    predicted[0, [near, far]] = 0.5
    variable = tf.Variable(predicted)
    with tf.GradientTape() as tape:
        value = LOSSES[name](LOW_DENSITY)(true, variable)
    gradient = tape.gradient(value, variable).numpy()[0]
    assert np.isfinite(gradient).all()
    assert gradient[0] < gradient[near], "charge belongs in the true cell"
    if name != "telescope":
        assert gradient[near] < gradient[far], "near misses cost less than far ones"


def test_exact_loss_is_the_emd_and_its_gradient() -> None:
    true, predicted = pairs(6)
    predicted = np.maximum(predicted, 1e-3)
    variable = tf.Variable(predicted)
    loss = LOSSES["emd"](LOW_DENSITY)
    with tf.GradientTape() as tape:
        value = loss(true, variable)
    assert np.isclose(float(value), emd(true, predicted, LOW_DENSITY).values.mean(), rtol=1e-5)
    gradient = tape.gradient(value, variable).numpy()
    rng = np.random.default_rng(1)
    step = 1e-6 * rng.normal(size=predicted.shape)
    ahead, behind = (emd(true, predicted + s * step, LOW_DENSITY).values.mean() for s in (1, -1))
    assert np.isclose((gradient * step).sum(), (ahead - behind) / 2, rtol=1e-3)
