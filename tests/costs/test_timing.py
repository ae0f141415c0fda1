"""Static timing: the slack of a path that is known by hand, stages and operands in words, advice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.errors import ToolError
from rtl_gen.costs import Operands, analyse, synthesise
from rtl_gen.costs.timing import TimedPath, Timing
from rtl_gen.costs.words import advice, describe, point
from tests.required import needs

needs_both = needs("yosys", "sta")


@needs_both
def test_slack_and_words_of_a_small_pipeline(reference: Path, tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text(
        "module econ_ae_pipeline_register #(parameter WIDTH = 1) (input clk, input [WIDTH-1:0] in_data,\n"
        "output reg [WIDTH-1:0] out_data); always @(posedge clk) out_data <= in_data; endmodule\n"
        "module square (input [3:0] x, input [3:0] w, output [3:0] y); assign y = x * w; endmodule\n"
        "module top (input clk, rst_n, input [3:0] a, weights, output [3:0] y); wire [3:0] q, d;\n"
        "econ_ae_pipeline_register #(.WIDTH(4)) register_input (.clk(clk), .in_data(a), .out_data(q));\n"
        "square square (.x(q), .w(weights), .y(d));\n"
        "econ_ae_pipeline_register #(.WIDTH(4)) register_frame (.clk(clk), .in_data(d), .out_data(y));\nendmodule\n"
    )
    found = synthesise([source], "top", tmp_path, reference / "liberty" / "nangate45_typ.lib.gz")
    timing = analyse(found, tmp_path, period=2.0, quasi_static=("weights",))
    stages = {path.stage: path for path in timing.paths}
    assert set(stages) == {"frame", "input", "outputs"}
    worst = timing.paths[0]
    assert worst.stage == "frame"
    assert [name for name, _ in worst.modules] == ["register_input", "square", "register_frame"]
    assert timing.slack == pytest.approx(2.0 - worst.delay, abs=2e-4)
    assert 0.1 < timing.delay < 1.0
    words = describe(worst, {"input": Operands("number", 0, 2, 2)})
    assert words.startswith("from bit ")
    assert "(register input) through square (" in words
    assert "of register frame:" in words
    # The weights are false paths: nothing is timed from them, however slow the clock is.
    assert all("weights" not in path.start for path in timing.paths)


@needs_both
def test_a_netlist_that_opensta_cannot_link_is_one_line(reference: Path, tmp_path: Path) -> None:
    source = tmp_path / "top.v"
    source.write_text("module top (input clk, d, output reg q); always @(posedge clk) q <= d; endmodule\n")
    found = synthesise([source], "top", tmp_path, reference / "liberty" / "nangate45_typ.lib.gz")
    found.netlist.write_text(found.netlist.read_text().replace("endmodule", "end"))
    with pytest.raises(ToolError, match=r"^OpenSTA failed: Error: .*; log: .*timing_top\.log$"):
        analyse(found, tmp_path, period=25.0)


PATH = TimedPath(
    "frame",
    -1.5,
    6.5,
    "datapath/register_input/out_data[9]",
    "datapath/register_frame/in_data[0]",
    (("datapath/register_input", 0.1), ("datapath/front_end", 3.0), ("datapath/normaliser", 3.4)),
    40,
)
TIMING = Timing(5.0, (PATH,), 1.0, 1)


def test_advice_names_registers_on_the_path_only() -> None:
    free = {"front_end": "front_end", "conv_relu": "layer_conv"}
    assert advice(TIMING, free, 5) == (
        "The clock of 5 ns is missed by 1.50 ns, by the path to frame; add 'front_end' to hardware.registers "
        "(one clock of latency each)."
    )
    assert "every place already has a register (latency 5)" in advice(TIMING, {}, 5)
    met = replace(TIMING, paths=(replace(PATH, slack=18.5),), period=25.0)
    assert advice(met, free, 5) == (
        "The clock of 25 ns is met with 18.50 ns to spare (154 MHz); "
        "no further pipeline register is needed at this clock."
    )


def test_points_are_named_by_operand() -> None:
    operands = {"input": Operands("cell's code", 2, 7, 48)}
    assert point("datapath/register_input/out_data[9]", operands) == "bit 0 of cell's code 1 (register input)"
    assert point("datapath/register_input/out_data[1]", operands) == "bit 1 of register input"
    assert point("counters_reset", operands) == "port counters_reset"
