// Full adder: a + b + c = 2 * carry + sum. A technology mapping may put a library's cell in its place.
`default_nettype none
module econ_ae_full_adder (
    input  wire a,
    input  wire b,
    input  wire c,
    output wire sum,
    output wire carry
);

    assign sum   = a ^ b ^ c;
    assign carry = (a & b) | (c & (a | b));

endmodule

`default_nettype wire
