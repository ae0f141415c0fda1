// Frame header of the bunch crossing: 31 for crossing 0, else the crossing modulo 16 (ECON-T).
//   Every valid event is the next crossing; bx0 makes it crossing 0, and so do the reset and the end of the orbit.
//   The count is in triplicate and stored anew from the vote at every clock: an upset is never seen.
`default_nettype none
module econ_ae_bx_header (
    input  wire       clk,
    input  wire       rst_n,
    input  wire       valid,
    input  wire       bx0,
    output wire [4:0] header
);

    localparam [11:0] LAST = 12'd3563;

    wire [11:0] following;
    wire [11:0] crossing = bx0 ? 12'd0 : following;
    wire [11:0] next = (crossing == LAST) ? 12'd0 : crossing + 12'd1;

    econ_ae_tmr_register #(.WIDTH(12)) count (
        .clk(clk), .rst_n(rst_n), .d(valid ? next : following), .q(following)
    );

    assign header = (crossing == 12'd0) ? 5'd31 : {1'b0, crossing[3:0]};

endmodule

`default_nettype wire
