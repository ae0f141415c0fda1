"""Learning of an encoder of cells: repeats, continues to the same bits, keeps the best; small events come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch, Provenance
from econ_ae.emulator import encode_pulses
from econ_ae.errors import DataError, ModelError, RunDirectoryError, TrainingError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from econ_ae.training import artifact as stages
from econ_ae.training import kept
from econ_ae.training.cells import artifact
from econ_ae.training.cells.judged import Validated
from metrics.emd import emd
from tests.training.cells.sparse import batch, config, images
from tests.training.small import InterruptedInEpochTwo

CONFIG = config()


def train(directory: Path, settings: RunConfig = CONFIG) -> tuple[str, list[np.ndarray]]:
    """Return the hash of the integer encoder and the decoder's weights."""
    stages.train(settings, LOW_DENSITY, (batch(600, 1), batch(120, 2)), directory, Silent())
    model = artifact.freeze_run(settings, LOW_DENSITY, directory, {})
    return codec.sha256(model), artifact.load(settings, LOW_DENSITY, directory).network.get_weights()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("cells") / "straight"
    train(directory)
    return directory


def test_interrupted_learning_continues_to_the_same_bits(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stages.train(CONFIG, LOW_DENSITY, (batch(600, 1), batch(120, 2)), tmp_path, InterruptedInEpochTwo())
    assert len(kept.read_history(tmp_path)) == 2
    continued = train(tmp_path)
    straight = train(trained)  # nothing is left to do but the last choice
    assert continued[0] == straight[0]
    assert all((a == b).all() for a, b in zip(continued[1], straight[1], strict=True))
    losses = [[(e.loss, e.validation_loss) for e in kept.read_history(d)] for d in (trained, tmp_path)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == CONFIG.training.epochs


def test_the_result_is_the_best_that_was_validated(trained: Path) -> None:
    model = artifact.freeze_run(CONFIG, LOW_DENSITY, trained, {})
    decoder = artifact.load(CONFIG, LOW_DENSITY, trained)
    charges = batch(120, 2).charges
    received = artifact.transmit(model, charges)
    image = decoder.fractions(model, received)
    values = emd(charges, image, LOW_DENSITY).of_defined
    learned = json.loads((trained / "learned.json").read_text())["validation_emd"]
    assert values.mean() == pytest.approx(min(learned["network"], learned["rule learned anew"]), rel=1e-5)
    assert learned["network"] == pytest.approx(min(e.validation_loss for e in kept.read_history(trained)), rel=1e-5)
    by_table = emd(charges, decoder.fractions(model, received, by_table=True), LOW_DENSITY).of_defined
    assert by_table.mean() != values.mean()


def test_events_without_loss_come_back_exactly(trained: Path) -> None:
    model = artifact.freeze_run(CONFIG, LOW_DENSITY, trained, {})
    charges = np.zeros((4, 48), np.int64)
    charges[1, 7], charges[2, [3, 4, 40]] = 4000, (3, 2, 1)
    charges[3] = 1
    received = artifact.transmit(model, charges)
    assert received.sent.exact.tolist() == [True, True, True, False]
    image = artifact.load(CONFIG, LOW_DENSITY, trained).fractions(model, received) * received.total[:, None]
    assert (image[:3] == charges[:3]).all()
    assert artifact.compare_with_frames(model, charges) == 4


def test_a_frame_that_loses_something_is_found(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = artifact.freeze_run(CONFIG, LOW_DENSITY, trained, {})
    own = artifact.transmit

    def lossy_frames(*arguments: object) -> object:
        received = own(*arguments)
        received.sent.pulses[5, 0] += 1
        return received

    monkeypatch.setattr(artifact, "transmit", lossy_frames)
    with pytest.raises(ModelError, match="1 of 20 frames do not give back what was encoded, first of event 5"):
        artifact.compare_with_frames(model, batch(20, 3).charges)


def test_what_cannot_be_learned_is_one_line(trained: Path, tmp_path: Path) -> None:
    few = images(40, 1)
    few[:, 2:] = 0
    small = Batch(few, Provenance("two cells", synthetic=True))
    assert encode_pulses(artifact.freeze_run(CONFIG, LOW_DENSITY, trained, {}), small.charges).exact.sum() > 20
    with pytest.raises(DataError, match="cannot be sent without loss"):
        stages.train(CONFIG, LOW_DENSITY, (small, small), tmp_path, Silent())
    with pytest.raises(RunDirectoryError, match=r"decoder.weights.h5 is missing"):
        artifact.load(CONFIG, LOW_DENSITY, tmp_path)


def test_a_training_that_diverged_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact.CellsTrainer, "validated", lambda *_, **__: Validated(float("nan"), None))
    for _ in range(2):
        with pytest.raises(TrainingError, match=r"diverged in epoch 1 of 4: the validation EMD is nan"):
            stages.train(CONFIG, LOW_DENSITY, (batch(200, 1), batch(120, 2)), tmp_path, Silent())
        monkeypatch.undo()
