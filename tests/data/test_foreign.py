"""Text of others: CSV as spreadsheets write it, what is wrong with it, and what the command says."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.readers import read, text
from econ_ae.errors import DataError
from tests.data.foreign import CHARGES, ETA, PLAIN, hdf5_columns

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
