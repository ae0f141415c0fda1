"""The decoder's network: starts as the table, treats turned modules alike, uses what it is given."""

from __future__ import annotations

import numpy as np

from econ_ae.config import CellsConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY
from econ_ae.training.cells import network
from econ_ae.training.cells.candidates import candidates
from econ_ae.training.cells.table import Table
from econ_ae.training.sample import received_sums
from tests.training.cells.sparse import config, images

MODEL = skeleton(config(), LOW_DENSITY)
MODES = MODEL.cell_code.choose.modes
SEEN = candidates(MODEL, images(60, 1))
TABLE = Table.fitted(MODES, SEEN, LOW_DENSITY)
INPUTS = network.features(MODES, TABLE, SEEN.mode, SEEN.pulses, received_sums(SEEN.charges)[SEEN.row])


def build() -> object:
    return network.build(CellsConfig(units=5, depth=2), len(MODES), LOW_DENSITY, 1)


def spoiled() -> object:
    """Return a network whose output layer is not where it starts."""
    net = build()
    rng = np.random.default_rng(2)
    net.set_weights([w + 0.3 * rng.standard_normal(w.shape) for w in net.get_weights()])
    return net


def test_starts_as_the_table() -> None:
    image = network.predict(build(), INPUTS)
    assert np.allclose(image.sum(axis=1), 1)
    assert np.abs(image - INPUTS[1]).max() < 0.015, "but for 0.0002 in every cell"
    assert (network.build(CellsConfig(units=5, depth=2), len(MODES), LOW_DENSITY, 2).get_weights()[0] !=
            build().get_weights()[0]).any()  # fmt: skip


def test_turned_modules_are_decoded_alike() -> None:
    net = spoiled()
    place = [w for w in net.weights if "place" in w.name]
    assert len(place) == 1
    assert place[0].shape == (48, 1, 5)
    place[0].assign(np.zeros(place[0].shape))
    turn = LOW_DENSITY.rotations[1]
    assert sorted(turn) == list(range(48))
    assert (turn != np.arange(48)).all()
    plain = network.predict(net, INPUTS)
    turned = network.predict(net, (INPUTS[0][:, turn], INPUTS[1][:, turn], INPUTS[2]))
    assert np.abs(turned - plain[:, turn]).max() < 1e-6
    assert np.abs(turned - plain).max() > 0.01


def test_every_input_counts() -> None:
    net = spoiled()
    plain = network.predict(net, INPUTS)
    for number, change in enumerate((INPUTS[0] + 1, INPUTS[1][:, ::-1], INPUTS[2][::-1])):
        changed = list(INPUTS)
        changed[number] = np.ascontiguousarray(change)
        assert np.abs(network.predict(net, tuple(changed)) - plain).max() > 1e-3
