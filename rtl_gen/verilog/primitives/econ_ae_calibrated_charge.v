// Calibrated charge of a 4E3M code {E, M}: (F * factor) >> 11, F the middle of the code's bin (ECON-T):
//   F = (2 m + 1) << (max(E - 1, 0) + DENSITY - 1), m = M if E is 0, else M + 8
// The 5-bit significand is multiplied before it is shifted, so that the multiplier is 5x12 bits and not 21x12.
`default_nettype none
module econ_ae_calibrated_charge #(
    parameter DENSITY = 1  // bits that the detector's front end dropped: 1 or 3
) (
    input  wire [6:0]  code,
    input  wire [11:0] factor,  // 2048 = 1
    output reg  [21:0] charge
);

    reg [3:0]  shift;
    reg [16:0] product;
    reg [32:0] scaled;

    always @* begin
        shift = (code[6:3] == 4'd0) ? 4'd0 : code[6:3] - 4'd1;
        product = {12'd0, |code[6:3], code[2:0], 1'b1} * {5'd0, factor};
        scaled = ({16'd0, product} << (DENSITY - 1)) << shift;
        charge = scaled[32:11];
    end

    wire unused = &{1'b0, scaled[10:0]};

endmodule

`default_nettype wire
