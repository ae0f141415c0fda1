// One pipeline stage: data and its valid bit. Only the valid bit is reset; the data hold still while no event
// arrives, so that an idle pipeline does not toggle.
`default_nettype none
module econ_ae_pipeline_register #(
    parameter WIDTH = 1
) (
    input  wire             clk,
    input  wire             rst_n,
    input  wire             in_valid,
    input  wire [WIDTH-1:0] in_data,
    output reg              out_valid,
    output reg  [WIDTH-1:0] out_data
);

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) out_valid <= 1'b0;
        else        out_valid <= in_valid;
    end

    always @(posedge clk) begin
        if (in_valid) out_data <= in_data;
    end

endmodule

`default_nettype wire
