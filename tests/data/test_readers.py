"""Readers: every form, from the public files and from small written ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.stages.data import read_data
from econ_ae.config import load_preset, parse
from econ_ae.data.batch import Batch
from econ_ae.data.readers import read
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent

DECIMAL = ",".join(f" ePortRxDataGroup_{i}" for i in range(12)).strip()
HEXADECIMAL = ",".join(f"RX_DATA_{i}" for i in range(12))
HEADED_ROW = ",".join(["a0200101"] * 12)
CALQ = ",".join(f"CALQ_{i}" for i in range(48))


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def image(start: int = 0) -> str:
    return ",".join(str(i + start) for i in range(48))


@pytest.fixture(scope="module")
def real(reference: Path) -> Batch:
    return read(reference / "hgcal_pu200_eportrx.csv")


def test_public_decimal_words(reference: Path, real: Batch) -> None:
    assert len(real) == 10_000
    assert real.occupancy.mean() == pytest.approx(15.29, abs=0.005)
    data = (reference / "hgcal_pu200_eportrx.csv").read_bytes()
    assert real.provenance.sha256 == hashlib.sha256(data).hexdigest()
    assert real.provenance.source == "hgcal_pu200_eportrx.csv"
    assert real.provenance.synthetic is False
    assert real.provenance.steps == (
        "read eportrx-decimal: fields msb-first, density 1, code 0 suppressed "
        "(density and code 0 by default for eportrx-decimal)",
    )
    # Every cell of some rows by the rule itself, one code at a time.
    lines = data.decode().splitlines()
    for row in (0, 4711, 9999):
        words = [int(word) for word in lines[row + 1].split(",")]
        for cell in range(48):
            word, field = divmod(int(LOW_DENSITY.premux[cell]), 4)
            code = words[word] >> (21 - 7 * field) & 127
            e, m = code >> 3, code & 7
            charge = (2 * (m + 8 * (e > 0)) + 1) << max(e - 1, 0) if code else 0
            assert real.charges[row, cell] == charge


def test_public_hexadecimal_words(reference: Path) -> None:
    batch = read(reference / "econt_vectors" / "testInput.csv")
    assert len(batch) == 3564
    np.testing.assert_array_equal(batch.metadata["bx"], np.arange(3564))
    assert batch.total[0] == 13_800  # the worked row of the spec, bin centres at high density
    assert batch.charges.min() == 4
    suppressed = read(reference / "econt_vectors" / "testInput.csv", zero_code="suppressed")
    np.testing.assert_array_equal(suppressed.charges, np.where(batch.charges == 4, 0, batch.charges))


def test_options_of_words(tmp_path: Path) -> None:
    """Word 0 holds codes 1, 2, 3, 4 from its most significant field on; the other words hold code 0."""
    word = 1 << 21 | 2 << 14 | 3 << 7 | 4
    path = write(tmp_path / "words.csv", HEXADECIMAL, f"9{word:07x}" + ",a0000000" * 11)
    first = np.argsort(LOW_DENSITY.premux)[:4]  # trigger cells of word 0
    assert read(path).charges[0, first].tolist() == [12, 20, 28, 36]
    assert read(path, field_order="lsb-first").charges[0, first].tolist() == [36, 28, 20, 12]
    assert read(path, density=1).charges[0, first].tolist() == [3, 5, 7, 9]
    assert sorted(set(read(path, zero_code="suppressed").charges[0].tolist())) == [0, 12, 20, 28, 36]
    steps = read(path, density=1, field_order="lsb-first", zero_code="suppressed").provenance.steps
    assert steps == ("read eportrx-hexadecimal: fields lsb-first, density 1, code 0 suppressed",)
    path = write(tmp_path / "few.csv", HEADED_ROW)
    assert (
        read(path, density=1)
        .provenance.steps[0]
        .endswith("density 1, code 0 bin-centre (code 0 by default for eportrx-hexadecimal)")
    )
    assert (
        read(path, zero_code="suppressed")
        .provenance.steps[0]
        .endswith("density 3, code 0 suppressed (density by default for eportrx-hexadecimal)")
    )


def as_words(codes: np.ndarray, path: Path, *, decimal: bool) -> Path:
    """Write codes (rows, 48) as words, cell 4g in the upper field of word g."""
    words = (codes.reshape(-1, 12, 4) << np.array([21, 14, 7, 0])).sum(axis=2)
    header = ",".join(f"ePortRxDataGroup_{i}" for i in range(12)) if decimal else HEXADECIMAL
    spell = str if decimal else "a{:07x}".format
    return write(path, header, *(",".join(map(spell, row)) for row in words.tolist()))


def test_the_same_codes_in_decimal_and_hexadecimal_say_how_they_are_read(tmp_path: Path) -> None:
    """Sparse codes, as a front end sends that suppresses zeros, and dense ones that fall off towards 0."""
    rng = np.random.default_rng(0)
    sparse = rng.integers(22, 60, (200, 48)) * (rng.random((200, 48)) < 0.3)
    dense = rng.integers(0, 30, (200, 48))
    for codes, right, doubt in (
        (sparse, True, "code 0 looks like no charge, but is read as the middle of its bin"),
        (dense, False, "code 0 looks like an ordinary small charge, but is read as none"),
    ):
        decimal, hexadecimal = (
            read(as_words(codes, tmp_path / "words.csv", decimal=decimal)) for decimal in (True, False)
        )
        assert not np.array_equal(decimal.charges, hexadecimal.charges)
        assert "density 1, code 0 suppressed (density and code 0 by" in decimal.provenance.steps[0]
        assert "density 3, code 0 bin-centre (density and code 0 by" in hexadecimal.provenance.steps[0]
        good, bad = (decimal, hexadecimal) if right else (hexadecimal, decimal)
        assert len(good.provenance.steps) == 1
        assert len(bad.provenance.steps) == 2
        assert bad.provenance.steps[1].startswith("warning: words.csv: ")
        assert doubt in bad.provenance.steps[1]
    path = as_words(sparse, tmp_path / "words.csv", decimal=False)
    same = read(path, density=1, zero_code="suppressed")
    np.testing.assert_array_equal(same.charges, read(as_words(sparse, path, decimal=True)).charges)
    assert same.provenance.steps == ("read eportrx-hexadecimal: fields msb-first, density 1, code 0 suppressed",)


def test_public_files_do_not_contradict_their_default_reading(reference: Path, real: Batch) -> None:
    for batch in (real, *(read(reference / d / "testInput.csv") for d in ("econt_vectors", "econt_vectors_random"))):
        assert not any("warning" in step for step in batch.provenance.steps)
    other = read(reference / "econt_vectors_random" / "testInput.csv", zero_code="suppressed").provenance.steps[1]
    assert "6.5% of the trigger cells have code 0 and 5.0% each code 1..7" in other


def test_warnings_of_a_directory_name_their_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sparse = rng.integers(22, 60, (50, 48)) * (rng.random((50, 48)) < 0.3)
    for name in ("a.csv", "b.csv"):
        as_words(sparse, tmp_path / name, decimal=False)
    steps = read(tmp_path).provenance.steps
    assert [step[:14] for step in steps[1:3]] == ["warning: a.csv", "warning: b.csv"]
    assert steps[3] == "concatenated a.csv (50 rows), b.csv (50 rows)"


def test_the_command_says_how_a_file_is_read(tmp_path: Path, command: Callable[..., tuple[int, str, str]]) -> None:
    rng = np.random.default_rng(0)
    sparse = rng.integers(22, 60, (50, 48)) * (rng.random((50, 48)) < 0.3)
    code, out, _ = command("data", str(as_words(sparse, tmp_path / "words.csv", decimal=False)), "--json")
    assert code == 0
    assert "density 3, code 0 bin-centre (density and code 0 by default for eportrx-hexadecimal)" in out
    assert "warning: words.csv: " in out
    said: list[str] = []
    config = load_preset("quick").model_dump(mode="json")
    config["data"] |= {"source": str(tmp_path / "words.csv")}
    read_data(parse(config, "test"), LOW_DENSITY, Lines(said))
    assert said[1].startswith("warning: words.csv: ")


class Lines(Silent):
    """Progress that keeps its lines."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def say(self, text: str) -> None:
        self.said.append(text)


