"""What holds in every generated file, and what single upsets do to reset and crossing count."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.ir.model import EncoderModel
from rtl_gen.verilog import DATAPATH, default_options, generate, generate_block, leaf_files, verilog_sha256
from rtl_gen.verilog.options import LEAVES, SUM
from rtl_gen.verilog.render import primitive, render
from rtl_gen.writer import write_files
from tests.random_cells import random_cell_model
from tests.random_models import random_model
from tests.required import require_program


def verilog(model: EncoderModel, leaf: str) -> dict[str, str]:
    files = generate_block(model, replace(default_options(model, DATAPATH), leaf=leaf))
    return {name: text for name, text in files.items() if name.endswith(".v")}


def code(text: str) -> str:
    return re.sub(r"//.*", "", text)


@pytest.fixture(params=LEAVES)
def files(request: pytest.FixtureRequest, econ_t_model: EncoderModel) -> dict[str, str]:
    cells = verilog(random_cell_model(5, 16), SUM)
    return verilog(econ_t_model, request.param) | verilog(random_model(3), request.param) | cells


def test_no_net_is_declared_by_accident(files: Mapping[str, str]) -> None:
    """And files of others, read behind these, see the default of the language."""
    for name, text in files.items():
        before, directive, rest = text.partition("`default_nettype none\n")
        assert directive, name
        assert not code(before).strip(), name
        assert rest.endswith("endmodule\n\n`default_nettype wire\n"), name
        assert rest.count("`default_nettype") == 1, name


def test_parameters_are_those_that_instances_set(files: Mapping[str, str]) -> None:
    """Generated modules have none; a parameter of a primitive is set somewhere."""
    everything = "".join(code(text) for text in files.values())
    for name, text in files.items():
        found = re.findall(r"^ +parameter (?:\[[^\]]*\] )?(\w+) =", text, re.MULTILINE)
        assert not found or name.startswith("econ_ae_"), name
        assert all(f".{parameter}(" in everything for parameter in found), name


def test_ranges_of_generated_modules_are_numbers(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        if not name.startswith("econ_ae_"):
            assert not re.findall(r"\[[^\]:+]*\*[^\]:+]*:", code(text)), name
            header = code(text).partition(");")[0]
            assert re.findall(r"\[([^\]]*)\]", header) == re.findall(r"\[(\d+:0)\]", header), name


def test_assertions_have_one_word(files: Mapping[str, str]) -> None:
    said = [text for f in files.values() for text in re.findall(r"\$display\((\"[^\"]*\")", f)]
    assert len(said) > 10
    assert all(text.startswith('"ECON_AE_ASSERT %m: ') for text in said)


def test_one_reset_synchroniser(files: Mapping[str, str], econ_t_model: EncoderModel) -> None:
    users = [name for name, text in files.items() if re.search(r"^ +econ_ae_reset_sync ", text, re.MULTILINE)]
    assert users == ["econ_t_block.v", "random3_block.v", "cells5_block.v"]
    assert "econ_ae_reset_sync.v" not in generate(econ_t_model, default_options(econ_t_model, DATAPATH))


def test_widths_that_nothing_reads_are_left_out() -> None:
    values = {"acc_format": 0, "op": "", "module": "m", "steps": ["X_WIDTH"], "relu": False, "saturate": False}
    text = render(
        "requantise",
        **values
        | {
            "out_format": type("F", (), {"width": 3})(),
            "acc_format": type("F", (), {"width": 3})(),
            "shift": 0,
            "r_width": 3,
            "v_width": 4,
            "round_even": False,
            "extended_acc": "acc",
            "extended_r": "{r[R_WIDTH-1], r}",
            "unused": ["v[3]"],
        },
    )
    assert re.findall(r"localparam (\w+) =", text) == ["R_WIDTH", "V_WIDTH", "Y_WIDTH"]


def test_the_hash_is_that_of_the_text(econ_t_model: EncoderModel) -> None:
    options = default_options(econ_t_model)
    files = generate(econ_t_model, options)
    assert verilog_sha256(files) == verilog_sha256({n: t for n, t in files.items() if n.endswith(".v")})
    assert verilog_sha256(files) != verilog_sha256(files | {"econ_t_encoder.v": ""})
    other = generate(econ_t_model, replace(options, leaf="structural"))
    own = {*leaf_files(econ_t_model, options), *leaf_files(econ_t_model, replace(options, leaf="structural"))}
    assert {n for n in files.keys() | other.keys() if files.get(n) != other.get(n)} == own | {"manifest.json"}


def simulated(bench: str, primitives: tuple[str, ...], directory: Path) -> str:
    require_program("iverilog")
    texts = {f"{name}.v": primitive(name) for name in primitives} | {"bench.v": bench}
    paths = [str(path) for path in write_files(texts, directory / "rtl")]
    program = str(directory / "bench.vvp")
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", program, *paths], check=True)
    return subprocess.run(["vvp", "-n", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.simulator
def test_an_upset_of_the_synchroniser_resets_nothing(tmp_path: Path) -> None:
    """Every flip-flop at once after the clock and for one clock; the release takes two clocks, the reset none."""
    flips = "\n".join(
        f"        #1 dut.copy_{copy}.q[{bit}] = ~dut.copy_{copy}.q[{bit}]; repeat (4) @(posedge clk);"
        for copy in "abc"
        for bit in (0, 1)
    )
    bench = f"""module bench;
    reg clk = 0; reg rst_n = 0; wire out; integer falls = 0;
    always #5 clk = ~clk;
    econ_ae_reset_sync dut (.clk(clk), .rst_n_async(rst_n), .rst_n(out));
    always @(negedge out) falls = falls + 1;
    initial begin
        repeat (3) @(posedge clk);
        #2 rst_n = 1;
        @(posedge clk) #1 $write("%b", out);
        @(posedge clk) #1 $write("%b ", out);
        falls = 0;
{flips}
        $write("%0d ", falls);
        #1 rst_n = 0; #1 $display("%b", out);
        $finish;
    end
