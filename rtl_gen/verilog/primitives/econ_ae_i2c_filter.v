// One bus line: synchronised, and freed of pulses that last up to SAMPLES clocks. A new level counts when SAMPLES + 1
// samples agree. The state behind the synchroniser is triplicated; an upset in the synchroniser is such a pulse.
`default_nettype none
module econ_ae_i2c_filter #(
    parameter SAMPLES = 2
) (
    input  wire clk,
    input  wire rst_n,
    input  wire line,
    output wire level,
    output wire rise,  // for one clock
    output wire fall
);

    reg [1:0] synchronised;

    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) synchronised <= 2'b11;
        else        synchronised <= {synchronised[0], line};
    end

    wire [SAMPLES-1:0] history;
    wire               previous;
    wire [SAMPLES:0]   window = {history, synchronised[1]};
    wire               next = (level & (|window)) | (&window);

    econ_ae_tmr_register #(.WIDTH(SAMPLES + 2), .RESET({(SAMPLES+2){1'b1}})) state (
        .clk(clk),
        .rst_n(rst_n),
        .d({window[SAMPLES-1:0], next, level}),
        .q({history, level, previous})
    );

    assign rise = level & ~previous;
    assign fall = ~level & previous;

endmodule

`default_nettype wire
