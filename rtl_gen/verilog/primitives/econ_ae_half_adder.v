// Half adder: a + b = 2 * carry + sum. A technology mapping may put a library's cell in its place.
`default_nettype none
module econ_ae_half_adder (
    input  wire a,
    input  wire b,
    output wire sum,
    output wire carry
);

    assign sum   = a ^ b;
    assign carry = a & b;

endmodule

`default_nettype wire
