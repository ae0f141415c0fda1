// Reset synchroniser in triplicate: asserted at once, released two clocks after rst_n_async rises. The majority of
// three registers cannot glitch when one of them flips, so a single upset does not reset the configuration.
module econ_ae_tmr_reset (
    input  wire clk,
    input  wire rst_n_async,
    output wire rst_n
);

    wire [1:0] a;
    wire [1:0] b;
    wire [1:0] c;
    wire first = (a[0] & b[0]) | (a[0] & c[0]) | (b[0] & c[0]);

    econ_ae_flops #(.WIDTH(2)) copy_a (.clk(clk), .rst_n(rst_n_async), .d({first, 1'b1}), .q(a));
    econ_ae_flops #(.WIDTH(2)) copy_b (.clk(clk), .rst_n(rst_n_async), .d({first, 1'b1}), .q(b));
    econ_ae_flops #(.WIDTH(2)) copy_c (.clk(clk), .rst_n(rst_n_async), .d({first, 1'b1}), .q(c));

    assign rst_n = (a[1] & b[1]) | (a[1] & c[1]) | (b[1] & c[1]);

endmodule
