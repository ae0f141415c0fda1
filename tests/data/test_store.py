"""The rows of a run: sets in one file, whole or not at all; the form of earlier versions; damage in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data import dataset, store
from econ_ae.data.dataset import BLOCK
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.store import DATASET, SETS, Rows
from econ_ae.errors import DataError
from tests.data.test_dataset import random_batch

OLD = Path(__file__).parent / "old_run"


def save(folder: Path, rows: int = 300, held: int | None = None) -> None:
    with DatasetWriter(folder / DATASET) as writer:
        for seed, name in enumerate(SETS):
            for part in range(2):
                writer.append(random_batch(rows, 10 * seed + part), name)
        assert writer.rows == 6 * rows
        if held is not None:
            writer.hold("train", held)


def test_sets_are_read_back(tmp_path: Path) -> None:
    save(tmp_path)
    for seed, name in enumerate(SETS):
        batch = store.load(tmp_path, name)
        expected = [random_batch(300, 10 * seed + part) for part in range(2)]
        np.testing.assert_array_equal(batch.charges, np.concatenate([e.charges for e in expected]))
        for column in ("eta", "layer"):
            np.testing.assert_array_equal(
                batch.metadata[column], np.concatenate([e.metadata[column] for e in expected])
            )
        assert batch.provenance == expected[0].provenance
    assert store.streamed(tmp_path) is None
    with pytest.raises(DataError, match=r"dataset\.h5 has no set 'testing' \(found report, train, validation\)"):
        store.load(tmp_path, "testing")
    with pytest.raises(DataError, match=r"dataset\.h5 holds sets of rows, not one set"):
        dataset.load(tmp_path / DATASET)


def test_only_the_first_rows_of_a_streamed_set_are_held(tmp_path: Path) -> None:
    save(tmp_path, BLOCK, held=1500)
    assert len(store.load(tmp_path, "train")) == 1500
    assert len(store.load(tmp_path, "report")) == 2 * BLOCK
    rows = store.streamed(tmp_path)
    assert rows == Rows(tmp_path / DATASET, "train")
    with rows.open() as data:
        assert (data.rows, data.held, data.blocks) == (2 * BLOCK, 1500, 2)
        np.testing.assert_array_equal(data.read(BLOCK, 2 * BLOCK).charges, random_batch(BLOCK, 1).charges)


def test_a_set_without_rows_is_refused(tmp_path: Path) -> None:
    def write() -> None:
        with DatasetWriter(tmp_path / DATASET) as writer:
            writer.append(random_batch(5), "train")
            writer.append(random_batch(5)[:0], "validation")

    with pytest.raises(DataError, match=r"no rows for set 'validation' of dataset\.h5"):
        write()
    assert not list(tmp_path.iterdir())


def test_the_form_of_earlier_versions_is_read(tmp_path: Path) -> None:
    assert [len(store.load(OLD, name)) for name in SETS] == [5, 1, 3]
    report = store.load(OLD, "report")
    np.testing.assert_array_equal(report.metadata["layer"], [7, 8, 9])
    assert report.metadata["layer"].dtype == np.int16
    assert (report.provenance.source, report.provenance.steps) == ("old.csv", ("first 10 rows",))
    assert int(report.charges.sum()) == 50_461
    rows = store.streamed(OLD)
    assert rows is not None
    with rows.open() as data:
        data.check()
        assert data.rows == 6
        np.testing.assert_array_equal(data.read(0, 5).charges, store.load(OLD, "train").charges)
    shutil.copy(OLD / "dataset.npz", tmp_path)
    assert store.streamed(tmp_path) is None
    save(tmp_path)
    assert len(store.load(tmp_path, "report")) == 600, "the new form counts where both are"


def content(folder: Path, name: str) -> str:
    """Hash of a set; of the earlier form, whose columns have no hash, of the charges alone."""
    batch = store.load(folder, name)
    return (batch if (folder / DATASET).is_file() else replace(batch, metadata={})).content_hash()


def load_damaged(folder: Path, file: str, good: bytes, place: int, bit: int) -> dict[str, str]:
    """Return the content of every set, or the error, after one bit of the file was flipped."""
    raw = bytearray(good)
    raw[place] ^= 1 << bit
    (folder / file).write_bytes(raw)
    found = {}
    for name in SETS:
        try:
            found[name] = content(folder, name)
        except DataError as problem:
            found[name] = str(problem)
    return found


@pytest.mark.parametrize("file", [DATASET, "dataset.npz"])
def test_damage_is_one_line_that_names_the_file(file: str, tmp_path: Path) -> None:
    if file == DATASET:
        save(tmp_path, 40)
    else:
        shutil.copy(OLD / file, tmp_path)
    sound = {name: content(tmp_path, name) for name in SETS}
    good = (tmp_path / file).read_bytes()
    rng = np.random.default_rng(3)
    refused = 0
    for place in rng.integers(0, len(good), 100):
        for name, found in load_damaged(tmp_path, file, good, place, int(rng.integers(8))).items():
            if found != sound[name]:
                assert str(tmp_path / file) in found, f"byte {place} changed the rows and nobody noticed"
                assert "\n" not in found
                refused += 1
    assert refused > 30


def test_a_deleted_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*dataset\.h5: no such file; make the run anew"):
        store.load(tmp_path, "train")


_FULL = """
import resource, signal, sys
from pathlib import Path
from econ_ae.data.dataset_writer import DatasetWriter
from tests.data.test_dataset import random_batch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with DatasetWriter(Path(sys.argv[1])) as writer:
        for seed in range(4):
            writer.append(random_batch(3000, seed))
except OSError as problem:
    print(problem.strerror, problem.filename)
"""


@pytest.mark.parametrize("limit", [500, 100_000, 700_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, limit: int) -> None:
    out = tmp_path / "rows.h5"
    run = subprocess.run(
        [sys.executable, "-c", _FULL, out, str(limit)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"cannot write: File too large {out}\n"
    assert not list(tmp_path.iterdir())


@contextmanager
def nobody() -> Iterator[None]:
    """Root may write everywhere; as nobody it may not."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with nobody(), pytest.raises(OSError, match="cannot write: Permission denied") as problem:
        save(tmp_path)
    assert problem.value.filename == str(tmp_path / DATASET)
    tmp_path.chmod(0o700)
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match=r"cannot write: .*file") as problem:
        save(tmp_path / "file")
    assert problem.value.filename == str(tmp_path / "file" / DATASET)
