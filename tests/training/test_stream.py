"""Training from a dataset file: every event once per epoch, the same bits again, and memory that does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app import pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import RunConfig, parse
from econ_ae.config.skeleton import skeleton
from econ_ae.data import store
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import BLOCK, Dataset
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.readers import read
from econ_ae.data.splits import split
from econ_ae.data.store import DATASET, Rows
from econ_ae.errors import ConfigError
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.progress import Silent
from econ_ae.training import kept
from econ_ae.training.source import Streamed
from tests.training.small import InterruptedInEpochTwo

ROWS = 6 * BLOCK + 200


def random_batch(rows: int, seed: int = 0) -> Batch:
    """Images of about 16 cells; every tenth repeats the one before, the last repeat the first, some are empty."""
    rng = np.random.default_rng(seed)
    charges = rng.integers(20, 2000, (rows, 48)) * (rng.random((rows, 48)) < 0.33)
    charges[9::10] = charges[8::10][: len(charges[9::10])]
    charges[50::100] = 0
    charges[-200:] = charges[:200]
    return Batch(charges, Provenance("random", synthetic=True))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "random.h5"
    with DatasetWriter(path) as writer:
        writer.append(random_batch(ROWS))
    return path


def config(file: Path, memory_mb: int = 4, **sections: Any) -> RunConfig:
    return parse(
        {
            "data": {"source": str(file), "memory_mb": memory_mb, "report": "6000:6344", "train": "0:6000"},
            "decoder": {"hidden": [8]},
            "training": {"epochs": 3, "batch": 100},
            **sections,
        },
        "test",
    )


def source(file: Path, *, views: int = 1, seed: int = 1) -> Streamed:
    target = skeleton(RunConfig(), LOW_DENSITY)
    return Streamed(Rows(file), LOW_DENSITY.rotations[:views], target.input, target.normalise, seed, memory_mb=1)


@pytest.fixture(scope="module")
def charged(file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A file of different images with charge, and their fractions."""
    batch = read(file)
    _, first = np.unique(batch.charges, axis=0, return_index=True)
    kept = batch[np.sort(first)]
    kept = kept[kept.total > 0]
    path = tmp_path_factory.mktemp("data") / "charged.h5"
    with DatasetWriter(path) as writer:
        writer.append(kept)
    return path, (kept.charges / kept.total[:, None]).astype(np.float32)


