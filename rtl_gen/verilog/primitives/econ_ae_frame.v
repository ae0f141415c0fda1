// Frame of an event: {header, sum_code, data}, most significant first, on the first elinks words of 32 bits (ECON-T).
//   One eLink carries the 18 least significant data bits, every further one 32 more. eTX0 sends frame[159:128].
`default_nettype none
module econ_ae_frame (
    input  wire [4:0]   header,
    input  wire [8:0]   sum_code,
    input  wire [145:0] data,
    input  wire [3:0]   elinks,
    output reg  [159:0] frame
);

    always @* begin
        case (elinks)
            4'd0:    frame = 160'd0;
            4'd1:    frame = {header, sum_code, data[17:0], 128'd0};
            4'd2:    frame = {header, sum_code, data[49:0], 96'd0};
            4'd3:    frame = {header, sum_code, data[81:0], 64'd0};
            4'd4:    frame = {header, sum_code, data[113:0], 32'd0};
            default: frame = {header, sum_code, data};
        endcase
    end

endmodule

`default_nettype wire
