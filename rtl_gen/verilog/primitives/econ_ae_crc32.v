// One byte of the CRC-32 of ISO-HDLC (zlib): polynomial 0x04C11DB7, least significant bit first.
`default_nettype none
module econ_ae_crc32 (
    input  wire [31:0] crc,
    input  wire [7:0]  data,
    output reg  [31:0] next
);

    integer bit_number;

    always @* begin
        next = crc ^ {24'd0, data};
        for (bit_number = 0; bit_number < 8; bit_number = bit_number + 1)
            next = {1'b0, next[31:1]} ^ (next[0] ? 32'hEDB88320 : 32'd0);
    end

endmodule

`default_nettype wire
