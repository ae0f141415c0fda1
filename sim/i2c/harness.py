"""The Verilog around the configuration in simulation: the open-drain bus, upsets, and what was reached."""

from __future__ import annotations

from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import AddressMap
from rtl_gen.verilog.regfile import config_module, ports
from rtl_gen.verilog.regfile_bits import ROW_BYTES, rows
from sim.bench.job import CLOCK_NS

HARNESS = "config_harness"

COPIES = 3
"""Flip-flops of a bit in triplicate."""

CONFIGURATION = "bank"
"""Path of the configuration bits below the configuration module."""

RESET = "reset_sync"
"""The synchroniser beside the configuration, as the complete block has it."""

PROTOCOL = {
    "target.registers": 46,
    "target.filter_scl.state": 4,
    "target.filter_sda.state": 5,
    "read_register": 8,
    "state.registers": 98,  # and the width of a storage index
    RESET: 2,
}
"""Triplicated registers besides the configuration bits: path and number of bits."""


def upset_sites(index_bits: int, config_bits: int) -> tuple[tuple[str, int], ...]:
    """Return (path, bits) of every triplicated register; the first one is the configuration."""
    widths = PROTOCOL | {"state.registers": PROTOCOL["state.registers"] + index_bits}
    return ((CONFIGURATION, config_bits), *widths.items())


def harness(model: EncoderModel, layout: AddressMap, sites: tuple[tuple[str, int], ...]) -> str:
    """Return the top module of the simulation.

    ``upset`` toggles: bit ``upset_bit`` of copy ``upset_copy`` of register ``upset_site`` flips. While ``armed``,
    every change of a voted configuration bit is counted in ``violations``.
    """
    file_bits = 8 * ROW_BYTES * rows(layout)
    outputs = {name: len(bits) for name, bits in ports(layout).items()}
    wires = "\n".join(f"    output wire [{width - 1}:0] {name}," for name, width in outputs.items())
    connections = "\n".join(f"        .{name}({name})," for name in outputs)
    flips = "\n".join(_flip(number, path, copy) for number, (path, _) in enumerate(sites) for copy in range(COPIES))
    return f"""`define ECON_AE_ASSERT
module {HARNESS} (
    input  wire        rst_n,
    input  wire        master_scl,
    input  wire        master_sda,
    input  wire        hold_sda,    // another device pulls SDA low
    input  wire        glitch_scl,  // inverts a line
    input  wire        glitch_sda,
    input  wire [6:0]  i2c_address,
    input  wire [7:0]  status,
    input  wire        upset,
    input  wire [31:0] upset_site,
    input  wire [1:0]  upset_copy,
    input  wire [31:0] upset_bit,
    input  wire        armed,
{wires}
    output wire        sda,
    output wire        sda_oe,
    output wire        enable,
    output wire        counters_reset,
    output wire        reconfiguring,
    output wire        pending,     // copies of a configuration bit differ
    output wire        disturbed,   // a voted configuration bit is not what it was when `armed` rose
    output wire [3:0]  state
);

    reg clk = 1'b0;
    always #{CLOCK_NS / 2} clk = ~clk;

    assign sda = master_sda & ~sda_oe & ~hold_sda;

    wire rst_n_sync;
    econ_ae_reset_sync reset_sync (.clk(clk), .rst_n_async(rst_n), .rst_n(rst_n_sync));

    {config_module(model)} dut (
        .clk(clk),
        .rst_n(rst_n_sync),
        .scl_i(master_scl ^ glitch_scl),
        .sda_i(sda ^ glitch_sda),
        .sda_oe(sda_oe),
        .i2c_address(i2c_address),
        .status(status),
{connections}
        .enable(enable),
        .counters_reset(counters_reset),
        .reconfiguring(reconfiguring)
    );

    assign pending = dut.upset;
    assign state = dut.target.state;

    always @(upset) if (^upset_site !== 1'bx) case ({{upset_site, upset_copy}})
{flips}
        default: $display("ECON_AE_ASSERT %m: there is no upset site %0d", upset_site);
    endcase

    reg [{file_bits - 1}:0] golden;
    integer violations = 0;
    always @(posedge armed) golden = dut.stored_bits;
    always @(dut.stored_bits) if (armed && dut.stored_bits !== golden) violations = violations + 1;
    assign disturbed = dut.stored_bits !== golden;

    reg [255:0]   transitions = 256'd0;  // bit 16 * from + to
    reg [65535:0] written = 65536'd0;    // by address
    reg [65535:0] fetched = 65536'd0;
    reg [3:0]     previous = 4'd0;
    always @(state) begin
        if (rst_n !== 1'bx) transitions[{{previous, state}}] = 1'b1;
        previous = state;
    end
    always @(posedge clk) begin
        if (dut.write) written[dut.pointer] = 1'b1;
        if (dut.read) fetched[dut.pointer] = 1'b1;
    end

endmodule
"""


def _flip(site: int, path: str, copy: int) -> str:
    place = path if path == RESET else f"dut.{path}"
    target = f"{place}.copy_{'abc'[copy]}.{'held' if path == CONFIGURATION else 'q'}[upset_bit]"
    return f"        {{32'd{site}, 2'd{copy}}}: {target} = ~{target};"
