"""Average of the weights, dropout and weight decay do what their names say."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from econ_ae.config import TrainingConfig
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training import artifact
from econ_ae.training.average import MovingAverage
from econ_ae.training.chain import Chain
from econ_ae.training.dropout import CountedDropout
from econ_ae.training.fit import adam
from econ_ae.training.losses import telescope
from tests.training.small import settings


def test_moving_average() -> None:
    variable = tf.Variable([1.0, -2.0])
    average = MovingAverage([variable], 0.5)
    rng = np.random.default_rng(1)
    expected = variable.numpy().astype(np.float64)
    for step in range(1, 30):
        value = rng.normal(size=2).astype(np.float32)
        variable.assign(value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with average.in_place():
        assert np.allclose(variable.numpy(), expected, atol=1e-6)
    assert np.array_equal(variable.numpy(), value)


def test_dropout_counts_its_steps() -> None:
    layers = [CountedDropout(0.25, seed) for seed in (7, 7, 8)]
    ones = np.ones((400, 50), np.float32)
    first, same, other = (layer(ones, training=True).numpy() for layer in layers)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    assert set(np.unique(first)) == {0.0, np.float32(1 / 0.75)}
    assert abs((first == 0).mean() - 0.25) < 0.02
    second = layers[0](ones, training=True).numpy()
    assert not np.array_equal(first, second)
    layers[1].set_weights(layers[0].get_weights())
    assert np.array_equal(layers[0](ones, training=True), layers[1](ones, training=True))
    assert np.array_equal(layers[0](ones, training=False), ones)


def test_only_kernels_of_the_decoder_decay() -> None:
    networks = artifact.build(settings(), LOW_DENSITY)
    chain = Chain(networks.encoder, networks.decoder, lambda x: x, (), telescope(LOW_DENSITY))
    optimizer = adam(TrainingConfig(learning_rate=0.5), chain, weight_decay=0.1)
    before = [v.numpy() for v in chain.variables]
    optimizer.apply_gradients([(tf.zeros_like(v), v) for v in chain.variables])
    decaying = {id(v) for v in networks.decoder.trainable_variables if len(v.shape) > 1}
    assert len(decaying) == 3
    for old, variable in zip(before, chain.variables, strict=True):
        assert np.allclose(variable.numpy(), old * (1 - 0.5 * 0.1 if id(variable) in decaying else 1), atol=1e-7)
