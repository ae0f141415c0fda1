"""Decoders of layers that know of their module: same encoder, same bits after an interruption, never another list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from econ_ae.config import RunConfig, parse
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import BLOCK
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.module_conditions import Conditions
from econ_ae.data.store import Rows
from econ_ae.errors import ConfigError, DataError, RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from econ_ae.training import artifact
from econ_ae.training.source import Streamed
from tests.training.small import InterruptedInEpochTwo, batches

NAMES = ["eta", "u", "log_sum"]


def config(**decoder: Any) -> RunConfig:
    own = {"hidden": [12, 12], "conditions": NAMES, "conditioning": "film"} | decoder
    return parse({"decoder": own, "training": {"epochs": 3, "batch": 50}, "encoder": {"conv": []}}, "test")


def known_batches(seed: int = 1) -> tuple[Batch, Batch]:
    """Random images of random modules."""
    rng = np.random.default_rng(seed)
    parts = []
    for batch in batches():
        place = {"eta": rng.uniform(1.6, 2.9, len(batch)), "wafer_u": rng.integers(-9, 10, len(batch))}
        parts.append(Batch(batch.charges, batch.provenance, place))
    return parts[0], parts[1]


def decoded(settings: RunConfig, folder: Path, rows: Batch, known: np.ndarray | None) -> np.ndarray:
    networks = artifact.load(settings, LOW_DENSITY, folder)
    model = artifact.chip_model(settings, LOW_DENSITY, networks)
    return artifact.decode(settings, networks, model, artifact.transmit(model, rows.charges), known)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conditioned") / "straight"
    artifact.train(config(), LOW_DENSITY, known_batches(), folder, Silent())
    return folder


def test_an_interrupted_training_continues_to_the_same_bits(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        artifact.train(config(), LOW_DENSITY, known_batches(), tmp_path, InterruptedInEpochTwo())
    artifact.train(config(), LOW_DENSITY, known_batches(), tmp_path, Silent())
    one, other = (artifact.load(config(), LOW_DENSITY, folder) for folder in (trained, tmp_path))
    for a, b in ((one.encoder, other.encoder), (one.decoder, other.decoder)):
        assert all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_what_is_known_counts_and_nothing_else_is_needed(trained: Path) -> None:
    rows = known_batches()[1]
    known = Conditions(tuple(NAMES)).features(rows)
    image = decoded(config(), trained, rows, known)
    assert np.allclose(image.sum(axis=1), 1)
    for column in range(known.shape[1]):
        assert np.abs(decoded(config(), trained, rows, np.roll(known, 1, axis=0)) - image).max() > 1e-4, column
    with pytest.raises(ConfigError, match=r"knows eta, u, log_sum of its module \(3 features\); 0 were given"):
        decoded(config(), trained, rows, None)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["u", "eta", "log_sum"], "with the conditions eta, u, log_sum, these settings have the conditions u, eta"),
        (["eta", "v", "log_sum"], "these settings have the conditions eta, v, log_sum"),
        ([], "these settings have no conditions"),
    ],
    ids=["another order", "another one", "none"],
)  # fmt: skip
def test_another_list_is_refused(trained: Path, names: list[str], message: str) -> None:
    with pytest.raises(RunDirectoryError, match=message):
        artifact.load(config(conditions=names, conditioning="film" if names else "concat"), LOW_DENSITY, trained)


def test_another_normalisation_is_refused(trained: Path, tmp_path: Path) -> None:
    for path in trained.glob("*.h5"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with h5py.File(tmp_path / "decoder.weights.h5", "r+") as file:
        file.attrs["conditions"] = str(file.attrs["conditions"]).replace("3.1", "3.2")
    with pytest.raises(RunDirectoryError, match="the conditions eta, u, log_sum, in another normalisation"):
        artifact.load(config(), LOW_DENSITY, tmp_path)
    with h5py.File(tmp_path / "decoder.weights.h5", "r+") as file:
        del file.attrs["conditions"]
    with pytest.raises(RunDirectoryError, match="of a decoder with no conditions, these settings have"):
        artifact.load(config(), LOW_DENSITY, tmp_path)


def test_data_without_the_columns_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"decoder\.conditions has 'eta', but random has no column eta"):
        artifact.train(config(), LOW_DENSITY, batches(), tmp_path / "run", Silent())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("conditioning", "kind"), [("concat", "conv"), ("film", "dense"), ("film", "conv")])
def test_the_encoder_is_the_same(conditioning: str, kind: str) -> None:
    plain = config(conditions=[], conditioning="concat")
    settings = config(conditioning=conditioning, kind=kind, use_sum=True)
    networks = [artifact.build(c, LOW_DENSITY) for c in (plain, settings)]
    hashes = [codec.sha256(artifact.freeze_run(plain, LOW_DENSITY, n, {})) for n in networks]
    assert hashes[0] == hashes[1]
    columns = np.random.default_rng(1).random((5, 16 + 1 + 3)).astype(np.float32)
    changed = columns.copy()
    changed[:, -3:] += 1
    before, after = (np.asarray(networks[1].decoder(c)) for c in (columns, changed))
    assert (before == after).all() == (conditioning == "film"), "before training nothing is modulated"


def test_events_from_disk_keep_their_conditions(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = 5 * BLOCK + 77
    charges = rng.integers(1, 500, (rows, 48))
    largest = rng.integers(0, 48, rows)
    charges[np.arange(rows), largest] = 4000
    with DatasetWriter(tmp_path / "set.h5") as writer:
        columns = {"wafer_u": largest % 13, "detector_layer": largest % 47 + 1, "other": largest}
        writer.append(Batch(charges, Provenance("set", synthetic=False), columns))
    target, known = skeleton(config(), LOW_DENSITY), Conditions(("u", "layer"))
    source = Streamed(Rows(tmp_path / "set.h5"), LOW_DENSITY.rotations[:1], target.input, target.normalise, 1, 1, known)
    seen = 0
    for _, beside, fractions in source.batches(0, 100):
        cell = fractions.argmax(axis=1)
        np.testing.assert_allclose(beside[:, 2:], np.stack([cell % 13 / 12, cell % 47 / 46], axis=1), rtol=1e-6)
        seen += len(cell)
    assert seen == rows // 100 * 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decoder": {"conditioning": "film"}}, "'film' has nothing to go by"),
        ({"decoder": {"conditions": ["eta"], "conditioning": "film", "hidden": []}}, "decoder.hidden is empty"),
        ({"decoder": {"conditions": ["eta", "v", "u"]}, "training": {"rotations": True}}, r"tells \(u, v\); leave one"),
    ],
    ids=["nothing", "no layers", "turned"],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        skeleton(parse(settings, "test"), LOW_DENSITY)
