"""Verilog that tells yosys what stands for an adder, a register with an enable, or a variable part select."""

from __future__ import annotations

from rtl_gen.costs.library.cells import Library
from rtl_gen.costs.library.find import Adder, clock_gate, full_adder, half_adder

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

_SELECTS = """\

// A variable part select as a tree of multiplexers, the highest bit of the index first, so that every level halves what
// is left. yosys's own map shifts all bits of A at every level.
(* techmap_celltype = "$shiftx" *)
module econ_ae_map_shiftx (A, B, Y);
    parameter A_SIGNED = 0;
    parameter B_SIGNED = 0;
    parameter A_WIDTH = 1;
    parameter B_WIDTH = 1;
    parameter Y_WIDTH = 1;
    input  [A_WIDTH-1:0] A;
    input  [B_WIDTH-1:0] B;
    output [Y_WIDTH-1:0] Y;
    // A signed index whose sign is 0, as yosys makes it of an unsigned one.
    parameter _TECHMAP_CONSTMSK_B_ = 0;
    parameter _TECHMAP_CONSTVAL_B_ = 0;
    localparam [B_WIDTH-1:0] ZERO = _TECHMAP_CONSTMSK_B_ & ~_TECHMAP_CONSTVAL_B_;
    localparam BITS = B_SIGNED ? B_WIDTH - 1 : B_WIDTH;
    localparam WIDTH = (1 << BITS) + Y_WIDTH - 1;
    wire _TECHMAP_FAIL_ = (B_SIGNED && !ZERO[B_WIDTH-1]) || BITS > 12 || A_WIDTH > WIDTH;
    wire [(BITS+1)*WIDTH-1:0] level;
    assign level[BITS*WIDTH +: WIDTH] = {{WIDTH{1'bx}}, A};
    genvar i;
    generate
        for (i = 0; i < BITS; i = i + 1) begin : levels
            localparam LEFT = (1 << i) + Y_WIDTH - 1;
            assign level[i*WIDTH +: LEFT] =
                B[i] ? level[(i+1)*WIDTH + (1 << i) +: LEFT] : level[(i+1)*WIDTH +: LEFT];
        end
    endgenerate
    assign Y = level[Y_WIDTH-1:0];
endmodule
"""

COMPARE = """\
// A comparison of unsigned numbers of up to 16 bits as a chain of majorities, half of what yosys's subtraction takes.
(* techmap_celltype = "$lt $le $gt $ge" *)
module econ_ae_map_compare (A, B, Y);
    parameter A_SIGNED = 0;
    parameter B_SIGNED = 0;
    parameter A_WIDTH = 1;
    parameter B_WIDTH = 1;
    parameter Y_WIDTH = 1;
    parameter _TECHMAP_CELLTYPE_ = "";
    input  [A_WIDTH-1:0] A;
    input  [B_WIDTH-1:0] B;
    output [Y_WIDTH-1:0] Y;
    localparam WIDTH = A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH;
    wire _TECHMAP_FAIL_ = A_SIGNED || B_SIGNED || WIDTH > 16;
    // a >= b, or b >= a where the cell asks for the contrary
    localparam SWAPPED = _TECHMAP_CELLTYPE_ == "$le" || _TECHMAP_CELLTYPE_ == "$gt";
    localparam INVERTED = _TECHMAP_CELLTYPE_ == "$lt" || _TECHMAP_CELLTYPE_ == "$gt";
    wire [WIDTH-1:0] left = A;
    wire [WIDTH-1:0] right = B;
    wire [WIDTH-1:0] a = SWAPPED ? right : left;
    wire [WIDTH-1:0] b = SWAPPED ? left : right;
    wire [WIDTH:0] carry;
    assign carry[0] = 1'b1;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : bits
            assign carry[i+1] = (a[i] & ~b[i]) | ((a[i] | ~b[i]) & carry[i]);
        end
    endgenerate
    assign Y = carry[WIDTH] ^ INVERTED;
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


def cells(library: Library) -> str:
    """Return the map of ``econ_ae_full_adder``, ``econ_ae_half_adder`` and ``$fa`` to the library's adders.

    And of variable part selects to multiplexers.

    Without such cells they become logic, which abc maps.
    """
    full, half = full_adder(library), half_adder(library)
    return (
        _FULL.format(
            full=_instance(full)
            if full
            else "    assign sum = a ^ b ^ c;\n    assign carry = (a & b) | (c & (a | b));",
            half=_instance(half) if half else "    assign sum = a ^ b;\n    assign carry = a & b;",
        )
        + _SELECTS
    )


def clock_gates(library: Library) -> str:
    """Return the map of registers with an enable to registers behind the library's clock gate; empty without one."""
    cell = clock_gate(library)
    if cell is None or cell.gate is None:
        return ""
    gate = cell.gate
    pins = f".{gate.clock}(CLK), .{gate.enables[0]}(EN_POLARITY ? EN : !EN), .{gate.output}(gated)"
    return _GATES.format(bits=GATED_BITS, gate=f"\\{cell.name} clock_gate ({pins});")


def _instance(adder: Adder) -> str:
    inputs = ", ".join(f".{pin}({name})" for pin, name in zip(adder.inputs, "abc", strict=False))
    return f"    \\{adder.cell.name} cell ({inputs}, .{adder.sum}(sum), .{adder.carry}(carry));"
