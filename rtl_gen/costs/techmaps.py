"""Verilog that tells yosys which cell of a library stands for an adder or a register with an enable."""

from __future__ import annotations

from rtl_gen.costs.functions import Adder, full_adder, half_adder
from rtl_gen.costs.liberty import Cell, Library

GATED_BITS = 4
"""Registers narrower than this keep their multiplexers: a clock gate is larger than three of them."""

_FULL = """\
module econ_ae_full_adder (input a, input b, input c, output sum, output carry);
{full}
endmodule

module econ_ae_half_adder (input a, input b, output sum, output carry);
{half}
endmodule

// yosys's row of full adders: A + B + C = 2 X + Y. Bits that are constant become half adders or wires.
(* techmap_celltype = "$fa" *)
module econ_ae_map_fa (A, B, C, X, Y);
    parameter WIDTH = 1;
    parameter _TECHMAP_CONSTMSK_A_ = 0;
    parameter _TECHMAP_CONSTVAL_A_ = 0;
    parameter _TECHMAP_CONSTMSK_B_ = 0;
    parameter _TECHMAP_CONSTVAL_B_ = 0;
    parameter _TECHMAP_CONSTMSK_C_ = 0;
    parameter _TECHMAP_CONSTVAL_C_ = 0;
    input  [WIDTH-1:0] A, B, C;
    output [WIDTH-1:0] X, Y;
    localparam [WIDTH-1:0] ZA = _TECHMAP_CONSTMSK_A_ & ~_TECHMAP_CONSTVAL_A_;
    localparam [WIDTH-1:0] ZB = _TECHMAP_CONSTMSK_B_ & ~_TECHMAP_CONSTVAL_B_;
    localparam [WIDTH-1:0] ZC = _TECHMAP_CONSTMSK_C_ & ~_TECHMAP_CONSTVAL_C_;
    localparam [WIDTH-1:0] CONSTANT = _TECHMAP_CONSTMSK_A_ | _TECHMAP_CONSTMSK_B_ | _TECHMAP_CONSTMSK_C_;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : bits
            if (!CONSTANT[i])
                econ_ae_full_adder full (.a(A[i]), .b(B[i]), .c(C[i]), .sum(Y[i]), .carry(X[i]));
            else begin
                assign Y[i] = A[i] ^ B[i] ^ C[i];
                assign X[i] = (A[i] & B[i]) | (C[i] & (A[i] | B[i]));
            end
        end
    endgenerate
endmodule
"""

_GATES = """\
// A register with an enable is a register whose clock runs while it is enabled.
(* techmap_celltype = "$dffe" *)
module econ_ae_map_dffe (CLK, EN, D, Q);
    parameter WIDTH = 1;
    parameter CLK_POLARITY = 1;
    parameter EN_POLARITY = 1;
    input CLK, EN;
    input  [WIDTH-1:0] D;
    output [WIDTH-1:0] Q;
    wire _TECHMAP_FAIL_ = WIDTH < {bits} || !CLK_POLARITY;
    wire gated;
    {gate}
    \\$dff #(.WIDTH(WIDTH), .CLK_POLARITY(1'b1)) _TECHMAP_REPLACE_ (.CLK(gated), .D(D), .Q(Q));
endmodule

(* techmap_celltype = "$adffe" *)
module econ_ae_map_adffe (CLK, ARST, EN, D, Q);
    parameter WIDTH = 1;
    parameter CLK_POLARITY = 1;
    parameter EN_POLARITY = 1;
    parameter ARST_POLARITY = 1;
    parameter ARST_VALUE = 0;
    input CLK, ARST, EN;
    input  [WIDTH-1:0] D;
    output [WIDTH-1:0] Q;
    wire _TECHMAP_FAIL_ = WIDTH < {bits} || !CLK_POLARITY;
    wire gated;
    {gate}
    \\$adff #(
        .WIDTH(WIDTH), .CLK_POLARITY(1'b1), .ARST_POLARITY(ARST_POLARITY), .ARST_VALUE(ARST_VALUE)
    ) _TECHMAP_REPLACE_ (.CLK(gated), .ARST(ARST), .D(D), .Q(Q));
endmodule
"""


def adders(library: Library) -> str:
    """Return the map of ``econ_ae_full_adder``, ``econ_ae_half_adder`` and ``$fa`` to the library's adders.

    Without such cells they become logic, which abc maps.
    """
    full, half = full_adder(library), half_adder(library)
    return _FULL.format(
        full=_instance(full) if full else "    assign sum = a ^ b ^ c;\n    assign carry = (a & b) | (c & (a | b));",
        half=_instance(half) if half else "    assign sum = a ^ b;\n    assign carry = a & b;",
    )


def clock_gates(gate: Cell) -> str:
    """Return the map of registers with an enable to registers behind the clock gate."""
    roles = gate.roles or {}
    pins = f".{roles['clock']}(CLK), .{roles['enable']}(EN_POLARITY ? EN : !EN), .{roles['out']}(gated)"
    return _GATES.format(bits=GATED_BITS, gate=f"\\{gate.name} clock_gate ({pins});")


def _instance(adder: Adder) -> str:
    inputs = ", ".join(f".{pin}({name})" for pin, name in zip(adder.inputs, "abc", strict=False))
    return f"    \\{adder.cell.name} cell ({inputs}, .{adder.sum}(sum), .{adder.carry}(carry));"
