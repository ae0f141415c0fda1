// Moves the kept bits of data together at the least significant end, in their order; zeros above.
//   A kept bit moves down by the number of dropped bits below it, one binary digit of that number per stage
//   (H. S. Warren, Hacker's Delight, 7-4). Which bits move where depends on the mask alone, so that only the stages
//   themselves, one AND-OR per bit, are in the path of the events.
`default_nettype none
module econ_ae_squeeze #(
    parameter WIDTH = 144,
    parameter STAGES = 8  // 2**STAGES >= WIDTH
) (
    input  wire [WIDTH-1:0] mask,
    input  wire [WIDTH-1:0] data,
    output reg  [WIDTH-1:0] squeezed
);

    // moving[s*WIDTH + i]: in stage s bit i moves down by 2**s
    reg [STAGES*WIDTH-1:0] moving;
    reg [WIDTH-1:0] kept;
    reg [WIDTH-1:0] dropped;
    reg [WIDTH-1:0] parity;
    integer s, t;

    always @* begin
        kept = mask;
        dropped = ~mask << 1;
        for (s = 0; s < STAGES; s = s + 1) begin
            // Bit i becomes the parity of dropped[i:0]: this binary digit of the distance.
            parity = dropped;
            for (t = 0; t < STAGES; t = t + 1) parity = parity ^ (parity << (1 << t));
            moving[s*WIDTH +: WIDTH] = parity & kept;
            kept = (kept & ~parity) | ((kept & parity) >> (1 << s));
            dropped = dropped & ~parity;
        end
    end

    integer n;

    always @* begin
        squeezed = data & mask;
        for (n = 0; n < STAGES; n = n + 1)
            squeezed = (squeezed & ~moving[n*WIDTH +: WIDTH]) | ((squeezed & moving[n*WIDTH +: WIDTH]) >> (1 << n));
    end

endmodule

`default_nettype wire
