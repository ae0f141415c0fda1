"""Learned widths: rounding and its gradients, ordinary networks that compute the same, a front that obeys the price."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from econ_ae.config import RunConfig
from econ_ae.config.load import parse
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.learned_widths import Bits, LearnedEncoder, Widths, prices, widths_of, with_widths
from econ_ae.training.width_search import FRONT, Point, Search, front
from tests.training.small import batches, settings

SMALL = settings(
    encoder={
        "conv": [{"filters": 2, "weight": "s0.5", "activation": "u2.4"}],
        "dense": [{"units": 4, "weight": "s1.4", "activation": "u1.5"}],
    },
    training={"epochs": 9, "learning_rate": 0.1, "final_learning_rate": 0.1},
)


def bits_of(config: RunConfig) -> float:
    """A price without synthesis: weight and activation bits."""
    model = skeleton(config, LOW_DENSITY)
    return float(sum(s.layer.kernel.size * s.layer.weight.width + s.requantise.out.width for s in model.stages))


def test_rounding_is_that_of_the_format_and_its_gradient_the_rounding_error() -> None:
    bits = Bits(FixedFormat.parse("s0.3"), "test")
    x = tf.Variable([-1.5, -0.3, 0.0625, 0.2, 0.9])
    with tf.GradientTape() as tape:
        y = bits(x)
    assert y.numpy().tolist() == [-1.0, -0.25, 0.0, 0.25, 0.875]
    to_x, to_bits = tape.gradient(y, (x, bits.value), output_gradients=tf.constant([1.0, 1.0, 2.0, 1.0, 1.0]))
    assert to_x.numpy().tolist() == [0.0, 1.0, 2.0, 1.0, 0.0]
    error = (-0.3 + 0.25) + 2 * 0.0625 + (0.2 - 0.25)
    assert float(to_bits) == pytest.approx(np.log(2) * error, rel=1e-5)


def test_widths_go_into_the_configuration_and_back() -> None:
    assert widths_of(SMALL) == Widths((5, 4), (4,))
    fewer = with_widths(SMALL, Widths((2, 3), (1,)))
    assert [fewer.encoder.conv[0].weight, fewer.encoder.conv[0].activation] == ["s0.2", "u2.1"]
    assert [fewer.encoder.dense[0].weight, fewer.encoder.dense[0].activation] == ["s1.3", "u1.5"]
    assert with_widths(fewer, widths_of(SMALL)) == SMALL


def test_the_price_of_a_bit_is_a_slope() -> None:
    kernels = [stage.layer.kernel.size for stage in skeleton(SMALL, LOW_DENSITY).stages]
    weights, activations = prices(SMALL, Widths((3, 4), (1,)), bits_of)
    assert weights == pytest.approx(kernels)
    assert activations == [1.0]


@pytest.mark.parametrize("accumulate", ["exact", "trn_each"])
def test_it_is_the_ordinary_network_with_these_widths(accumulate: str) -> None:
    config = settings(encoder=SMALL.model_dump(mode="json")["encoder"], hardware={"accumulate": accumulate})
    encoder = LearnedEncoder(config, LOW_DENSITY)
    for layer, fraction in zip(encoder.layers, (2.4, 3.4), strict=True):
        layer.weight.value.assign(fraction)
    encoder.layers[0].activation.value.assign(2.6)
    assert encoder.widths() == Widths((2, 3), (3,))
    networks = encoder.ordinary(config, LOW_DENSITY)
    images = (np.random.default_rng(1).integers(0, 256, (200, 8, 8, 1)) / 128).astype(np.float32)
    expected = networks.encoder.predict(images, verbose=0)
    assert np.array_equal(encoder(tf.constant(images)).numpy(), expected)
    model = artifact.freeze_run(with_widths(config, encoder.widths()), LOW_DENSITY, networks, {})
    assert [stage.layer.weight.fraction for stage in model.stages] == [2, 3]
    assert model.stages[0].requantise.out == FixedFormat.parse("u2.3")


def test_only_what_nothing_beats_is_kept() -> None:
    def at(epoch: int, loss: float, cost: float) -> Point:
        return Point(epoch, loss, cost, Widths((), ()), "")

    found: tuple[Point, ...] = ()
    for point in (at(1, 3, 3), at(2, 4, 2), at(3, 3, 3), at(4, 2, 2), at(5, 5, 2), at(6, 1, 9)):
        found = front(found, point)
    assert [point.epoch for point in found] == [4, 6]


def test_a_price_makes_widths_smaller_and_leaves_ordinary_trainings(tmp_path: Path) -> None:
    ends = {}
    for name, strength in (("free", 0.0), ("dear", 1.0)):
        found = Search(SMALL, LOW_DENSITY, strength, bits_of).run(batches(), tmp_path / name, Silent())
        assert [point.cost for point in found] == sorted(point.cost for point in found)
        ends[name] = found[0]
        stored = json.loads((tmp_path / name / FRONT).read_text())
        assert [row["epoch"] for row in stored] == [point.epoch for point in found]
        assert {path.name for path in (tmp_path / name).iterdir() if path.is_dir()} == {p.folder for p in found}
    assert ends["dear"].widths == Widths((1, 1), (1,))
    assert ends["dear"].cost < ends["free"].cost
    folder = tmp_path / "dear" / ends["dear"].folder
    config = parse(json.loads((folder / "config.json").read_text()), "test")
    assert widths_of(config) == ends["dear"].widths
    networks = artifact.load(config, LOW_DENSITY, folder)
    assert artifact.freeze_run(config, LOW_DENSITY, networks, {}).stages[0].layer.weight == FixedFormat.parse("s0.1")


@pytest.mark.parametrize(
    ("changes", "strength", "message"),
    [
        ({"encoder": {"family": "cells"}}, 1.0, "an encoder that sends cells has no weights"),
        ({"training": {"quantise": "post"}}, 1.0, "training.quantise is 'post'; widths are learned in their formats"),
        ({"training": {"prune": {"weights": 0.5}}}, 1.0, "training.prune removes what widths are learned of"),
        ({}, -1.0, "the price of a unit of cost is -1; expected a number, 0 or more"),
        ({}, float("nan"), "the price of a unit of cost is nan; expected a number, 0 or more"),
        ({"encoder": {"dense": [{"weight": "s1.0"}]}}, 1.0, "a weight format has no fractional bits"),
    ],
)
def test_what_cannot_be_learned_is_one_line(
    changes: dict[str, dict[str, object]], strength: float, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        Search(settings(**changes), LOW_DENSITY, strength, bits_of).run(batches(), tmp_path, Silent())