def test_an_epoch_draws_every_event_once(charged: tuple[Path, np.ndarray]) -> None:
    path, fractions = charged
    drawn = [np.concatenate([b[2] for b in source(path).batches(epoch, 64)]) for epoch in (0, 0, 1)]
    assert len(source(path)) == len(fractions) > 5 * BLOCK
    assert {len(d) for d in drawn} == {len(fractions) // 64 * 64}
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    number = {row.tobytes(): i for i, row in enumerate(fractions)}
    order = np.array([number[row.tobytes()] for row in drawn[0]])
    assert len(np.unique(order)) == len(order)
    # Shuffled: the neighbours of the file are not neighbours here, and a batch holds events of several blocks.
    assert np.mean(np.abs(np.diff(order)) == 1) < 0.01
    blocks = [len(np.unique(order[i : i + 64] // BLOCK)) for i in range(0, len(order) - 64, 64)]
    assert np.median(blocks) >= 3
    turned = np.concatenate([b[2] for b in source(path, views=3).batches(0, 64)])
    plain = sum(row.tobytes() in number for row in turned) / len(turned)
    assert 0.25 < plain < 0.42, "a third of the events is not turned"


def write_data(path: Path, settings: RunConfig) -> Context:
    data = dataset_stage.prepare(settings, LOW_DENSITY)
    context = Context(RunDirectory.create(path, settings), LOW_DENSITY, Silent())
    dataset_stage.write(context, data)
    return context


def test_rows_are_those_of_the_set_in_memory(file: Path, tmp_path: Path) -> None:
    batch = read(file)
    expected = split(batch, "0:6000", "6000:6344", seed=1)
    assert expected.copies > 0
    assert expected.excluded > 0
    context = write_data(tmp_path / "run", config(file))
    with Dataset.open(tmp_path / "run" / DATASET, "train") as data:
        np.testing.assert_array_equal(data.read().charges, batch.charges[expected.train])
    for name, rows in (("validation", expected.validation), ("report", expected.report), ("train", expected.train)):
        np.testing.assert_array_equal(context.rows(name).charges, batch.charges[rows])
    facts = json.loads((tmp_path / "run" / "dataset.json").read_text(encoding="utf-8"))
    assert (facts["streamed"], facts["rows"]) == (True, expected.rule)
    assert facts["train_events"] == len(expected.train)
    assert store.streamed(tmp_path / "run") == Rows(tmp_path / "run" / DATASET, "train")
    fits = write_data(tmp_path / "fits", config(file, 64))
    assert store.streamed(fits.run.path) is None
    np.testing.assert_array_equal(fits.rows("train").charges, batch.charges[expected.train])


def test_the_data_stage_alone_writes_the_same_bytes(file: Path, tmp_path: Path) -> None:
    for memory in (4, 64):
        settings = config(file, memory)
        once = write_data(tmp_path / f"once{memory}", settings)
        again = Context(RunDirectory.create(tmp_path / f"again{memory}", settings), LOW_DENSITY, Silent())
        assert dataset_stage.run(again) == [again.path(name) for name in (DATASET, "dataset.json")]
        record = once.run.manifest().stages["data"]
        assert record.outputs == {p.name: sha256(p) for p in dataset_stage.run(again)}
        assert once.run.is_done("data", again.run.inputs_of([]))


def test_conditions_of_a_streamed_set(file: Path, tmp_path: Path) -> None:
    dead = {"dead": list(range(24))}
    context = write_data(tmp_path / "run", config(file, conditions=dead))
    with Dataset.open(tmp_path / "run" / DATASET, "train") as data:
        train = data.read()
    report, validation = context.rows("report"), context.rows("validation")
    for rows in (train, report, validation):
        assert not rows.charges[:, :24].any()
    assert (train.total > 0).all()
    images = [{row.tobytes() for row in rows.charges} for rows in (train, validation, report)]
    assert not images[0] & images[1]
    assert not (images[0] | images[1]) & images[2]
    facts = json.loads((tmp_path / "run" / "dataset.json").read_text(encoding="utf-8"))
    assert (facts["train_events"], facts["steps"][-1].split()[0]) == (len(train), "dead")


def test_streamed_training_continues_to_the_same_bits(file: Path, tmp_path: Path) -> None:
    def trained(context: Context) -> tuple[list[tuple[float, float]], str]:
        pipeline.run_stage(context, "train", repeat=True)
        pipeline.run_stage(context, "freeze", repeat=True)
        lines = kept.read_history(context.path("training"))
        return [(e.loss, e.validation_loss) for e in lines], codec.sha256(context.model())

    straight = trained(write_data(tmp_path / "straight", config(file)))
    context = write_data(tmp_path / "cut", config(file))
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_stage(replace(context, progress=InterruptedInEpochTwo()), "train", repeat=True)
    assert len(kept.read_history(context.path("training"))) == 2
    assert trained(context) == straight
    assert len(straight[0]) == 3


def test_what_must_be_in_memory_is_checked_first(file: Path) -> None:
    small = {"source": str(file), "memory_mb": 1, "report": "3000:6344"}
    with pytest.raises(ConfigError, match=r"give data\.report fewer rows") as problem:
        dataset_stage.prepare(config(file, data=small), LOW_DENSITY)
    assert "\n" not in str(problem.value)


_PEAK = """
import sys
from pathlib import Path
from econ_ae.config import parse
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from tests.training.test_stream import write_data, pipeline, store
settings = parse({"data": {"source": sys.argv[1], "memory_mb": 64, "report": "0:2000", "validation": 0.002},
                  "decoder": {"hidden": [8]}, "training": {"epochs": 2, "batch": 500}}, "test")
context = write_data(Path(sys.argv[2]), settings)
pipeline.run_stage(context, "train", repeat=True)
status = Path("/proc/self/status").read_text()  # getrusage would count the parent process too
print(store.streamed(context.run.path) is not None, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    peaks = []
    for blocks in (100, 400):
        path = tmp_path / f"{blocks}.h5"
        with DatasetWriter(path) as writer:
            for seed in range(blocks // 20):
                writer.append(random_batch(20 * BLOCK, seed))
        run = subprocess.run(
            [sys.executable, "-c", _PEAK, path, tmp_path / f"run{blocks}"],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        streamed, peak = run.stdout.split()
        assert streamed == "True"
        peaks.append(int(peak))
    print(f"peak memory {peaks[0]} MB at {100 * BLOCK} rows, {peaks[1]} MB at {400 * BLOCK}")
    # 307,200 rows more: 59 MB of charges, 500 MB in memory with images and fractions; 60 bytes a row are the index.
    assert peaks[1] - peaks[0] < 64
