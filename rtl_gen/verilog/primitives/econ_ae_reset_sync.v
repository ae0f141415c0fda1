// Reset synchroniser: the reset is asserted at once and released two clocks after rst_n_async rises.
module econ_ae_reset_sync (
    input  wire clk,
    input  wire rst_n_async,
    output wire rst_n
);

    reg [1:0] released;

    always @(posedge clk or negedge rst_n_async) begin
        if (!rst_n_async) released <= 2'b00;
        else              released <= {released[0], 1'b1};
    end

    assign rst_n = released[1];

endmodule
