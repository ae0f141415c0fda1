// One of three copies of the configuration bits, with a voter of its own. A row of bytes is written at once, as far as
// `row_mask` says; `heal` gives every other bit the majority of the three copies. The hierarchy is kept, so that
// synthesis does not merge the copies.
(* keep_hierarchy *)
module econ_ae_tmr_copy #(
    parameter ROWS = 1,
    parameter ROW_BITS = 8,
    parameter ROW_WIDTH = 1,
    parameter [ROWS*ROW_BITS-1:0] EXISTS = {ROWS*ROW_BITS{1'b1}},  // nothing reads the others: no flip-flop is built
    parameter [ROWS*ROW_BITS-1:0] TRIPLED = EXISTS,  // the others keep what they hold
    parameter [ROWS*ROW_BITS-1:0] RESET = {ROWS*ROW_BITS{1'b0}}
) (
    input  wire                     clk,
    input  wire                     rst_n,
    input  wire                     refresh,
    input  wire                     heal,   // the copies differ, and refresh is on
    input  wire                     write,
    input  wire [ROW_WIDTH-1:0]     row,
    input  wire [ROW_BITS-1:0]      row_mask,
    input  wire [ROW_BITS-1:0]      row_data,
    input  wire [ROWS*ROW_BITS-1:0] other,  // the two other copies
    input  wire [ROWS*ROW_BITS-1:0] third,
    output reg  [ROWS*ROW_BITS-1:0] q
);

    // A net: simulators build a wide constant anew wherever a process uses it.
    wire [ROWS*ROW_BITS-1:0] exists = EXISTS;
    wire [ROWS*ROW_BITS-1:0] single = ~TRIPLED;
    reg  [ROWS*ROW_BITS-1:0] held;
    reg  [ROWS*ROW_BITS-1:0] voted;
    integer                  r;

    // Procedural, because simulators work on whole words in a process, and bit by bit on a net.
    always @* q = held & exists;
    always @* voted = (q & (other | third | single)) | (other & third);

    // Written row by row with constant bounds: a variable part select would cost a shifter over all bits.
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) held <= RESET;
        else begin
            if (heal) held <= voted;
            if (write)
                for (r = 0; r < ROWS; r = r + 1)
                    if (row == r[ROW_WIDTH-1:0])
                        held[r*ROW_BITS +: ROW_BITS] <= (row_data & row_mask)
                            | ((refresh ? voted[r*ROW_BITS +: ROW_BITS] : q[r*ROW_BITS +: ROW_BITS]) & ~row_mask);
        end
    end

endmodule
