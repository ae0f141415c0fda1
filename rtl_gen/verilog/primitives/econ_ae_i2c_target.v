// I2C target with a 16-bit register pointer.
//   write: START, address + W, pointer high, pointer low, bytes ..., STOP
//   read:  START, address + W, pointer high, pointer low, repeated START, address + R, bytes ..., STOP
// The pointer moves on by one with every byte. A START or STOP at any place ends what was going on; a byte is handed
// on whole, after its acknowledge, or not at all. A pointer to nothing and a byte that cannot be written are not
// acknowledged. Every flip-flop behind the synchronisers is triplicated. The clock is never stretched.
`default_nettype none
module econ_ae_i2c_target #(
    parameter FILTER = 2  // clocks that a glitch may last
) (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        scl_i,
    input  wire        sda_i,
    output wire        sda_oe,       // pulls SDA low
    input  wire [6:0]  i2c_address,
    output wire [15:0] pointer,
    input  wire        readable,     // what the pointer points to
    input  wire        writable,
    output wire        read,         // for one clock; read_data is taken two or more clocks later
    input  wire [7:0]  read_data,
    output wire        write,        // for one clock, with pointer and write_data
    output wire [7:0]  write_data,
    output wire        started,      // for one clock
    output wire        reconfiguring // from the first written byte until STOP
);

    localparam [3:0] IDLE = 4'd0;
    localparam [3:0] ADDRESS = 4'd1;
    localparam [3:0] ADDRESS_ACK = 4'd2;
    localparam [3:0] POINTER_HIGH = 4'd3;
    localparam [3:0] POINTER_HIGH_ACK = 4'd4;
    localparam [3:0] POINTER_LOW = 4'd5;
    localparam [3:0] POINTER_LOW_ACK = 4'd6;
    localparam [3:0] WRITE = 4'd7;
    localparam [3:0] WRITE_ACK = 4'd8;
    localparam [3:0] READ = 4'd9;
    localparam [3:0] READ_ACK = 4'd10;
    localparam [3:0] IGNORE = 4'd11;

    wire scl;
    wire scl_rise;
    wire scl_fall;
    wire sda;
    wire sda_rise;
    wire sda_fall;

    econ_ae_i2c_filter #(.SAMPLES(FILTER)) filter_scl (
        .clk(clk), .rst_n(rst_n), .line(scl_i), .level(scl), .rise(scl_rise), .fall(scl_fall)
    );
    // One sample longer: data that change with the falling clock are seen after it, not as START or STOP.
    econ_ae_i2c_filter #(.SAMPLES(FILTER + 1)) filter_sda (
        .clk(clk), .rst_n(rst_n), .line(sda_i), .level(sda), .rise(sda_rise), .fall(sda_fall)
    );

    wire start = scl & ~scl_rise & sda_fall;
    wire stop  = scl & ~scl_rise & sda_rise;

    wire [3:0]  state;
    wire [3:0]  count;         // bits of the byte so far
    wire [7:0]  shift;
    wire [7:0]  pointer_high;  // until the low byte is there
    wire        acknowledged;  // by the controller, the last byte that was read
    reg  [3:0]  next_state;
    reg  [3:0]  next_count;
    reg  [7:0]  next_shift;
    reg  [7:0]  next_pointer_high;
    reg  [15:0] next_pointer;
    reg         next_acknowledged;
    reg         next_sda_oe;
    reg         next_read;
    reg         next_write;
    reg         next_reconfiguring;

    wire whole = count == 4'd8;

    econ_ae_tmr_register #(.WIDTH(46)) registers (
        .clk(clk),
        .rst_n(rst_n),
        .d({next_state, next_count, next_shift, next_pointer_high, next_pointer, next_acknowledged, next_sda_oe,
            next_read, next_write, next_reconfiguring, start}),
        .q({state, count, shift, pointer_high, pointer, acknowledged, sda_oe, read, write, reconfiguring, started})
    );

    assign write_data = shift;

    always @* begin
        next_state = state;
        next_count = count;
        next_shift = shift;
        next_pointer_high = pointer_high;
        next_pointer = write ? pointer + 16'd1 : pointer;
        next_acknowledged = acknowledged;
        next_sda_oe = sda_oe;
        next_read = 1'b0;
        next_write = 1'b0;
        next_reconfiguring = reconfiguring;
        if (start) begin
            next_state = ADDRESS;
            next_count = 4'd0;
            next_sda_oe = 1'b0;
        end else if (stop) begin
            next_state = IDLE;
            next_sda_oe = 1'b0;
            next_reconfiguring = 1'b0;
        end else if (scl_rise) begin
            case (state)
                ADDRESS, POINTER_HIGH, WRITE: begin
                    next_shift = {shift[6:0], sda};
                    next_count = count + 4'd1;
                end
                POINTER_LOW: begin
                    next_shift = {shift[6:0], sda};
                    next_count = count + 4'd1;
                    // Both halves at once, before the acknowledge, which depends on where it points.
                    if (count == 4'd7) next_pointer = {pointer_high, shift[6:0], sda};
                end
                ADDRESS_ACK: next_read = shift[0];
                READ: next_count = count + 4'd1;
                READ_ACK: begin
                    next_acknowledged = ~sda;
                    next_read = ~sda;
                end
                default: next_state = state;
            endcase
        end else if (scl_fall) begin
            case (state)
                ADDRESS: if (whole) begin
                    if (shift[7:1] == i2c_address && (readable || !shift[0])) begin
                        next_state = ADDRESS_ACK;
                        next_sda_oe = 1'b1;
                    end else next_state = IGNORE;
                end
                ADDRESS_ACK: begin
                    next_count = 4'd0;
                    next_state = shift[0] ? READ : POINTER_HIGH;
                    next_sda_oe = shift[0] & ~read_data[7];
                    if (shift[0]) next_shift = read_data;
                end
                POINTER_HIGH: if (whole) begin
                    next_state = POINTER_HIGH_ACK;
                    next_pointer_high = shift;
                    next_sda_oe = 1'b1;
                end
                POINTER_HIGH_ACK: begin
                    next_state = POINTER_LOW;
                    next_count = 4'd0;
                    next_sda_oe = 1'b0;
                end
                POINTER_LOW: if (whole) begin
                    next_state = readable ? POINTER_LOW_ACK : IGNORE;
                    next_sda_oe = readable;
                end
                POINTER_LOW_ACK: begin
                    next_state = WRITE;
                    next_count = 4'd0;
                    next_sda_oe = 1'b0;
                end
                WRITE: if (whole) begin
                    next_state = writable ? WRITE_ACK : IGNORE;
                    next_sda_oe = writable;
                end
                WRITE_ACK: begin
                    next_state = WRITE;
                    next_count = 4'd0;
                    next_sda_oe = 1'b0;
                    next_write = 1'b1;
                    next_reconfiguring = 1'b1;
                end
                READ: begin
                    if (whole) begin
                        next_state = READ_ACK;
                        next_sda_oe = 1'b0;
                        next_pointer = pointer + 16'd1;
                    end else begin
                        next_shift = {shift[6:0], 1'b0};
                        next_sda_oe = ~shift[6];
                    end
                end
                READ_ACK: begin
                    next_count = 4'd0;
                    next_state = acknowledged ? READ : IGNORE;
                    next_sda_oe = acknowledged & ~read_data[7];
                    if (acknowledged) next_shift = read_data;
                end
                default: next_state = state;
            endcase
        end
    end

`ifdef ECON_AE_ASSERT
    reg was_write;
    always @(posedge clk or negedge rst_n) begin
        if (!rst_n) was_write <= 1'b0;
        else begin
            was_write <= write;
            if (next_sda_oe != sda_oe)
                if (scl && !scl_rise && !start && !stop)
                    $display("ECON_AE_ASSERT %m: SDA changes while SCL is high");
            if (write) begin
                if (was_write) $display("ECON_AE_ASSERT %m: one byte is written twice");
                if (!writable) $display("ECON_AE_ASSERT %m: write to %h, which cannot be written", pointer);
                if (read) $display("ECON_AE_ASSERT %m: read and write at once");
                if (!reconfiguring) $display("ECON_AE_ASSERT %m: write outside a reconfiguration");
            end
        end
    end
    always @* begin
        if (state > IGNORE) $display("ECON_AE_ASSERT %m: state %d does not exist", state);
        if (count > 4'd8) $display("ECON_AE_ASSERT %m: %d bits in a byte", count);
        if (sda_oe && (state == IDLE || state == ADDRESS || state == POINTER_HIGH || state == POINTER_LOW
                       || state == WRITE || state == READ_ACK || state == IGNORE))
            $display("ECON_AE_ASSERT %m: SDA is pulled low in state %d", state);
    end
`endif

endmodule

`default_nettype wire
