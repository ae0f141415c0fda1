"""Cells found by what they compute, and the errors of libraries that cannot be used."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from econ_ae.errors import LibertyError
from rtl_gen.costs.library import cells as liberty
from rtl_gen.costs.library import expressions, find, generic, groups
from rtl_gen.costs.library.groups import Group

CELL = "cell ({name}) {{ area : {area}; {pins} {body} }}\n"


def cell(name: str, area: float, inputs: str, outputs: dict[str, str], body: str = "") -> str:
    pins = " ".join(f"pin ({pin}) {{ direction : input; }}" for pin in inputs.split())
    pins += " ".join(f'pin ({pin}) {{ direction : output; function : "{f}"; }}' for pin, f in outputs.items())
    return CELL.format(name=name, area=area, pins=pins, body=body)


NAND = cell("nd", 2.0, "A B", {"Y": "(A B)'"})
FLOP = cell("ff", 9.0, "D C R", {"Q": "IQ"}, 'ff (IQ, IQN) { next_state : D; clocked_on : C; clear : "R\'"; }')


def library(tmp_path: Path, *cells: str) -> liberty.Library:
    path = tmp_path / "own.lib"
    path.write_text("library (own) {\n" + "".join(cells) + "}\n")
    return liberty.read(path, tmp_path)


def test_cells_are_found_by_function_whatever_they_are_called(tmp_path: Path) -> None:
    found = library(
        tmp_path,
        NAND,
        FLOP,
        cell("large_nand", 3.0, "A B", {"Y": "!A | !B"}),
        cell("adder", 8.0, "X Y Z", {"P": "X^Y^Z", "G": "(X&Y)|(Z&(X|Y))"}),
        cell("inverting_adder", 7.0, "X Y Z", {"P": "X^Y^Z", "G": "!((X&Y)|(Z&(X|Y)))"}),
        cell("half", 5.0, "X Y", {"G": "X*Y", "P": "X Y' + X' Y"}),
    )
    assert find.nand2(found).name == "nd"
    full, half = find.full_adder(found), find.half_adder(found)
    assert full is not None
    assert half is not None
    assert (full.cell.name, full.sum, full.carry) == ("adder", "P", "G")
    assert (half.cell.name, half.sum, half.carry) == ("half", "P", "G")
    assert [cell.name for cell in find.flops(found)] == ["ff"]
    assert find.clock_gate(found) is None


@pytest.mark.parametrize(
    ("expression", "table"),
    [
        ("A B' + C", "01011101"),  # and before or, ' before both
        ("A ^ B C", "00010100"),  # exclusive or before and: (A ^ B) C
        ("!(A & B) | C'", "11111110"),
    ],
)
def test_expressions_have_the_precedence_of_liberty(expression: str, table: str) -> None:
    found = expressions.parse(expression, "here")
    assert find.truth_table(found, ("A", "B", "C")) == tuple(bit == "1" for bit in table)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("A &", "'A &' is no Boolean expression at ''; correct the Liberty file"),
        ("(A", "'(A' lacks a ')'; correct the Liberty file"),
        ("A # B", "'A # B' is no Boolean expression at '#'; correct the Liberty file"),
        ("D", "'D' reads 'D', which is no input; correct the Liberty file"),
    ],
)
def test_expressions_that_are_not_understood_are_an_error(expression: str, message: str) -> None:
    with pytest.raises(LibertyError, match=re.escape(f"function of a cell: {message}")):
        find.truth_table(expressions.parse(expression, "function of a cell"), ("A", "B"))


def test_pins_may_have_any_name() -> None:
    names = ("in", "A[0]", "DONE")
    found = expressions.parse("in A[0]' + ~DONE", "here")
    assert find.truth_table(found, names) == (
        True,
        False,
        True,
        False,
        True,
        True,
        True,
        False,
    )
    assert expressions.parse("in DONE + 1", "here").verilog() == "((in & DONE) | 1'b1)"


@pytest.mark.parametrize(
    ("name", "nand", "others"),
    [
        ("nangate45_typ", 0.798, ("FA_X1", "HA_X1", "CLKGATE_X1")),
        ("sky130hd_tt", 3.7536, tuple(f"sky130_fd_sc_hd__{cell}_1" for cell in ("fa", "ha", "dlclkp"))),
        ("ihp_sg13g2_typ_1p20V_25C", 7.2576, (None, None, "sg13g2_lgcp_1")),
    ],
)
def test_open_libraries(
    name: str, nand: float, others: tuple[str | None, ...], reference: Path, tmp_path: Path
) -> None:
    found = liberty.read(reference / "liberty" / f"{name}.lib.gz", tmp_path)
    full, half = find.full_adder(found), find.half_adder(found)
    cells = (full and full.cell, half and half.cell, find.clock_gate(found))
    assert find.nand2(found).area == nand
    assert tuple(cell and cell.name for cell in cells) == others
    assert found.path.read_bytes() == gzip.decompress((reference / "liberty" / f"{name}.lib.gz").read_bytes())


def test_generic_cells_are_a_library_in_gate_equivalents(tmp_path: Path) -> None:
    found = liberty.read(generic.write(tmp_path), tmp_path)
    full = find.full_adder(found)
    assert find.nand2(found).area == 1
    assert full is not None
    assert full.cell.area == pytest.approx(16 / 3, abs=1e-4)


IS_NONE = r"own\.lib is no Liberty file: line {}: {}; expected library \(NAME\) {{ cell"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"library (broken) { cell (a) { area : 1; ", IS_NONE.format(1, "the end is missing")),
        (b"library (broken) {\n cell (a) { area : 2 * VDD", IS_NONE.format(2, "the end is missing")),
        (b"library (a) { cell (b) { area : 2 * VDD } }", r"cell 'b': area is '2 \* VDD'; expected a number"),
        (b"library (a)\n}", IS_NONE.format(2, "'}' without '{'")),
        (b"library (a) { cell (b (c)) { } }", IS_NONE.format(1, r"'\(' at the wrong place")),
        (b"<html>{", IS_NONE.format(1, "'{' without a group's name")),
        (b'library (broken) { area : 2 * VDD; when : 2 * "A }', IS_NONE.format(1, "'\"'")),
        (b"", r"own\.lib is no Liberty file: line 1: it holds no library"),
        (b"cell (a) { area : 1; }", r"own\.lib holds 'cell'; expected library \(NAME\)"),
        (b"library (a) { } library (b) { }", r"own\.lib holds 'library', 'library'; expected library \(NAME\)"),
        (b"library (empty) { }", r"own\.lib has no cell with an area; expected cell \(NAME\)"),
        (b"library (a) { cell (b) { area : big; } }", "cell 'b': area is 'big'; expected a number"),
        (b"\x1f\x8b\x08broken", r"own\.lib cannot be unpacked: .*; is the download complete\?"),
    ],
)
def test_broken_files_are_named_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.lib"
    path.write_bytes(content)
    with pytest.raises(LibertyError, match=message) as caught:
        liberty.read(path, tmp_path)
    assert "\n" not in str(caught.value)


def test_groups_and_attributes_are_those_of_the_file() -> None:
    found = groups.parse(
        """library ("own") { // a comment
          time_unit : 1ns
          capacitive_load_unit (1, pf)
          voltage : 0.5 * VDD + 0.1;
          wire_load (10k) { fanout_length (1, 2.5); fanout_length (2, 5e-3); slope : -1; slope : 2; }
          cell (INV) { pin (A[0]) { when : "!A & B"; } values ( \\
            "1, 2", \\
            "3 , 4e-1"); }
        };
        /* the end */""",
        "own.lib",
    )
    assert (found.kind, found.name) == ("library", "own")
    assert found.simple == {"time_unit": "1ns", "voltage": "0.5 * VDD + 0.1"}
    assert found.complex == {"capacitive_load_unit": [("1", "pf")]}
    wire, cell = found.groups
    assert wire == Group("wire_load", ("10k",), {"slope": "2"}, {"fanout_length": [("1", "2.5"), ("2", "5e-3")]})
    assert wire.number("slope") == 2
    assert wire.number("capacitance", "7") == 7
    assert cell.groups == [Group("pin", ("A[0]",), {"when": "!A & B"})]
    assert cell.numbers("values") == [1, 2, 3, 0.4]
    assert cell.numbers("index_1") == []


def test_packed_and_plain_files_are_equal(tmp_path: Path) -> None:
    text = "library (own) {\n" + NAND + "}\n"
    (tmp_path / "own.lib.gz").write_bytes(gzip.compress(text.encode()))
    packed = groups.read(tmp_path / "own.lib.gz")
    plain = groups.unpacked(tmp_path / "own.lib.gz", tmp_path / "out")
    assert plain == tmp_path / "out" / "own.lib"
    assert groups.unpacked(plain, tmp_path / "other") == plain
    assert packed == groups.read(plain) == groups.parse(text, "own.lib")


def test_missing_cells_are_named(tmp_path: Path) -> None:
    with pytest.raises(LibertyError, match="does not exist; expected a Liberty file"):
        liberty.read(tmp_path / "none.lib", tmp_path)
    with pytest.raises(LibertyError, match="library own has no two-input NAND, the unit of gate equivalents"):
        find.nand2(library(tmp_path, FLOP))
    with pytest.raises(LibertyError, match="library own has no D flip-flop; registers cannot be mapped to it"):
        find.flops(library(tmp_path, NAND))
