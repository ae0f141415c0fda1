// Charge in the middle of the bin of a 4E3M code {E, M} (ECON-T):
//   (2 m + 1) << (max(E - 1, 0) + DENSITY - 1), m = M if E is 0, else M + 8
`default_nettype none
module econ_ae_float_to_fix #(
    parameter DENSITY = 1  // bits that the detector's front end dropped: 1 or 3
) (
    input  wire [6:0]  code,
    output reg  [21:0] charge
);

    reg [3:0] shift;

    always @* begin
        shift = (code[6:3] == 4'd0) ? 4'd0 : code[6:3] - 4'd1;
        charge = ({17'd0, |code[6:3], code[2:0], 1'b1} << (DENSITY - 1)) << shift;
    end

endmodule

`default_nettype wire
