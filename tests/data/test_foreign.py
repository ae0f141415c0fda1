"""Files of others: CSV as spreadsheets write it, HDF5 and Parquet as documented, and what is wrong with them."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from econ_ae.data.batch import Batch
from econ_ae.data.readers import read, text
from econ_ae.errors import DataError, PackageMissingError
from tests.required import require_module

pyarrow = require_module("pyarrow", "pip install 'econ-ae[parquet]'")
parquet = require_module("pyarrow.parquet", "pip install 'econ-ae[parquet]'")

RNG = np.random.default_rng(5)
CHARGES = RNG.integers(0, 3000, (7, 48))
ETA = RNG.uniform(1.5, 3, 7)
NAMES = [f"CALQ_{i}" for i in range(48)]
PLAIN = "\n".join(
    [",".join([*NAMES, "eta"]), *(",".join(map(str, [*r, e])) for r, e in zip(CHARGES, ETA, strict=True))]
)
HEADLESS = "\n".join(",".join(map(str, row)) for row in CHARGES)

FORMS: dict[str, tuple[bytes, str]] = {
    "as it was": (PLAIN.encode(), "read charges"),
    "mark of UTF-8": (codecs.BOM_UTF8 + PLAIN.encode(), "read charges"),
    "semicolons": (PLAIN.replace(",", ";").encode(), "read charges (semicolons)"),
    "tabs, CRLF": (PLAIN.replace(",", "\t").replace("\n", "\r\n").encode(), "read charges (tabs)"),
    "UTF-16": (PLAIN.encode("utf-16"), "read charges (UTF-16)"),
    "UTF-16 big end first": (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "read charges (UTF-16)"),
    "UTF-16 without mark": (PLAIN.encode("utf-16-le"), "read charges (UTF-16 without a byte order mark)"),
    "gzip": (gzip.compress(PLAIN.encode()), "read charges (gzip)"),
    "all of it": (
        gzip.compress(PLAIN.replace(",", "\t").encode("utf-16")),
        "read charges (gzip, UTF-16, tabs)",
    ),
    "Latin-1": (PLAIN.replace("eta", "gr\u00f6\u00dfe").encode("latin-1"), "read charges (Latin-1)"),
    "quotes": (
        "\n".join(";".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split("\n")).encode(),
        "read charges (semicolons)",
    ),
}


@pytest.mark.parametrize(("content", "step"), FORMS.values(), ids=FORMS)
def test_text_in_any_form(tmp_path: Path, content: bytes, step: str) -> None:
    path = tmp_path / "images.csv"
    path.write_bytes(content)
    batch = read(path)
    np.testing.assert_array_equal(batch.charges, CHARGES)
    (name,) = batch.metadata
    assert name in {"eta", "gr\u00f6\u00dfe"}
    np.testing.assert_array_equal(batch.metadata[name], ETA)
    assert batch.provenance.steps == (step,)


def test_without_header_and_with_labels(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text(HEADLESS.replace(",", ";"), encoding="utf-8")
    np.testing.assert_array_equal(read(path).charges, CHARGES)
    lines = PLAIN.replace(",", ";").split("\n")
    path.write_text(
        "\n".join([f"label;{lines[0]}", *(f"pions, 50 GeV;{line}" for line in lines[1:])]), encoding="utf-8"
    )
    batch = read(path)
    np.testing.assert_array_equal(batch.charges, CHARGES)
    assert batch.provenance.steps == ("read charges (semicolons)", "ignored columns without numbers: label")


def test_directory_of_plain_and_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(PLAIN, encoding="utf-8")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(PLAIN.encode()))
    np.testing.assert_array_equal(read(tmp_path).charges, np.concatenate([CHARGES, CHARGES]))


COMMA = PLAIN.replace(",", ";").replace(f"{ETA[2]}", f"{ETA[2]}".replace(".", ","))
HOSTILE: dict[str, tuple[bytes, str]] = {
    "decimal comma": (
        COMMA.encode(),
        f"images.csv, line 4: '{str(ETA[2]).replace('.', ',')[:24]}' has a decimal comma",
    ),
    "decimal comma, no header": (
        HEADLESS.replace(",", ";").replace("\n", ",5\n", 1).encode(),
        f"images.csv, line 1: '{CHARGES[0, -1]},5' has a decimal comma (detected: semicolons between cells)",
    ),
    "decimal comma in quotes": (
        PLAIN.replace(f"{ETA[0]}", f'"{str(ETA[0]).replace(".", ",")}"').encode(),
        "images.csv, line 2: '",
    ),
    "gzip cut off": (gzip.compress(PLAIN.encode())[:-40], "images.csv is cut off or damaged (gzip: "),
    "gzip changed": (
        gzip.compress(PLAIN.encode())[:60] + b"\0" * 40 + gzip.compress(PLAIN.encode())[100:],
        "images.csv is cut off or damaged (gzip: ",
    ),
    "picture in gzip": (
        gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(99)),
        "images.csv is no text file inside gzip; expected",
    ),
    "UTF-16 cut off": (PLAIN.encode("utf-16")[:-1], "images.csv is no text file; expected CSV"),
    "UTF-32": (PLAIN.encode("utf-32"), "images.csv is no text file; expected CSV"),
    "lone surrogate": (codecs.BOM_UTF16_LE + b"\x00\xd8" + b"1\0", "images.csv is no text file; expected CSV"),
    "semicolons, then commas": (
        PLAIN.replace(",", ";", 48).encode(),
        "images.csv, row 1 (line 2): 1 columns; expected 49",
    ),
    "gzip of nothing": (gzip.compress(b""), "images.csv is empty; expected CSV"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "images.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_compression_that_hides_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MOST", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"1," * (1 << 20)))
    with pytest.raises(DataError, match=r"^bomb.csv.gz holds more than 0 GiB of text; divide it"):
        read(path)


def columns() -> dict[str, Any]:
    return {name: CHARGES[:, i] for i, name in enumerate(NAMES)} | {"tc_eta": ETA}


def hdf5_columns(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, values in columns().items():
            file[f"events/{name}"] = values
        file["events/label"] = np.array([b"pion"] * 7)
        file["elsewhere/short"] = np.arange(3)


def hdf5_array(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("charges", data=CHARGES.astype(float), compression="gzip")
        file["tc_eta"] = ETA


def hdf5_table(path: Path) -> None:
    table = np.zeros(7, [(name, np.asarray(values).dtype) for name, values in columns().items()])
    for name, values in columns().items():
        table[name] = values
    with h5py.File(path, "w") as file:
        file["table"] = table


def parquet_columns(path: Path) -> None:
    parquet.write_table(pyarrow.table(columns() | {"label": ["pion"] * 7}), path)


def parquet_lists(path: Path) -> None:
    parquet.write_table(pyarrow.table({"tc_eta": ETA, "CALQ": list(CHARGES.astype(np.uint32))}), path)


WRITERS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "HDF5 columns": ("x.h5", hdf5_columns, "read charges (HDF5, /events)"),
    "HDF5 array": ("x.hdf5", hdf5_array, "read charges (HDF5, /)"),
    "HDF5 table": ("x.h5", hdf5_table, "read charges (HDF5, /)"),
    "Parquet columns": ("x.parquet", parquet_columns, "read charges (Parquet)"),
    "Parquet lists": ("x.pq", parquet_lists, "read charges (Parquet)"),
}


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


def test_the_command_says_what_was_detected(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(PLAIN.replace(",", ";").encode("utf-16")))
    hdf5_columns(tmp_path / "x.h5")
    code, out, err = command("data", "x.csv.gz", "--json")
    assert (code, err) == (0, "")
    assert "read charges (gzip, UTF-16, semicolons)" in out
    assert command("data", "convert", "x.h5", "--out", "set.h5")[:2] == (0, "set.h5: 7 images\n")
    np.testing.assert_array_equal(read(tmp_path / "set.h5").charges, CHARGES)
