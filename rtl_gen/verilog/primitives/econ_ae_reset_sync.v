// Reset synchroniser in triplicate: asserted at once, released two clocks after rst_n_async rises. Three chains of two
// flip-flops, each on its own: what the first of a chain takes may be metastable, and a gate behind it would hand that
// on to all three. The majority at the end cannot glitch when one chain flips or settles a clock later than the others,
// so a single upset resets nothing.
`default_nettype none
module econ_ae_reset_sync (
    input  wire clk,
    input  wire rst_n_async,
    output wire rst_n
);

    wire [1:0] a;
    wire [1:0] b;
    wire [1:0] c;

    econ_ae_flops #(.WIDTH(2)) copy_a (.clk(clk), .rst_n(rst_n_async), .d({a[0], 1'b1}), .q(a));
    econ_ae_flops #(.WIDTH(2)) copy_b (.clk(clk), .rst_n(rst_n_async), .d({b[0], 1'b1}), .q(b));
    econ_ae_flops #(.WIDTH(2)) copy_c (.clk(clk), .rst_n(rst_n_async), .d({c[0], 1'b1}), .q(c));

    assign rst_n = (a[1] & b[1]) | (a[1] & c[1]) | (b[1] & c[1]);

endmodule

`default_nettype wire
