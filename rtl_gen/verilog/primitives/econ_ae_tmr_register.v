// A register of three flip-flops per bit and a majority voter. What is computed from q is stored again at the next
// clock, so an upset of one copy is never seen and lasts one clock.
`default_nettype none
module econ_ae_tmr_register #(
    parameter WIDTH = 1,
    parameter [WIDTH-1:0] RESET = {WIDTH{1'b0}}
) (
    input  wire             clk,
    input  wire             rst_n,
    input  wire [WIDTH-1:0] d,
    output reg  [WIDTH-1:0] q
);

    wire [WIDTH-1:0] a;
    wire [WIDTH-1:0] b;
    wire [WIDTH-1:0] c;

    econ_ae_flops #(.WIDTH(WIDTH), .RESET(RESET)) copy_a (.clk(clk), .rst_n(rst_n), .d(d), .q(a));
    econ_ae_flops #(.WIDTH(WIDTH), .RESET(RESET)) copy_b (.clk(clk), .rst_n(rst_n), .d(d), .q(b));
    econ_ae_flops #(.WIDTH(WIDTH), .RESET(RESET)) copy_c (.clk(clk), .rst_n(rst_n), .d(d), .q(c));

    always @* q = (a & b) | (a & c) | (b & c);

endmodule

`default_nettype wire
