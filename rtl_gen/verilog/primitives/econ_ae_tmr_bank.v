// Configuration bits in triplicate, as bytes in rows. While `refresh` is on, an upset of a flip-flop does not outlast
// the next clock. Bits that are not in TRIPLED exist once, in copy a, without a voter.
//   A row is selected first and a byte in it second, which keeps decoder and multiplexers small.
`default_nettype none
module econ_ae_tmr_bank #(
    parameter ROWS = 1,
    parameter ROW_BITS = 128,
    parameter ROW_WIDTH = 1,     // bits of a row's number
    parameter COLUMN_WIDTH = 4,  // bits of a byte's number in its row
    parameter [ROWS*ROW_BITS-1:0] EXISTS = {ROWS*ROW_BITS{1'b1}},
    parameter [ROWS*ROW_BITS-1:0] TRIPLED = EXISTS,
    parameter [ROWS*ROW_BITS-1:0] RESET = {ROWS*ROW_BITS{1'b0}}
) (
    input  wire                              clk,
    input  wire                              rst_n,
    input  wire                              refresh,
    input  wire                              write,
    input  wire [ROW_WIDTH+COLUMN_WIDTH-1:0] write_index,
    input  wire [7:0]                        write_data,
    input  wire [ROW_WIDTH+COLUMN_WIDTH-1:0] read_index,
    output wire [7:0]                        read_data,
    output reg  [ROWS*ROW_BITS-1:0]          voted,
    output wire                              upset,       // copies differ now
    output wire [ROW_WIDTH+COLUMN_WIDTH-1:0] upset_index  // the first byte of which they do
);

    wire [ROWS*ROW_BITS-1:0] a;
    wire [ROWS*ROW_BITS-1:0] b;
    wire [ROWS*ROW_BITS-1:0] c;
    reg  [ROWS*ROW_BITS-1:0] differs;

    wire [ROWS*ROW_BITS-1:0] single = ~TRIPLED;
    // One process for both, and no exclusive OR: simulators compute those bit by bit. Copies differ when some but not
    // all of them are 1, which also takes fewer gates.
    always @* begin
        voted = (a & (b | c | single)) | (b & c);
        differs = (a | b | c) & ~(a & b & c) & ~single;
    end

    assign upset = |differs;

    wire                    heal = refresh & upset;
    wire [ROW_WIDTH-1:0]    row = write_index[ROW_WIDTH+COLUMN_WIDTH-1:COLUMN_WIDTH];
    wire [COLUMN_WIDTH-1:0] column = write_index[COLUMN_WIDTH-1:0];
    reg  [ROWS*ROW_BITS-1:0] next;
    integer r, k;

    // What the copies take: the vote, and the byte that is written. They take it only when a byte is written or when
    // they differ, so one voter serves all three: a transient in it is stored only together with an upset.
    always @* begin
        r = 0;
        k = 0;
        next = voted;
        if (write)
            for (r = 0; r < ROWS; r = r + 1)
                if (row == r[ROW_WIDTH-1:0])
                    for (k = 0; k < ROW_BITS/8; k = k + 1)
                        if (column == k[COLUMN_WIDTH-1:0]) next[r*ROW_BITS + 8*k +: 8] = write_data;
    end

    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .COLUMN_WIDTH(COLUMN_WIDTH),
        .EXISTS(EXISTS), .RESET(RESET)
    ) copy_a (
        .clk(clk), .rst_n(rst_n), .heal(heal), .write(write), .row(row), .column(column), .next(next), .q(a)
    );
    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .COLUMN_WIDTH(COLUMN_WIDTH),
        .EXISTS(EXISTS & TRIPLED), .RESET(RESET)
    ) copy_b (
        .clk(clk), .rst_n(rst_n), .heal(heal), .write(write), .row(row), .column(column), .next(next), .q(b)
    );
    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .COLUMN_WIDTH(COLUMN_WIDTH),
        .EXISTS(EXISTS & TRIPLED), .RESET(RESET)
    ) copy_c (
        .clk(clk), .rst_n(rst_n), .heal(heal), .write(write), .row(row), .column(column), .next(next), .q(c)
    );

    reg [ROW_BITS-1:0] read_row;
    integer s;

    always @* begin
        read_row = {ROW_BITS{1'b0}};
        for (s = 0; s < ROWS; s = s + 1)
            if (read_index[ROW_WIDTH+COLUMN_WIDTH-1:COLUMN_WIDTH] == s[ROW_WIDTH-1:0])
                read_row = voted[s*ROW_BITS +: ROW_BITS];
    end

    assign read_data = read_row[{read_index[COLUMN_WIDTH-1:0], 3'b000} +: 8];

    reg [ROW_WIDTH-1:0]    upset_row;
    reg [COLUMN_WIDTH-1:0] upset_column;
    reg [ROWS*ROW_BITS/8-1:0] differing;  // bytes
    reg [ROW_BITS/8-1:0]   upset_bytes;
    integer t;

    always @* begin
        for (t = 0; t < ROWS*ROW_BITS/8; t = t + 1) differing[t] = |differs[t*8 +: 8];
    end

    integer u;

    // The lowest row, then the lowest byte in it.
    always @* begin
        u = 0;
        upset_row = {ROW_WIDTH{1'b0}};
        upset_column = {COLUMN_WIDTH{1'b0}};
        upset_bytes = {ROW_BITS/8{1'b0}};
        if (upset) begin
            for (u = ROWS - 1; u >= 0; u = u - 1)
                if (|differing[u*ROW_BITS/8 +: ROW_BITS/8]) begin
                    upset_row = u[ROW_WIDTH-1:0];
                    upset_bytes = differing[u*ROW_BITS/8 +: ROW_BITS/8];
                end
            for (u = ROW_BITS/8 - 1; u >= 0; u = u - 1)
                if (upset_bytes[u]) upset_column = u[COLUMN_WIDTH-1:0];
        end
    end

    assign upset_index = {upset_row, upset_column};

`ifdef ECON_AE_ASSERT
    wire [ROWS*ROW_BITS-1:0]         exists = EXISTS;
    reg                              checked;
    reg [ROW_WIDTH+COLUMN_WIDTH-1:0] index;
    reg [7:0]                        wanted;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) checked <= 1'b0;
        else begin
            checked <= write;
            if (write) begin
                index <= write_index;
                wanted <= write_data & exists[{write_index, 3'b000} +: 8];
                if ({{(32-ROW_WIDTH-COLUMN_WIDTH){1'b0}}, write_index} >= ROWS*ROW_BITS/8)
                    $display("ECON_AE_ASSERT %m: write of byte %0d, behind the last row", write_index);
            end
            if (checked)
                if (voted[{index, 3'b000} +: 8] !== wanted)
                    $display("ECON_AE_ASSERT %m: byte %0d is not what was written", index);
        end
    end
`endif

endmodule

`default_nettype wire