endmodule
"""
    assert simulated(bench, ("econ_ae_reset_sync", "econ_ae_flops"), tmp_path) == "01 0 0\n"


@pytest.mark.simulator
def test_an_upset_of_the_crossing_count_is_not_seen(tmp_path: Path) -> None:
    places = [f"dut.count.copy_{copy}.q[{bit}]" for bit in range(12) for copy in "abc"]
    flips = "\n".join(f"        @(posedge clk) #1 {place} = ~{place};" for place in places)
    bench = f"""module bench;
    reg clk = 0; reg rst_n = 0; reg valid = 0; wire [4:0] header; integer wrong = 0; integer seen = 0;
    reg [11:0] golden = 0;
    always #5 clk = ~clk;
    econ_ae_bx_header dut (.clk(clk), .rst_n(rst_n), .valid(valid), .bx0(1'b0), .header(header));
    always @(negedge clk) if (rst_n) begin
        seen = seen + 1;
        if (header !== (golden == 0 ? 5'd31 : {{1'b0, golden[3:0]}})) wrong = wrong + 1;
    end
    always @(posedge clk) if (rst_n && valid) golden <= golden + 1;
    initial begin
        #12 rst_n = 1; valid = 1;
        repeat (40) @(posedge clk);
        #1 valid = 0;  // an upset must not stay while no event comes
{flips}
        #1 valid = 1;
        repeat (20) @(posedge clk);
        $display("%0d wrong of %0d", wrong, seen);
        $finish;
    end
endmodule
"""
    primitives = ("econ_ae_bx_header", "econ_ae_tmr_register", "econ_ae_flops")
    assert simulated(bench, primitives, tmp_path).startswith("0 wrong of ")
