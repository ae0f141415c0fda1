// One copy of a triplicated register. The hierarchy is kept, so that synthesis does not merge copies of equal input.
`default_nettype none
(* keep_hierarchy *)
module econ_ae_flops #(
    parameter WIDTH = 1,
    parameter [WIDTH-1:0] RESET = {WIDTH{1'b0}}
) (
    input  wire             clk,
    input  wire             rst_n,
    input  wire [WIDTH-1:0] d,
    output reg  [WIDTH-1:0] q
);

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) q <= RESET;
        else        q <= d;
    end

endmodule

`default_nettype wire
