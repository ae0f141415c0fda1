"""Synthesis: the netlist computes the same, areas grow with the encoder, tools that fail are one line and a log."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae import process as tools
from econ_ae.errors import LibertyError, ToolError, ToolMissingError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import Conv2D, Dense, EncoderModel, Input, Normalise, Pack, Requantise
from rtl_gen.costs import Synthesis, part_areas, synthesise
from rtl_gen.costs.netlist.hierarchy import base_name, count_cells
from rtl_gen.costs.synthesis.merge import plain
from rtl_gen.verilog import STRUCTURAL, block_module, default_options, generate, generate_block, top_module
from rtl_gen.writer import write_files
from tests.required import needs

pytestmark = needs("yosys")

ADDER = "module top (input clk, input [3:0] a, b, output reg [3:0] s); always @(posedge clk) s <= a + b; endmodule\n"


def encoder(bits: int = 4, filters: int = 2, latents: int = 2) -> EncoderModel:
    """Return a 3x3 image, a 2x2 convolution and a dense layer; areas do not depend on the weights."""
    weight, out = FixedFormat(True, bits, bits - 1), FixedFormat(False, 5, 4)
    ops = (
        Normalise(FixedFormat(False, 5, 4)),
        Conv2D(
            "conv",
            np.ones((2, 2, 1, filters), np.int64),
            np.ones(filters, np.int64),
            weight,
            weight,
            (1, 1),
            ((0, 0),) * 2,
        ),
        Requantise("conv_relu", True, out),
        Dense("dense", np.ones((4 * filters, latents), np.int64), np.ones(latents, np.int64), weight, weight),
        Requantise("dense_relu", True, out),
        Pack((31,) * latents, 1),
    )
    charge = FixedFormat(signed=False, width=22, fraction=0)
    return EncoderModel("small", Input(9, charge, Arrangement("small", 3, 3, 1, tuple(range(9)))), ops)


def mapped(model: EncoderModel, folder: Path) -> Synthesis:
    options = replace(default_options(model), leaf=STRUCTURAL)
    files = write_files(generate(model, options), folder / "rtl", overwrite=True)
    sources = [path for path in files if path.suffix == ".v"]
    return synthesise(sources, top_module(model, options), folder, netlist=False)


def area(found: Synthesis) -> float:
    return sum(part_areas(found.modules, found.top, found.cell_areas()).values())


@pytest.mark.parametrize("what", ["bits", "filters", "latents"])
def test_area_grows_with_bits_filters_and_latents(what: str, tmp_path: Path) -> None:
    areas = [area(mapped(encoder(**{what: n}), tmp_path / str(n))) for n in (2, 3, 5)]
    assert areas == sorted(set(areas))


def test_parts_add_up_and_copies_stay(tmp_path: Path) -> None:
    model = encoder()
    files = write_files(generate_block(model, default_options(model, "datapath")), tmp_path / "rtl")
    found = synthesise([p for p in files if p.suffix == ".v"], block_module(model), tmp_path)
    cells = {name: cell.area for name, cell in found.library.cells.items()}
    parts = part_areas(found.modules, found.top, cells)
    assert {"layer conv", "layer dense", "configuration registers", "I2C, status, CRC", "formatter"} <= set(parts)
    counts = count_cells(found.modules, found.top)
    assert sum(parts.values()) == pytest.approx(sum(n * cells[kind] for kind, n in counts.items()))
    copies = next(m for name, m in found.modules.items() if base_name(name) == "econ_ae_tmr_bank")
    assert sum(n for kind, n in copies.cells.items() if base_name(kind) == "econ_ae_tmr_copy") == 3
    assert counts["CLKGATE"] > 3


def test_clock_gates_take_the_place_of_multiplexers(tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text(
        "module top (input clk, en, input [7:0] d, output reg [7:0] q);\n"
        "always @(posedge clk) if (en) q <= d;\nendmodule\n"
    )
    gated = synthesise([source], "top", tmp_path / "gated")
    plain_ = synthesise([source], "top", tmp_path / "plain", clock_gating=False)
    assert count_cells(gated.modules, "top") == {"CLKGATE": 1, "DFF": 8}
    assert area(plain_) > area(gated) + 8


def test_variable_part_selects_compute_the_same(tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text("module top (input [19:0] a, input [4:0] i, output [2:0] y); assign y = a[i +: 3]; endmodule\n")
    found = synthesise([source], "top", tmp_path)
    assert "econ_ae_map_shiftx" in (tmp_path / "map_top.log").read_text()
    gate = tmp_path / "gate.ys"
    gate.write_text(
        f"read_verilog {source}\nproc\nrename top gold\nread_liberty -ignore_miss_func {found.library.path}\n"
        f"read_verilog {found.netlist}\nproc\nflatten top\nmiter -equiv -flatten -ignore_gold_x gold top miter\n"
        "sat -verify -prove trigger 0 -set-def-inputs miter\n"
    )
    tools.run(["yosys", "-Q", "-T", "-s", str(gate)], tmp_path / "equal.log", timeout=60)


def test_verilog_that_does_not_elaborate_is_one_line_and_a_log(tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text("module top (input a, output b); missing cell (.a(a), .b(b)); endmodule\n")
    with pytest.raises(ToolError, match=r"^yosys failed: .*missing.*; log: .*elaborate\.log$"):
        synthesise([source], "top", tmp_path / "out")
    assert "missing" in (tmp_path / "out" / "elaborate.log").read_text()


def test_library_without_flip_flops_is_an_error_before_any_work(tmp_path: Path) -> None:
    source, library = tmp_path / "top.v", tmp_path / "own.lib"
    source.write_text(ADDER)
    library.write_text(
        "library (own) { cell (nd) { area : 1; pin (A) { direction : input; } pin (B) { direction : input; } "
        'pin (Y) { direction : output; function : "!(A&B)"; } } }'
    )
    with pytest.raises(LibertyError, match="library own has no D flip-flop"):
        synthesise([source], "top", tmp_path / "out", library)
    assert not (tmp_path / "out" / "elaborate.log").exists()


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "yosys"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_missing_killed_and_late_tools_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    fake(
        tmp_path,
        monkeypatch,
        'echo started; case "$1" in late) sleep 60 & echo $! > child; wait;; *) kill -9 $$;; esac',
    )
    with pytest.raises(ToolError, match=r"^yosys was killed by SIGKILL; is there enough memory\? log: .*/log$"):
        tools.run(["yosys"], log, timeout=60)
    assert log.read_text() == "started\n"
    with pytest.raises(ToolError, match=r"^yosys did not finish in 1 s and was stopped; .*--timeout.*, log: .*/log$"):
        tools.run(["yosys", "late"], log, timeout=1)
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    assert not child.exists() or child.read_text().split()[2] == "Z"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"^yosys is not on the PATH; install it with: apt-get install yosys$"):
        tools.run(["yosys"], log, timeout=60)


def test_joined_assignments_become_one_per_bit() -> None:
    lines = [
        "module m(a, b, c);\n",
        "  input [1:0] a;\n",
        "  wire [0:2] b;\n",
        "  wire c;\n",
        "  assign { b[0:1], c } = { a, 1'h1 };\n",
        "  assign c = a[0];\n",
    ]
    assert list(plain(lines))[4:] == [
        "  assign b[0] = a[1];\n",
        "  assign b[1] = a[0];\n",
        "  assign c = 1'b1;\n",
        "  assign c = a[0];\n",
    ]


def test_constants_of_every_base_are_bits() -> None:
    lines = [
        "module m(a);\n",
        "  output [5:0] a;\n",
        "  assign { a[5:4], a[3:2], a[1:0] } = { 2'd2, 2'sd1, 2'b10 };\n",
        "  assign { a[5:0] } = 6'h2a;\n",
        "  assign { a[5:0] } = 6'd0;\n",
    ]
    found = [line.split()[-1].rstrip(";") for line in plain(lines) if "assign" in line]
    assert "".join(bit[-1] for bit in found) == "100110" + "101010" + "000000"
