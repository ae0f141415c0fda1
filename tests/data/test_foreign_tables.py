"""HDF5 and Parquet of others, as documented, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from econ_ae.data.batch import Batch
from econ_ae.data.readers import read
from econ_ae.errors import DataError, PackageMissingError
from tests.data.foreign import (
    CHARGES,
    ETA,
    NAMES,
    WRITERS,
    columns,
    hdf5_array,
    hdf5_columns,
    parquet,
    parquet_columns,
    pyarrow,
)


@pytest.mark.parametrize(("name", "write", "step"), WRITERS.values(), ids=WRITERS)
def test_tables_of_others(tmp_path: Path, name: str, write: Callable[[Path], None], step: str) -> None:
    write(tmp_path / name)
    batch = read(tmp_path / name)
    np.testing.assert_array_equal(batch.charges, CHARGES)
    assert list(batch.metadata) == ["eta"]
    np.testing.assert_array_equal(batch.metadata["eta"], ETA)
    assert batch.provenance.steps[0] == step
    labelled = write in {hdf5_columns, parquet_columns}
    assert ("ignored columns without numbers: label" in batch.provenance.steps) == labelled
    some = read(tmp_path / name, limit=3)
    np.testing.assert_array_equal(some.charges, CHARGES[:3])
    assert some.provenance.steps[-1] == "first 3 rows"


def test_codes(tmp_path: Path) -> None:
    codes = CHARGES % 128
    parquet.write_table(pyarrow.table({f"code_{i}": codes[:, i] for i in range(48)}), tmp_path / "x.parquet")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["CODE"] = codes
    (tmp_path / "x.csv").write_text(
        "\n".join([",".join(f"CODE_{i}" for i in range(48)), *(",".join(map(str, row)) for row in codes)])
    )
    wanted = read(tmp_path / "x.csv", density=3, zero_code="bin-centre")
    for name in ("x.parquet", "x.h5"):
        batch = read(tmp_path / name, density=3, zero_code="bin-centre")
        np.testing.assert_array_equal(batch.charges, wanted.charges)
        assert batch.provenance.steps[0].startswith("read codes: density 3, code 0 bin-centre (")
    hdf5_array(tmp_path / "y.h5")
    with pytest.raises(DataError, match=r"^y.h5 holds charges; density and zero_code apply to"):
        read(tmp_path / "y.h5", density=3)


def changed(row: int, cell: int, value: float) -> np.ndarray:
    out = CHARGES.astype(float)
    out[row, cell] = value
    return out


def write_hdf5(**content: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name, values in content.items():
                file[name] = values

    return write


def write_parquet(**content: Any) -> Callable[[Path], None]:
    return lambda path: parquet.write_table(pyarrow.table(content), path)


def external(path: Path) -> None:
    hdf5_array(path.with_name("secret.h5"))
    with h5py.File(path, "w") as file:
        file["charges"] = h5py.ExternalLink("secret.h5", "/charges")
        file["circle"] = h5py.SoftLink("/circle")
        group = file.create_group("group")
        group["again"] = group


def endless(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("charges", shape=(1 << 50, 48), dtype="u4", chunks=(1024, 48))


NO_TABLE: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "negative": ("x.h5", write_hdf5(charges=changed(2, 5, -1)), "x.h5, row 3, column CALQ_5: charge -1 is negative"),
    "no number": (
        "x.h5",
        write_hdf5(calq=changed(0, 0, np.nan)),
        "x.h5, row 1, column CALQ_0: charge nan is not finite",
    ),
    "fraction": (
        "x.h5",
        write_hdf5(charges=changed(6, 47, 0.5)),
        "x.h5, row 7, column CALQ_47: charge 0.5 is no integer",
    ),
    "no first column": ("x.h5", write_hdf5(**dict.fromkeys(NAMES[1:], ETA)), "x.h5: column CALQ_0 missing; expected"),
    "one column short": (
        "x.h5",
        write_hdf5(**columns() | {"CALQ_7": CHARGES[:4, 7]}),
        "x.h5: column CALQ_7 missing; expected",
    ),
    "another shape": (
        "x.h5",
        write_hdf5(charges=CHARGES[:, :47]),
        "x.h5: HDF5 without columns that are understood (found /char",
    ),
    "no rows": ("x.h5", write_hdf5(charges=CHARGES[:0]), "x.h5: HDF5, / has no rows; expected"),
    "links elsewhere and in circles": (
        "x.h5",
        external,
        "x.h5: HDF5 without columns that are understood (found nothing",
    ),
    "endless": ("x.h5", endless, "x.h5 holds more rows than fit in memory; read fewer (data.limit)"),
    "null": ("x.pq", write_parquet(CALQ=[None, list(range(48))]), "x.pq, row 1, column CALQ: 0 values; expected 48"),
    "null in a column": (
        "x.pq",
        write_parquet(**columns() | {"CALQ_3": [1, 2, None, 4, 5, 6, 7]}),
        "x.pq, row 3, column CALQ_3: charge nan is not finite; expected an integer",
    ),
    "text instead of numbers": (
        "x.pq",
        write_parquet(**columns() | {"CALQ_3": list("1234567")}),
        "x.pq: column CALQ_3 missing; expected",
    ),
    "other columns": (
        "x.pq",
        write_parquet(a=[1], b=["x"]),
        "x.pq: Parquet without columns that are understood (found a, b)",
    ),
    "no Parquet": ("x.pq", lambda path: path.write_bytes(b"PAR1 and no more"), "x.pq is no Parquet file, or damaged ("),
}


@pytest.mark.parametrize(("name", "write", "message"), NO_TABLE.values(), ids=NO_TABLE)
def test_hostile_tables(tmp_path: Path, name: str, write: Callable[[Path], None], message: str) -> None:
    write(tmp_path / name)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.sampled_from(["HDF5 columns", "HDF5 array", "Parquet columns"]), st.integers(0, 10**6), st.integers(1, 255))
def test_changed_bytes_are_an_error_or_a_batch(tmp_path: Path, form: str, at: int, flip: int) -> None:
    name, write, _ = WRITERS[form]
    path = tmp_path / name
    if not path.with_suffix(".kept").exists():
        write(path)
        path.rename(path.with_suffix(".kept"))
    content = bytearray(path.with_suffix(".kept").read_bytes())
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    message = ""
    try:
        assert isinstance(read(path), Batch)
    except DataError as problem:
        message = str(problem)
    assert "\n" not in message
    assert len(message) < 400


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet_columns(tmp_path / "x.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(PackageMissingError, match=r"^reading Parquet needs pyarrow; .*'econ-ae\[parquet\]'"):
        read(tmp_path / "x.parquet")
