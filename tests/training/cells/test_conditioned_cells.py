"""Decoders of cells that know of their module: the network starts as it does without, resumes, and keeps its list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import CellsConfig, DecoderConfig, RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ConfigError, RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact as stages
from econ_ae.training.cells import artifact, network
from econ_ae.training.cells.candidates import candidates
from econ_ae.training.cells.table import Table
from econ_ae.training.sample import received_sums
from tests.training.cells.sparse import batch, config, images
from tests.training.small import InterruptedInEpochTwo

NAMES = ("thickness", "v")
WIDTH = Conditions(NAMES).width


def settings(conditioning: str = "concat") -> RunConfig:
    return config(
        decoder={"conditions": NAMES, "conditioning": conditioning},
        cells={"rule_events": 120, "units": 4, "depth": 1, "steps": 4, "refits": 0},
        training={"epochs": 3, "batch": 32, "learning_rate": 1e-2},
    )


def known_batch(events: int, seed: int) -> Batch:
    rng, plain = np.random.default_rng(seed), batch(events, seed)
    place = {"thickness": rng.choice([120, 200, 300], events), "wafer_v": rng.integers(-9, 10, events)}
    return Batch(plain.charges, plain.provenance, place)


DATA = (known_batch(300, 1), known_batch(60, 2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conditioned") / "straight"
    stages.train(settings(), LOW_DENSITY, DATA, folder, Silent())
    return folder


def test_an_interrupted_training_continues_to_the_same_bits(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stages.train(settings(), LOW_DENSITY, DATA, tmp_path, InterruptedInEpochTwo())
    stages.train(settings(), LOW_DENSITY, DATA, tmp_path, Silent())
    weights = [artifact.load(settings(), LOW_DENSITY, folder).network.get_weights() for folder in (trained, tmp_path)]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    assert (trained / "rule.json").read_bytes() == (tmp_path / "rule.json").read_bytes()


def test_what_is_known_counts(trained: Path) -> None:
    model = artifact.freeze_run(settings(), LOW_DENSITY, trained, {})
    decoder, rows = artifact.load(settings(), LOW_DENSITY, trained), DATA[1]
    received = artifact.transmit(model, rows.charges)
    known = Conditions(NAMES).features(rows)
    image = decoder.fractions(model, received, known)
    assert np.abs(decoder.fractions(model, received, known[::-1]) - image).max() > 1e-6
    with pytest.raises(ConfigError, match="knows 4 features of its module; 0 were given"):
        decoder.fractions(model, received)


def test_another_list_is_refused(trained: Path) -> None:
    with pytest.raises(RunDirectoryError, match="with the conditions thickness, v, these settings have no conditions"):
        artifact.load(config(), LOW_DENSITY, trained)
    other = config(decoder={"conditions": ("v", "thickness")})
    with pytest.raises(RunDirectoryError, match="these settings have the conditions v, thickness"):
        artifact.load(other, LOW_DENSITY, trained)


@pytest.mark.parametrize("conditioning", ["concat", "film"])
def test_starts_as_the_network_without(conditioning: str) -> None:
    model = skeleton(config(), LOW_DENSITY)
    modes = model.cell_code.choose.modes
    seen = candidates(model, images(20, 1))
    table = Table.fitted(modes, seen, LOW_DENSITY)
    sums = received_sums(seen.charges)[seen.row]
    plain = network.features(modes, table, seen.mode, seen.pulses, sums)
    known = np.random.default_rng(1).random((len(seen.row), WIDTH)).astype(np.float32)
    inputs = network.features(modes, table, seen.mode, seen.pulses, sums, known=known)
    cells = CellsConfig(units=4, depth=2)
    decoder = DecoderConfig(conditions=NAMES, conditioning=conditioning)  # type: ignore[arg-type]
    one = network.build(cells, len(modes), LOW_DENSITY, 1)
    other = network.build(cells, len(modes), LOW_DENSITY, 1, decoder)
    np.testing.assert_array_equal(network.predict(other, inputs), network.predict(one, plain))
    rng = np.random.default_rng(2)
    other.set_weights([w + 0.3 * rng.standard_normal(w.shape) for w in other.get_weights()])
    changed = (*inputs[:2], np.concatenate([inputs[2][:, :-WIDTH], known[::-1]], axis=1))
    assert np.abs(network.predict(other, changed) - network.predict(other, inputs)).max() > 1e-3
