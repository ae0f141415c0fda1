// Tells for every event whether the configuration was being rewritten while the event was in the datapath, so that it
// may have been computed from old and new settings. The flag travels beside the event.
//   seen: such an event came out since the last `clear`. A clear that comes over the bus is itself a rewriting; the
//   events that its transaction flags are not remembered.
`default_nettype none
module econ_ae_mixed #(
    parameter STAGES = 1,     // pipeline registers of the datapath
    parameter REGISTERED = 1  // the last of them is at the output, which does not read the configuration any more
) (
    input  wire clk,
    input  wire rst_n,
    input  wire reconfiguring,
    input  wire clear,
    input  wire out_valid,
    output wire out_mixed,
    output wire seen
);

    wire in_flight;  // a flag may still come out
    wire clearing;

    generate
        if (STAGES == 0) begin : combinational
            assign out_mixed = reconfiguring;
            assign in_flight = 1'b0;
        end else begin : pipeline
            reg  [STAGES-1:0] held;
            wire [STAGES:0]   mixed = {held, 1'b0} | {(STAGES+1){reconfiguring}};

            // Without reset, as the data: nobody looks before a valid event comes out.
            always @(posedge clk) held <= mixed[STAGES-1:0];

            assign out_mixed = (REGISTERED != 0) ? held[STAGES-1] : mixed[STAGES];
            assign in_flight = |held;
        end
    endgenerate

    econ_ae_tmr_register #(.WIDTH(2)) registers (
        .clk(clk),
        .rst_n(rst_n),
        .d({clear | (clearing & (reconfiguring | in_flight)),
            (seen | (out_valid & out_mixed)) & ~(clear | clearing)}),
        .q({clearing, seen})
    );

`ifdef ECON_AE_ASSERT
    always @(posedge clk)
        if (out_valid === 1'b1)
            if (rst_n && out_mixed === 1'bx)
                $display("ECON_AE_ASSERT %m: the flag of a valid event is unknown");
`endif

endmodule

`default_nettype wire
