// What the configuration tells about itself: error counter, last corrected address, CRC-32 of the weights.
//   errors and last_error hold still from one START to the next, so that their bytes belong together.
`default_nettype none
module econ_ae_config_status #(
    parameter INDEX_WIDTH = 1,                        // of a stored byte
    parameter [INDEX_WIDTH-1:0] FIRST = {INDEX_WIDTH{1'b0}},  // first and last byte of the weight image
    parameter [INDEX_WIDTH-1:0] LAST = {INDEX_WIDTH{1'b0}}
) (
    input  wire                   clk,
    input  wire                   rst_n,
    input  wire                   started,
    input  wire                   corrected,          // an upset, at this clock
    input  wire [15:0]            corrected_address,
    input  wire                   clear,
    output wire [15:0]            errors,
    output wire [15:0]            last_error,
    input  wire                   crc_start,
    input  wire                   changed,            // a stored byte was written
    output wire                   crc_busy,
    output wire                   crc_valid,
    output wire [31:0]            crc,
    output wire [INDEX_WIDTH-1:0] crc_index,          // the byte that the CRC wants
    input  wire                   crc_take,           // crc_data is that byte
    input  wire [7:0]             crc_data
);

    wire [15:0] count;
    wire [15:0] address;
    wire [15:0] counted = (corrected && count != 16'hFFFF) ? count + 16'd1 : count;

    wire [31:0] remainder;
    wire [31:0] stepped;
    wire        step = crc_busy & crc_take;
    wire        last = crc_index == LAST;

    econ_ae_crc32 crc32 (.crc(remainder), .data(crc_data), .next(stepped));

    // A write while the CRC is computed ends it: the image that it would describe never existed.
    econ_ae_tmr_register #(.WIDTH(98 + INDEX_WIDTH)) registers (
        .clk(clk),
        .rst_n(rst_n),
        .d({clear ? {15'd0, corrected} : counted,
            corrected ? corrected_address : clear ? 16'd0 : address,
            started ? {count, address} : {errors, last_error},
            (crc_start | (crc_busy & ~(step & last))) & ~changed,
            (crc_valid | (step & last)) & ~crc_start & ~changed,
            crc_start ? 32'hFFFFFFFF : step ? stepped : remainder,
            crc_start ? FIRST : step ? crc_index + {{(INDEX_WIDTH-1){1'b0}}, 1'b1} : crc_index}),
        .q({count, address, errors, last_error, crc_busy, crc_valid, remainder, crc_index})
    );

    assign crc = ~remainder;

`ifdef ECON_AE_ASSERT
    reg [15:0] was;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) was <= 16'd0;
        else if (count != was) begin
            was <= count;
            if (count < was && count > 16'd1)
                $display("ECON_AE_ASSERT %m: the error counter fell from %d to %d", was, count);
        end
    end
    always @(crc_busy or crc_valid) if (crc_busy && crc_valid)
        $display("ECON_AE_ASSERT %m: the CRC is valid while it is computed");
`endif

endmodule

`default_nettype wire
