"""The term of charge over the threshold: its formula, its gradients, and nothing of it where it is switched off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch, Provenance
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.cells import network
from econ_ae.training.cluster_loss import THRESHOLD_CALQ, THRESHOLD_COUNTS, ClusterTerm, cluster_term, costs
from econ_ae.training.fit import Trainer, make_deterministic
from econ_ae.training.kept import read_history
from econ_ae.training.recipe import _chain
from econ_ae.training.sample import make_sample, received_sums, sum_feature, totals_of
from metrics.trigger.settings import FC_PER_COUNT, FC_PER_MIP, THRESHOLD_MIPT
from tests.training.cells import sparse
from tests.training.small import batches, settings

T = 50.0
PLACES = LOW_DENSITY.xy


def image(**cells: float) -> np.ndarray:
    out = np.zeros((1, 48), np.float32)
    for name, value in cells.items():
        out[0, int(name[1:])] = value
    return out


def cost(true: np.ndarray, predicted: np.ndarray) -> float:
    """Return the cost of charges of equal sum."""
    total = np.float32(true.sum())
    return float(costs(LOW_DENSITY, T)(true / total, predicted / total, tf.constant([total]))[0])


def over(x: float) -> float:
    return x / (1 + np.exp(-4 * (x - T) / T))


def test_the_formula() -> None:
    assert cost(image(c3=900, c4=20), image(c3=900, c4=20)) == 0.0
    moved = cost(image(c3=2000), image(c4=2000))
    assert moved == pytest.approx(2000 * np.hypot(*(PLACES[3] - PLACES[4])), rel=1e-4)
    # 40 small cells hold 400 less over the threshold than one cell.
    small = {f"c{i}": 10.0 for i in range(40)}
    true, spread = image(c47=400.0), image(**small)
    energy = over(400.0) - 40 * over(10.0)
    middle = 40 * over(10.0) * np.hypot(*(PLACES[:40].mean(axis=0) - PLACES[47]))
    assert cost(true, spread) == pytest.approx(energy + middle, rel=1e-4)


def test_a_batch_is_weighted_with_charge_and_pairs_with_the_mean() -> None:
    rng = np.random.default_rng(2)
    true, other = (rng.dirichlet(np.full(48, 0.1), 6) for _ in range(2))
    totals = rng.uniform(10, 5000, 6)
    single = costs(LOW_DENSITY, T)
    term = ClusterTerm(0.5, single)
    arrays = [tf.constant(values, tf.float32) for values in (true, other, totals)]
    values = np.asarray(single(*arrays), np.float64)
    assert float(term(*arrays)) == pytest.approx(0.5 * values.sum() / totals.sum(), rel=1e-5)
    of_pairs = term.of_pairs(true, other, totals, 200.0)
    np.testing.assert_allclose(of_pairs, 0.5 / 200.0 * values, rtol=1e-6)


def test_gradients_are_numbers_and_lead_to_the_truth() -> None:
    """From an image without charge over the threshold, and at the truth itself, where lengths have none."""
    true = tf.constant(image(c10=300.0, c11=60.0) / 360)
    term = ClusterTerm(1.0, costs(LOW_DENSITY, T))
    logits = tf.Variable(tf.zeros((1, 48)))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([logits])

    @tf.function
    def step() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            value = term(true, tf.nn.softmax(logits), tf.constant([360.0]))
        gradient = tape.gradient(value, logits)
        optimizer.apply_gradients([(gradient, logits)])
        return value, gradient

    values = []
    for _ in range(200):
        value, gradient = step()
        assert np.isfinite(gradient.numpy()).all()
        values.append(float(value))
    assert values[-1] < 0.2 * values[0]
    with tf.GradientTape() as tape:
        tape.watch(true)
        at_truth = term(tf.stop_gradient(true), true, tf.constant([360.0]))
    assert float(at_truth) == 0.0
    assert (tape.gradient(at_truth, true).numpy() == 0).all()


def test_sums_come_back_from_what_the_decoder_knows() -> None:
    sums = received_sums(batches()[0].charges)
    np.testing.assert_allclose(totals_of(tf.constant(sum_feature(sums))), sums, rtol=1e-5)
    event = np.concatenate([np.zeros((len(sums), 3)), 4.0 * sum_feature(sums)], axis=1).astype(np.float32)
    np.testing.assert_allclose(network.totals_of(tf.constant(event), 3), sums, rtol=1e-5)


def test_default_thresholds_are_those_of_the_trigger() -> None:
    for um, calq_per_count in ((300, 24.0), (200, 24 * 1.48), (120, 60.0)):
        per_cosh = THRESHOLD_MIPT * FC_PER_MIP[um] / FC_PER_COUNT
        assert per_cosh * calq_per_count == pytest.approx(THRESHOLD_CALQ, rel=0.02)
    assert THRESHOLD_MIPT * FC_PER_MIP[300] / FC_PER_COUNT * np.cosh(2.0) == pytest.approx(THRESHOLD_COUNTS, rel=0.02)


def test_without_weight_nothing_is_added_and_with_it_validation_losses_compare() -> None:
    assert cluster_term(settings(), LOW_DENSITY) is None
    assert _chain(settings(), LOW_DENSITY, None).clusters is None
    weighted = settings(training={"cluster_weight": 0.3})
    chain = _chain(weighted, LOW_DENSITY, None)
    rows = make_sample(batches()[1], *_input(weighted))
    arrays = [tf.constant(values) for values in (rows.images, rows.beside, rows.fractions)]
    plain = chain.loss(arrays[2], chain.predict(*arrays[:2], training=True))
    assert float(chain.loss_of(*arrays, training=False)) == float(plain)
    term = chain.clusters(arrays[2], chain.predict(*arrays[:2], training=True), totals_of(arrays[1][:, :1]))
    assert float(chain.loss_of(*arrays, training=True)) == pytest.approx(float(plain + term), rel=1e-6)


def _input(config: RunConfig) -> tuple[Any, Any]:
    target = skeleton(config, LOW_DENSITY)
    return target.input, target.normalise


def test_a_judge_chooses_the_epoch_and_changes_no_step(tmp_path: Path) -> None:
    """The judge prefers the second of three epochs; losses and weights of every epoch are as without it."""
    config = settings(training={"epochs": 3})
    shown = []

    def judge(charges: np.ndarray) -> float:
        shown.append(charges)
        return [3.0, 1.0, 2.0][len(shown) - 1]

    validation = batches()[1]
    for name, own in (("plain", None), ("judged", judge)):
        artifact.train(config, LOW_DENSITY, batches(), tmp_path / name, Silent(), judge=own)
    plain, judged = (read_history(tmp_path / name) for name in ("plain", "judged"))
    assert [(e.loss, e.validation_loss) for e in plain] == [(e.loss, e.validation_loss) for e in judged]
    assert [e.figure for e in judged] == [3.0, 1.0, 2.0]
    assert {e.figure for e in plain} == {None}
    charged = validation[validation.total > 0]
    assert shown[0].shape == charged.charges.shape
    np.testing.assert_allclose(shown[0].sum(axis=1), received_sums(charged.charges), rtol=1e-5)
    make_deterministic(config.seed)
    chain = _chain(config, LOW_DENSITY, None)
    found = Trainer(chain, config.training, directory=tmp_path / "judged", judge=judge)
    assert found._best() is not None
    assert found._best().epoch == 1


def test_the_seed_that_the_judge_prefers_wins(tmp_path: Path) -> None:
    config = settings(training={"epochs": 1, "seeds": 2})
    calls: list[int] = []

    def judge(_: np.ndarray) -> float:
        calls.append(0)
        return 10.0 - len(calls)  # the last one that is judged is the best

    artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent(), judge=judge)
    listed = json.loads((tmp_path / "seeds.json").read_text())
    assert [line["chosen"] for line in listed] == [False, True]
    assert [line["figure"] for line in listed] == [8.0, 6.0]


def test_encoders_of_cells_are_judged_with_all_their_events(tmp_path: Path) -> None:
    config = sparse.config(training={"epochs": 2, "cluster_weight": 0.2}, cells={"rule_events": 200, "steps": 3})
    charges = sparse.images(120, 2)
    charges[:30] = 0
    charges[:30, 5] = np.arange(30)  # the first has no charge, the others are sent without loss
    validation = Batch(charges, Provenance("cores and small ones", synthetic=True))
    shown: list[np.ndarray] = []

    def judge(charges: np.ndarray) -> float:
        shown.append(charges.copy())
        return [2.0, 1.0, 5.0, 4.0, 3.0][len(shown) - 1]

    artifact.train(config, LOW_DENSITY, (sparse.batch(400, 1), validation), tmp_path, Silent(), judge=judge)
    charged = validation.charges[validation.total > 0]
    same = (shown[0] == charged).all(axis=1)
    assert len(charged) == 119
    assert 29 <= same.sum() < 119
    lossy = ~same
    np.testing.assert_allclose(shown[0][lossy].sum(axis=1), received_sums(charged[lossy]), rtol=1e-6)
    learned = json.loads((tmp_path / "learned.json").read_text())
    assert learned["figure"] == {"table": 5.0, "network": 4.0, "rule learned anew": 3.0}
    assert learned["rule_anew"] is True
    assert learned["epoch"] == 1
