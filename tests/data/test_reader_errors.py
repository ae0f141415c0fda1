"""Bad input: one line that says what was given, where, and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from econ_ae.data.readers import read
from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY

CALQ = ",".join(f"CALQ_{i}" for i in range(48))
CODE = CALQ.replace("CALQ", "CODE")
DECIMAL = ", ".join(f"ePortRxDataGroup_{i}" for i in range(12))
HEXADECIMAL = ",".join(f"RX_DATA_{i}" for i in range(12))
IMAGE = ",".join(str(i) for i in range(48))
WORDS = ", ".join(["2097152"] * 12)
HEADED = ",".join(["a0000001"] * 12)


def image(value: str, column: int = 5) -> str:
    cells = IMAGE.split(",")
    cells[column] = value
    return ",".join(cells)


CASES = {
    "empty": ("", "bad.csv is empty; expected CSV"),
    "blank": ("\n \n", "bad.csv is empty; expected CSV"),
    "header only": (CALQ, "bad.csv has a header line and no rows; expected one row per bunch crossing"),
    "other file": (
        "a,b,c\n1,2,3",
        "bad.csv: columns not understood ('a, b, c'); expected CALQ_0..47, CODE_0..47, or 12",
    ),
    "few columns": ("1,2,3", "bad.csv, row 1 (line 1): 3 columns and no header line; expected 48 charges or 12 words"),
    "column missing": (
        CALQ.replace("CALQ_7,", "") + "\n" + IMAGE[:-3],
        "bad.csv: column CALQ_7 missing; expected CALQ_0..CALQ_47 in the header",
    ),
    "column twice": (CALQ + ",CALQ_3\n" + IMAGE + ",1", "bad.csv: column CALQ_3 appears twice in the header"),
    "column too many": (CALQ + ",CALQ_48\n" + IMAGE + ",1", "bad.csv: column CALQ_48 in the header; expected CALQ_0.."),
    "short row": (f"{CALQ}\n{IMAGE}\n\n1,2,3", "bad.csv, row 2 (line 4): 3 columns; expected 48"),
    "long rows": (f"{CALQ}\n{IMAGE},1", "bad.csv, row 1 (line 2): 49 columns; expected 48"),
    "short headerless row": (f"{IMAGE}\n1,2", "bad.csv, row 2 (line 2): 2 columns; expected 48"),
    "text": (f"{CALQ}\n{image('many')}", "bad.csv, row 1 (line 2), column CALQ_5: 'many' is no number"),
    "text in the first of no header": (image("x"), "bad.csv, row 1 (line 1), column CALQ_5: 'x' is no number"),
    "hole": (f"{CALQ}\n{image('')}", "bad.csv, row 1 (line 2), column CALQ_5: '' is no number"),
    "text in metadata": (
        f"{CALQ},eta\n{IMAGE},1.5\n{IMAGE},high",
        "bad.csv, row 2 (line 3), column eta: 'high' is no number",
    ),
    "negative": (f"{CALQ}\n{image('-3')}", "column CALQ_5: charge -3 is negative; expected an integer of 0..4194303"),
    "not a number": (f"{CALQ}\n{image('nan')}", "row 1 (line 2), column CALQ_5: charge nan is not finite; expected"),
    "infinite": (f"{CALQ}\n{image('inf', 47)}", "row 1 (line 2), column CALQ_47: charge inf is not finite; expected"),
    "fraction": (f"{IMAGE}\n{image('2.5')}", "row 2 (line 2), column CALQ_5: charge 2.5 is no integer; expected"),
    "23 bits": (f"{CALQ}\n{image('4194304')}", "column CALQ_5: charge 4194304 is above 4194303; expected"),
    "huge": (f"{CALQ}\n{image('1e400')}", "column CALQ_5: charge inf is not finite; expected"),
    "code": (
        f"{CODE}\n{image('128')}",
        "row 1 (line 2), column CODE_5: TC code 128 is above 127; expected an integer of",
    ),
    "word": (
        f"{DECIMAL}\n{WORDS}\n{WORDS.replace('2097152', str(1 << 28), 1)}",
        "bad.csv, row 2 (line 3), column ePortRxDataGroup_0: word 268435456 is above 268435455 (4 codes of 7 bits; ",
    ),
    "word missing": (f"{DECIMAL}\n{WORDS[:-9]}", "bad.csv, row 1 (line 2): 11 columns; expected 12"),
    "words in another order": (
        HEXADECIMAL.replace("RX_DATA_0,RX_DATA_1", "RX_DATA_1,RX_DATA_0") + "\n" + HEADED,
        "expected the 12 columns RX_DATA_0..11 in order",
    ),
    "header nibble": (
        f"{HEXADECIMAL}\n{HEADED}\n{HEADED[:-8]}70000001",
        "bad.csv, row 2 (line 3), column RX_DATA_11: header nibble 7 of '70000001'; expected 9 (BX 0) or A",
    ),
    "hexadecimal digit": (
        f"{HEXADECIMAL}\n{HEADED.replace('a', 'g', 1)}",
        "bad.csv, row 1 (line 2), column RX_DATA_0: 'g0000001' is no word; expected up to 8 hexadecimal digits",
    ),
    "hexadecimal length": (
        f"{HEXADECIMAL}\n{HEADED}0",
        "column RX_DATA_11: 'a00000010' is no word; expected up to 8 hexadecimal digits",
    ),
    "hexadecimal columns": (f"{HEXADECIMAL}\n{HEADED[:-9]}", "bad.csv, row 1 (line 2): 11 columns; expected 12"),
    "NUL": ("1,2\0,3", "bad.csv is no text file; expected CSV with trigger-cell charges or ePortRX words"),
}


@pytest.mark.parametrize(("content", "message"), CASES.values(), ids=CASES.keys())
def test_bad_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_undecodable(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe")
    with pytest.raises(DataError, match=r"^bad.csv is no text file; expected CSV"):
        read(path)


def test_missing_file_and_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^cannot read none.csv: No such file or directory; expected a CSV file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"holds no \*.csv; expected at least one$"):
        read(tmp_path)


def test_directory_of_different_forms(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{CALQ}\n{IMAGE}\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"{HEXADECIMAL}\n{HEADED}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^a.csv is of form charges, b.csv of eportrx-hexadecimal; expected one form"):
        read(tmp_path)
    (tmp_path / "b.csv").write_text(f"{CALQ},eta\n{IMAGE},1.5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"^a.csv and b.csv differ in column eta; expected the same columns"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit of 0 rows; expected at least 1"),
        ({"field_order": "msb"}, "field_order 'msb'; expected msb-first or lsb-first"),
        ({"zero_code": "zero"}, "zero_code 'zero'; expected suppressed or bin-centre"),
        ({"density": 2}, "density 2; expected 1 (low density) or 3 (high density)"),
        ({"density": 3}, "good.csv holds charges; density and zero_code apply to trigger-cell codes only"),
    ],
)
def test_bad_options(tmp_path: Path, options: dict[str, object], message: str) -> None:
    path = tmp_path / "good.csv"
    path.write_text(f"{CALQ}\n{IMAGE}\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([CALQ, CODE, DECIMAL, HEXADECIMAL, ""]), st.binary(max_size=200), st.integers(0, 48))
def test_junk_is_a_data_error_or_a_batch(tmp_path: Path, header: str, junk: bytes, cells: int) -> None:
    path = tmp_path / "junk.csv"
    path.write_bytes(header.encode() + b"\n" + b"1," * cells + junk)
    message = ""
    try:
        assert read(path).cells == LOW_DENSITY.cells
    except DataError as problem:
        message = str(problem)
    assert len(message) < 300
    assert not re.search(r"[\x00-\x1f]", message)
