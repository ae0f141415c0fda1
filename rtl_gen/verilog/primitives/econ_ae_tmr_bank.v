// Configuration bits in triplicate, as bytes in rows. Three copies, each with its voter: neither an upset of a
// flip-flop nor a transient in a voter outlasts the next clock while `refresh` is on. Bits that are not in TRIPLED
// exist once, in copy a, without a voter.
//   A row is selected first and a byte in it second, which keeps decoder and multiplexers small.
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

    // The copies heal by voters of their own; a transient in this one is not stored.
    wire [ROWS*ROW_BITS-1:0] single = ~TRIPLED;
    always @* voted = (a & (b | c | single)) | (b & c);
    always @* differs = ((a ^ b) | (a ^ c)) & ~single;

    assign upset = |differs;

    wire                 heal = refresh & upset;
    wire [ROW_WIDTH-1:0] row = write_index[ROW_WIDTH+COLUMN_WIDTH-1:COLUMN_WIDTH];
    wire [ROW_BITS-1:0]  row_data = {(ROW_BITS/8){write_data}};
    reg  [ROW_BITS-1:0]  row_mask;

    always @* begin
        row_mask = {ROW_BITS{1'b0}};
        row_mask[{write_index[COLUMN_WIDTH-1:0], 3'b000} +: 8] = 8'hFF;
    end

    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .EXISTS(EXISTS), .TRIPLED(TRIPLED), .RESET(RESET)
    ) copy_a (
        .clk(clk), .rst_n(rst_n), .refresh(refresh), .heal(heal), .write(write), .row(row),
        .row_mask(row_mask), .row_data(row_data), .other(b), .third(c), .q(a)
    );
    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .EXISTS(EXISTS & TRIPLED), .TRIPLED(TRIPLED), .RESET(RESET)
    ) copy_b (
        .clk(clk), .rst_n(rst_n), .refresh(refresh), .heal(heal), .write(write), .row(row),
        .row_mask(row_mask), .row_data(row_data), .other(a), .third(c), .q(b)
    );
    econ_ae_tmr_copy #(
        .ROWS(ROWS), .ROW_BITS(ROW_BITS), .ROW_WIDTH(ROW_WIDTH), .EXISTS(EXISTS & TRIPLED), .TRIPLED(TRIPLED), .RESET(RESET)
    ) copy_c (
        .clk(clk), .rst_n(rst_n), .refresh(refresh), .heal(heal), .write(write), .row(row),
        .row_mask(row_mask), .row_data(row_data), .other(a), .third(b), .q(c)
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
    reg [ROW_BITS-1:0]     upset_bits;
    integer t;

    // The lowest row, then the lowest byte in it.
    always @* begin
        t = 0;
        upset_row = {ROW_WIDTH{1'b0}};
        upset_column = {COLUMN_WIDTH{1'b0}};
        upset_bits = {ROW_BITS{1'b0}};
        if (upset) begin
            for (t = ROWS - 1; t >= 0; t = t - 1)
                if (|differs[t*ROW_BITS +: ROW_BITS]) begin
                    upset_row = t[ROW_WIDTH-1:0];
                    upset_bits = differs[t*ROW_BITS +: ROW_BITS];
                end
            for (t = ROW_BITS/8 - 1; t >= 0; t = t - 1)
                if (|upset_bits[t*8 +: 8]) upset_column = t[COLUMN_WIDTH-1:0];
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
            end
            if (checked && voted[{index, 3'b000} +: 8] !== wanted)
                $display("ECON_AE_ASSERT %m: byte %0d is not what was written", index);
            if (write && {{(32-ROW_WIDTH-COLUMN_WIDTH){1'b0}}, write_index} >= ROWS*ROW_BITS/8)
                $display("ECON_AE_ASSERT %m: write of byte %0d, behind the last row", write_index);
        end
    end
`endif

endmodule
