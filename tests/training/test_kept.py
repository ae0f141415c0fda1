"""What a training keeps: the last good weights when it diverges, and one line for damage and full disks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.errors import RunDirectoryError, TrainingError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact, fit, kept
from tests.training.small import CONFIG, batches, settings


def test_a_training_that_diverges_stops_and_keeps_the_last_good_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update={"epochs": 2})})
    with monkeypatch.context() as patch:
        patch.setattr(fit, "learning_rate", lambda _, epoch: 1e-3 if epoch < 2 else 1e30)
        artifact.train(short, LOW_DENSITY, batches(), tmp_path / "short", Silent())
        expected = (
            r"^training diverged in epoch 3 of 4: the (training loss|sum of the weights \S+|validation loss) is \S+; "
            r"the weights of epoch 2 are kept in \S+/run; "
            r"make a new run with a smaller training\.learning_rate \(now 0\.003\)$"
        )
        with pytest.raises(TrainingError, match=expected) as first:
            artifact.train(CONFIG, LOW_DENSITY, batches(), tmp_path / "run", Silent())
    good, diverged = (artifact.load(CONFIG, LOW_DENSITY, tmp_path / name) for name in ("short", "run"))
    for model in ("encoder", "decoder"):
        pairs = zip(getattr(good, model).get_weights(), getattr(diverged, model).get_weights(), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    history = (tmp_path / "run" / "history.json").read_text()
    assert len(json.loads(history)) == 2
    # Once more: it is said again, and nothing is trained.
    with monkeypatch.context() as patch:
        patch.setattr(fit.Trainer, "_run_epoch", lambda *_: pytest.fail("an epoch was trained"))
        with pytest.raises(TrainingError, match="the training is not repeated") as again:
            artifact.train(CONFIG, LOW_DENSITY, batches(), tmp_path / "run", Silent())
    assert str(again.value).startswith(str(first.value))
    assert (tmp_path / "run" / "history.json").read_text() == history


def test_a_huge_learning_rate_leaves_no_weights(tmp_path: Path) -> None:
    config = settings(training={"learning_rate": 1e30})
    with pytest.raises(TrainingError, match=r"epoch 1 of 4: .*; no epoch before it was good; .*\(now 1e\+30\)"):
        artifact.train(config, LOW_DENSITY, batches(), tmp_path, Silent())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["diverged.json"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "training"
    artifact.train(settings(), LOW_DENSITY, batches(), folder, Silent())
    return folder


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[: len(raw) // 2] = bytes(b ^ 0x55 for b in raw[: len(raw) // 2])
    path.write_bytes(raw)


def newest_state(folder: Path) -> Path:
    return max(folder.glob("checkpoints/ckpt-*.index"))


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "weights deleted": ("encoder.weights.h5 is missing", lambda f: (f / "encoder.weights.h5").unlink()),
    "weights changed": ("decoder.weights.h5 is damaged", lambda f: flip(f / "decoder.weights.h5")),
    "history cut": ("history.json is damaged", lambda f: (f / "history.json").write_text('[{"epoch": 0, "lo')),
    "history of another kind": ("history.json is damaged", lambda f: (f / "history.json").write_text('{"epoch": 0}')),
    "history deleted": ("history.json has 0 epochs, ", lambda f: (f / "history.json").unlink()),
    "checkpoint changed": ("checkpoints is damaged", lambda f: flip(newest_state(f))),
    "checkpoint without data": (
        "checkpoints is damaged",
        lambda f: [p.unlink() for p in f.glob("checkpoints/ckpt-*.data*")],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_one_line_that_names_the_file(name: str, trained: Path, tmp_path: Path) -> None:
    message, damage = DAMAGES[name]
    folder = tmp_path / "training"
    shutil.copytree(trained, folder)
    damage(folder)
    with pytest.raises(RunDirectoryError) as problem:
        artifact.train(settings(), LOW_DENSITY, batches(), folder, Silent())
    assert f"{folder}/{message}" in str(problem.value)
    assert "\n" not in str(problem.value)
    if "weights" in name:
        with pytest.raises(RunDirectoryError, match=message):
            artifact.load(settings(), LOW_DENSITY, folder)


_FULL = """
import resource, signal, sys
from pathlib import Path
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training import artifact
from tests.training.small import batches, settings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    artifact.train(settings(decoder={"hidden": [512, 512]}), LOW_DENSITY, batches(), Path(sys.argv[1]), Silent())
except OSError as problem:
    print(problem.strerror, problem.filename)
"""


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (200_000, "cannot write: File too large {}/encoder.weights.h5\n"),
        (3_000_000, "cannot write a checkpoint, the disk may be full {}/checkpoints\n"),
    ],
)
def test_a_full_disk_is_an_error_of_the_system(limit: int, message: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _FULL, tmp_path / "t", str(limit)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (0, message.format(tmp_path / "t")), run.stderr
    left = {p.name for p in (tmp_path / "t").rglob("*") if p.is_file()}
    assert left <= {"encoder.weights.h5", "decoder.weights.h5", "history.json"}


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_what_comes_before_the_first_epoch_is_said(tmp_path: Path) -> None:
    listener = Listener()
    artifact.train(settings(), LOW_DENSITY, batches(), tmp_path, listener)
    expected = (
        "100 validation events, 300 training events",
        "building the network",
        "first epoch of 6 batches, the network is compiled",
    )
    said = [line for line in listener.lines if not line.endswith(" s")]
    assert said == list(expected)
    assert len(kept.read_history(tmp_path)) == 4
