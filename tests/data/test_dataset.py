"""Dataset files: what is written is read back, whole or not at all, and mistakes are one line."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from econ_ae.app.studies.convert import convert
from econ_ae.config import RunConfig, parse
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.dataset import BLOCK, Dataset, load
from econ_ae.data.dataset_writer import DatasetWriter
from econ_ae.data.generated import generated
from econ_ae.data.readers import read
from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent


def random_batch(rows: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    charges = rng.integers(0, 1 << 22, (rows, 48)) * (rng.random((rows, 48)) < 0.3)
    metadata = {"eta": rng.normal(2, 0.3, rows), "layer": rng.integers(1, 28, rows).astype(np.int16)}
    return Batch(charges, Provenance("random", synthetic=True, steps=("drawn",)), metadata)


def store(path: Path, batch: Batch, sizes: tuple[int, ...]) -> Path:
    with DatasetWriter(path) as writer:
        start = 0
        for size in sizes:
            writer.append(batch[start : start + size])
            start += size
    return path


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    batch = random_batch(3 * BLOCK + 100)
    path = store(tmp_path / "a.h5", batch, (1, 999, BLOCK, 2 * BLOCK - 900))
    with Dataset.open(path) as data:
        assert (data.rows, data.cells, data.blocks) == (len(batch), 48, 4)
        assert data.group["charges"].chunks == (BLOCK, 48)
        assert data.group["charges"].compression == "gzip"
        np.testing.assert_array_equal(data.read(3 * BLOCK).charges, batch.charges[3 * BLOCK :])
        part = data.read(500, 700)
        parts = list(data.batches(BLOCK, limit=2 * BLOCK + 5))
    assert [len(p) for p in parts] == [BLOCK, BLOCK, 5]
    np.testing.assert_array_equal(part.charges, batch.charges[500:700])
    whole = load(path)
    assert whole.content_hash() == batch.content_hash()
    assert whole.provenance == batch.provenance
    assert whole.metadata["layer"].dtype == np.int16
    assert read(path, limit=7).provenance.steps == ("drawn", "first 7 rows")


def test_the_content_hash_does_not_depend_on_the_parts(tmp_path: Path) -> None:
    batch = random_batch(1000)
    paths = [store(tmp_path / f"{i}.h5", batch, sizes) for i, sizes in enumerate(((1000,), (1, 499, 500)))]
    found = set()
    for path in paths:
        with Dataset.open(path) as data:
            found.add(data.content_sha256)
    assert len(found) == 1


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = store(tmp_path / "a.h5", random_batch(10), (10,))
    before = path.read_bytes()

    def interrupted() -> None:
        with DatasetWriter(path) as writer:
            writer.append(random_batch(20))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_bad_files_are_one_line(tmp_path: Path) -> None:
    good = store(tmp_path / "a.h5", random_batch(5000), (5000,)).read_bytes()
    (tmp_path / "text.h5").write_text("CALQ_0\n1\n")
    (tmp_path / "cut.h5").write_bytes(good[: len(good) // 2])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros(3)
    (tmp_path / "changed.h5").write_bytes(good)
    with h5py.File(tmp_path / "changed.h5", "r+") as file:
        file["charges"][17, 3] ^= 1
    with h5py.File(tmp_path / "newer.h5", "w") as file:
        file["charges"] = np.zeros((1, 48), np.uint32)
        file.attrs["format"], file.attrs["version"] = "econ-ae dataset", 2
    expected = {
        "text.h5": "is no HDF5 file",
        "cut.h5": "is cut off or damaged",
        "other.h5": r"HDF5 without columns that are understood \(found /images\)",
        "changed.h5": "was changed after it was written",
        "newer.h5": "has dataset version 2; this econ-ae reads 1",
        "absent.h5": "no such file",
    }
    for name, message in expected.items():
        with pytest.raises(DataError, match=message) as problem:
            read(tmp_path / name)
        assert "\n" not in str(problem.value)
        assert name in str(problem.value)


def test_batches_must_fit_together(tmp_path: Path) -> None:
    one = random_batch(5)
    other = Batch(np.ones((3, 48), np.int64), Provenance("other", synthetic=True), {"eta": np.ones(3)})
    labels = Batch(np.ones((3, 48), np.int64), Provenance("other", synthetic=True), {"kind": np.array(["a", "b", "c"])})

    def write(*batches: Batch) -> None:
        with DatasetWriter(tmp_path / "a.h5") as writer:
            for batch in batches:
                writer.append(batch)

    with pytest.raises(DataError, match="differ in column 'metadata/layer'"):
        write(one, other)
    with pytest.raises(DataError, match="numbers only"):
        write(labels)
    with pytest.raises(DataError, match=r"no rows for a\.h5"):
        write()
    assert not list(tmp_path.iterdir())


def settings(**data: object) -> RunConfig:
    return parse({"seed": 3, "data": data}, "test")


def test_conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("econ_ae.app.studies.convert._PIECE", 200)
    assert convert(settings(events=500), tmp_path / "b.h5", LOW_DENSITY, Silent(), overwrite=False) == 500
    pieces = read(tmp_path / "b.h5")
    expected = generated(settings(events=500).data, 3, LOW_DENSITY)
    np.testing.assert_array_equal(pieces.charges, expected.charges)
    assert pieces.provenance == expected.provenance
    csv = tmp_path / "c.csv"
    csv.write_text("\n".join(",".join(map(str, row)) for row in pieces.charges.tolist()))
    convert(settings(source=str(csv), limit=300), tmp_path / "c.h5", LOW_DENSITY, Silent(), overwrite=False)
    np.testing.assert_array_equal(read(tmp_path / "c.h5").charges, pieces.charges[:300])
    again = settings(source=str(tmp_path / "b.h5"), limit=450)
    assert convert(again, tmp_path / "d.h5", LOW_DENSITY, Silent(), overwrite=False) == 450
    np.testing.assert_array_equal(read(tmp_path / "d.h5").charges, pieces.charges[:450])
