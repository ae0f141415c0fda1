"""The Verilog around the complete block in simulation: clock, open-drain bus, upsets, what happens at each clock."""

from __future__ import annotations

from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.verilog import VerilogOptions, block_module, block_ports
from rtl_gen.verilog.chain import wire_range
from rtl_gen.verilog.regfile import ports
from rtl_gen.verilog.regfile_bits import ROW_BYTES, rows
from sim.bench.job import CLOCK_NS

HARNESS = "block_harness"

OBSERVED = ("enable", "reconfiguring", "changed", "out_valid", "out_mixed")
"""Bits of the harness's ``observed``, most significant first; ``changed``: other settings than one clock ago."""

_OWN = {"clk", "scl_i", "sda_i", "sda_oe"}


def block_harness(model: EncoderModel, options: VerilogOptions) -> str:
    """Return the top module of the simulation; ``upset`` toggles: bit ``upset_bit`` of copy ``upset_copy`` flips."""
    layout = address_map(model)
    bits = 8 * ROW_BYTES * rows(layout)
    block = [port for port in block_ports(model, options) if port.name not in _OWN]
    declared = "\n".join(f"    {port.direction} wire {wire_range(port.width)}{port.name}," for port in block)
    connections = "\n".join(f"        .{port.name}({port.name})," for port in block)
    outside = {port.name for port in block}
    settings = "\n".join(
        f"    wire {wire_range(len(positions))}{name} = dut.configuration.{name};"
        for name, positions in ports(layout).items()
        if name not in outside
    )
    flips = "\n".join(
        f"        2'd{n}: dut.configuration.bank.copy_{copy}.held[upset_bit] = "
        f"~dut.configuration.bank.copy_{copy}.held[upset_bit];"
        for n, copy in enumerate("abc")
    )
    enable = "" if "enable" in outside else "    wire enable = dut.configuration.enable;\n"
    return f"""module {HARNESS} (
{declared}
    input  wire        master_scl,
    input  wire        master_sda,
    input  wire        upset,
    input  wire [1:0]  upset_copy,
    input  wire [31:0] upset_bit,
    output wire        sda,
    output wire [{len(OBSERVED) - 1}:0] observed
);

    reg clk = 1'b0;
    always #{CLOCK_NS / 2} clk = ~clk;

    wire sda_oe;
    assign sda = master_sda & ~sda_oe;

    {block_module(model)} dut (
{connections}
        .clk(clk),
        .scl_i(master_scl),
        .sda_i(sda),
        .sda_oe(sda_oe)
    );

{settings}
{enable}
    reg  [{bits - 1}:0] earlier;
    wire [{bits - 1}:0] stored = dut.configuration.stored_bits;
    wire changed = stored !== earlier;
    always @(posedge clk) if (changed) earlier <= stored;
    assign observed = {{{", ".join(OBSERVED)}}};

    always @(upset) if (^upset_bit !== 1'bx) case (upset_copy)
{flips}
    endcase

endmodule
"""
