// SPDX-License-Identifier: Apache-2.0
// rvg_engine_row_banks: rows of pixels come as beats, columns of N pixels of PI channels leave.
//
// Memory : a bank for each row of a window and each channel, a ring of LINE_DEPTH beats of BD pixels. A set of rows takes
//          line_beats beats of every bank, whatever of them is written: rows beside the map and missing channels are not.
// In     : for each set {lanes, shared, first row, rows, line_beats}, and its beats: channel by channel, row by row, those
//          before the first row left out. The last `shared` rows of a window, 0 to 2, are the next set's first, too: they
//          go into both at once, for the next set's lie in other banks.
// Out    : `written` pulses with a set's last beat. A column is read by its beat's place in the ring and its byte in it;
//          what is not `inside` the map reads zero, rows and column alike. Pixel (row, channel) in lane row*PI + channel.
// Widths : a pixel leaves as int9, from uint8 or int8 (is_signed): so both are one for the transform.
// Rate   : one beat and one column per cycle.  Latency: a column in 1 cycle.
// Not here: whether a beat has been written or is free: rvg_engine_windows.sv, rvg_engine_loader.sv.

`default_nettype none

module rvg_engine_row_banks #(
  parameter int N          = 5,
  parameter int PI         = 1,
  parameter int LINE_DEPTH = 64,
  parameter int BD         = 8,
  localparam int X_W       = 9,
  localparam int LANE_W    = $clog2(PI + 1),
  localparam int ROW_W     = $clog2(N + 1),
  localparam int LINE_W    = $clog2(LINE_DEPTH + 1),
  localparam int PTR_W     = $clog2(LINE_DEPTH),
  localparam int BYTE_W    = $clog2(BD),
  localparam int ROWS_W    = LANE_W + 4 + ROW_W + LINE_W
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic [ROWS_W-1:0]   s_rows_tdata,
  input  wire logic                s_rows_tvalid,
  output      logic                s_rows_tready,
  input  wire logic [8*BD-1:0]     s_axis_tdata,
  input  wire logic                s_axis_tvalid,
  output      logic                s_axis_tready,
  output      logic                written,

  input  wire logic [PTR_W-1:0]    rd_addr,
  input  wire logic [BYTE_W-1:0]   rd_byte,
  input  wire logic [N-1:0]        rd_inside,  // row by row
  input  wire logic                rd_signed,
  output      logic [N*PI*X_W-1:0] column
);

  if (LINE_DEPTH < 2 || LINE_DEPTH != 1 << PTR_W) begin : g_check_depth
    rvg_error_line_depth_must_be_a_power_of_two_from_2 u_error ();
  end
  if (BD < 2 || BD != 1 << BYTE_W) begin : g_check_bytes
    rvg_error_bytes_of_a_beat_must_be_a_power_of_two_from_2 u_error ();
  end

  // ---- write side: lane by lane, row by row
  wire [LANE_W-1:0] lanes      = s_rows_tdata[4 + ROW_W + LINE_W +: LANE_W];
  wire [1:0]        shared     = s_rows_tdata[2 + ROW_W + LINE_W +: 2];
  wire [1:0]        first_row  = s_rows_tdata[ROW_W + LINE_W +: 2];
  wire [ROW_W-1:0]  rows       = s_rows_tdata[LINE_W +: ROW_W];
  wire [LINE_W-1:0] line_beats = s_rows_tdata[LINE_W-1:0];

  logic [PTR_W-1:0]  base_q, wr_addr_q, next_base, next_addr;
  logic [LINE_W-1:0] beat_q;
  logic [ROW_W-1:0]  row_q, wr_row;
  logic [LANE_W-1:0] lane_q;
  logic              push, line_end, lane_end, set_end;

  assign s_axis_tready = s_rows_tvalid;
  assign push          = s_axis_tvalid && s_rows_tvalid;
  assign line_end      = beat_q == line_beats - 1'b1;
  assign lane_end      = line_end && row_q == rows - 1'b1;
  assign set_end       = lane_end && lane_q == lanes - 1'b1;
  assign s_rows_tready = push && set_end;
  assign written       = push && set_end;
  assign next_base     = base_q + PTR_W'(line_beats);
  assign wr_row        = row_q + ROW_W'(first_row);
  assign next_addr     = wr_addr_q + PTR_W'(line_beats);

  always_ff @(posedge clk) begin
    if (push) begin
      beat_q    <= line_end ? '0 : beat_q + 1'b1;
      wr_addr_q <= set_end ? next_base : line_end ? base_q : wr_addr_q + 1'b1;
      if (line_end) row_q <= lane_end ? '0 : row_q + 1'b1;
      if (lane_end) lane_q <= set_end ? '0 : lane_q + 1'b1;
      if (set_end) base_q <= next_base;
    end
    if (rst) begin
      beat_q    <= '0;
      wr_addr_q <= '0;
      row_q     <= '0;
      lane_q    <= '0;
      base_q    <= '0;
    end
  end

  // ---- banks
  for (genvar r = 0; r < N; r++) begin : g_row
    for (genvar i = 0; i < PI; i++) begin : g_lane
      (* ram_style = "distributed" *)
      logic [8*BD-1:0] mem [0:LINE_DEPTH-1];
      logic [8*BD-1:0] beat;
      logic [7:0]      pixel;
      logic            wr_here, wr_next;

      assign wr_here = wr_row == ROW_W'(r);
      assign wr_next = r < 2 && shared > 2'(r) && wr_row == ROW_W'(N + r) - ROW_W'(shared);

      assign beat  = mem[rd_addr];
      assign pixel = beat[8*rd_byte +: 8];

      always_ff @(posedge clk) begin
        if (push && (wr_here || wr_next) && lane_q == LANE_W'(i)) mem[wr_next ? next_addr : wr_addr_q] <= s_axis_tdata;
        column[X_W*(PI*r + i) +: X_W] <= rd_inside[r] ? {rd_signed && pixel[7], pixel} : '0;
      end
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_row_banks: a row is none of the window's")) u_assert_row (
    .clk, .rst, .holds(!push || wr_row < ROW_W'(N))
  );
`endif

endmodule

`default_nettype wire
