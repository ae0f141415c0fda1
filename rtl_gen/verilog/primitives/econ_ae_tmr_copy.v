// One of three copies of the configuration bits: flip-flops that take their next value when their byte is written, or
// all of them when the copies differ. Each copy decodes the address itself, so that a transient there stores what is
// stored already. The hierarchy is kept, so that synthesis does not merge the copies.
`default_nettype none
(* keep_hierarchy *)
module econ_ae_tmr_copy #(
    parameter ROWS = 1,
    parameter ROW_BITS = 8,
    parameter ROW_WIDTH = 1,
    parameter COLUMN_WIDTH = 1,
    parameter [ROWS*ROW_BITS-1:0] EXISTS = {ROWS*ROW_BITS{1'b1}},  // nothing reads the others: no flip-flop is built
    parameter [ROWS*ROW_BITS-1:0] RESET = {ROWS*ROW_BITS{1'b0}}
) (
    input  wire                     clk,
    input  wire                     rst_n,
    input  wire                     heal,   // the copies differ, and refresh is on
    input  wire                     write,
    input  wire [ROW_WIDTH-1:0]     row,
    input  wire [COLUMN_WIDTH-1:0]  column,
    input  wire [ROWS*ROW_BITS-1:0] next,
    output reg  [ROWS*ROW_BITS-1:0] q
);

    // A net: simulators build a wide constant anew wherever a process uses it.
    wire [ROWS*ROW_BITS-1:0] exists = EXISTS;
    reg  [ROWS*ROW_BITS-1:0] held;
    reg  [ROWS-1:0]          row_select;
    reg  [ROW_BITS/8-1:0]    column_select;
    reg  [ROWS-1:0]          row_enable;
    reg  [ROW_BITS/8-1:0]    column_enable;
    integer                  i, j, r, c;

    // Procedural, because simulators work on whole words in a process, and bit by bit on a net.
    always @* q = held & exists;

    always @* begin
        for (i = 0; i < ROWS; i = i + 1) row_select[i] = row == i[ROW_WIDTH-1:0];
    end

    always @* begin
        for (j = 0; j < ROW_BITS/8; j = j + 1) column_select[j] = column == j[COLUMN_WIDTH-1:0];
    end

    always @* row_enable = {ROWS{heal}} | ({ROWS{write}} & row_select);
    always @* column_enable = {ROW_BITS/8{heal}} | column_select;

    // Constant bounds: a variable part select would cost a shifter over all bits. What keeps its value has no
    // multiplexer where synthesis gates the clock of each byte.
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) held <= RESET;
        else if (heal | write)
            for (r = 0; r < ROWS; r = r + 1)
                if (row_enable[r])
                    for (c = 0; c < ROW_BITS/8; c = c + 1)
                        if (column_enable[c]) held[r*ROW_BITS + 8*c +: 8] <= next[r*ROW_BITS + 8*c +: 8];
    end

endmodule

`default_nettype wire