def test_columns_in_any_place_with_metadata(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(48)
    names = [f"CALQ_{i}" for i in order]
    header = ",".join(["", "tc_eta", *names[:20], "waferu", "EventSimEnergy", *names[20:], "SimEnergyTotal", "label"])
    values = [str(1000 + i) for i in order]
    row = ",".join(["7", "-1.85", *values[:20], "3.0", "12.5", *values[20:], "", "PU"])
    batch = read(write(tmp_path / "columns.csv", header, row, "", row))
    np.testing.assert_array_equal(batch.charges, np.tile(np.arange(1000, 1048), (2, 1)))
    assert batch.metadata["eta"].tolist() == [-1.85, -1.85]
    assert batch.metadata["wafer_u"].dtype == np.int64
    assert batch.metadata["EventSimEnergy"].tolist() == [12.5, 12.5]
    assert sorted(batch.metadata) == ["EventSimEnergy", "eta", "wafer_u"]  # the index and empty columns are gone
    assert batch.provenance.steps == ("read charges", "ignored columns without numbers: SimEnergyTotal, label")


def test_headerless_keeps_the_first_row(tmp_path: Path) -> None:
    path = write(tmp_path / "plain.csv", image(), image(5).replace(",", ".0,"))
    assert read(path).charges.tolist() == [list(range(48)), list(range(5, 53))]


def test_codes_by_cell(tmp_path: Path) -> None:
    header = ",".join(f"CODE_{i}" for i in range(48))
    batch = read(write(tmp_path / "codes.csv", header, image()))
    assert batch.charges[0, :18].tolist() == [0, *range(3, 33, 2), 34, 38]


@pytest.mark.parametrize("text", ["\ufeff{}\r\n{}\r\n", '"{}"\n{}'])
def test_line_ends_byte_order_mark_and_quotes(tmp_path: Path, text: str) -> None:
    header = CALQ.replace(",", '","') if '"' in text else CALQ
    path = tmp_path / "windows.csv"
    path.write_bytes(text.format(header, image()).encode())
    assert read(path).charges.tolist() == [list(range(48))]


def test_limit_and_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = write(tmp_path / "long.csv", *[image(i) for i in range(30)])
    batch = read(path, limit=7, progress=lambda done, rows: seen.append((done, rows)))
    assert batch.charges[:, 0].tolist() == list(range(7))
    assert seen == [(7, 7)]
    assert "first 7 rows" in batch.provenance.steps


def test_directory(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    folder.mkdir()
    header = CALQ + ",layer"
    write(folder / "b.csv", header, image(100) + ",9")
    write(folder / "a.csv", header, image(1) + ",5", image(2) + ",5")
    write(folder / "notes.txt", "not read")
    batch = read(folder)
    assert batch.charges[:, 0].tolist() == [1, 2, 100]
    assert batch.metadata["layer"].tolist() == [5, 5, 9]
    assert batch.provenance.source == "sample"
    assert batch.provenance.steps == ("read charges", "concatenated a.csv (2 rows), b.csv (1 rows)")
    assert read(folder, limit=2).charges[:, 0].tolist() == [1, 2]
    write(folder / "a.csv", header, image(3) + ",5")
    assert read(folder).provenance.sha256 != batch.provenance.sha256
