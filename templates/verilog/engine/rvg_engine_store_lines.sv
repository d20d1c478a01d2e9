// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store_lines: complete batches leave as write commands and beats, channel by channel, row by row.
//
//   row r of channel c: line_beats beats at  store_addr + c * store_plane + r * store_pitch
//
// In     : s_axis, what an instruction stores: {one_row, one_beat, whole, stride2, rows, line_beats, pitch, plane, addr},
//          where one_row and one_beat say so of rows and line_beats; batch, its batches {last, channels} as they become
//          complete.
// Out    : cmd {last, beats, addr} and m_axis, the beats. A store of lines has a command for each row, a whole one (its
//          lines are contiguous) one for each channel; `last` marks a channel's last command. Rows beyond the map stay.
// Rate   : one beat a cycle; between two instructions 1 cycle, and as many as `rows` has bits for a whole store.

`default_nettype none

module rvg_engine_store_lines #(
  parameter int M1        = 3,
  parameter int M2        = 2,
  parameter int LANES     = 1,
  parameter int BD        = 8,
  parameter int OUT_WORDS = 16,
  parameter int SLOTS     = 2,
  localparam int COUNT_W  = $clog2(LANES + 1),
  localparam int ADDR_W   = $clog2(SLOTS*OUT_WORDS),
  localparam int LANE_W   = LANES > 1 ? $clog2(LANES) : 1,
  localparam int ROW_W    = M1 > 1 ? $clog2(M1) : 1
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [131:0]       s_axis_tdata,
  input  wire logic               s_axis_tvalid,
  output      logic               s_axis_tready,

  input  wire logic [COUNT_W:0]   batch_tdata,
  input  wire logic               batch_tvalid,
  output      logic               batch_tready,  // its slot is free again

  output      logic               rd_en,
  output      logic [ADDR_W-1:0]  rd_addr,
  output      logic [LANE_W-1:0]  rd_lane,
  output      logic [ROW_W-1:0]   rd_row,
  input  wire logic [8*BD-1:0]    rd_data,

  output      logic [56:0]        cmd_tdata,
  output      logic               cmd_tvalid,
  input  wire logic               cmd_tready,

  output      logic [8*BD-1:0]    m_axis_tdata,
  output      logic               m_axis_tvalid,
  input  wire logic               m_axis_tready
);

  localparam logic [ADDR_W-1:0] LAST_BASE = ADDR_W'((SLOTS - 1) * OUT_WORDS);

  if (M1 < 1 || M2 < 1 || M2 > M1 || LANES < 1 || BD < 1 || OUT_WORDS < 1 || SLOTS < 2) begin : g_check
    rvg_error_no_such_banks u_error ();
  end

  // ---- the instruction at work
  logic        busy_q, whole_q, stride2_q;
  logic [15:0] rows_less_1_q, line_beats_q;
  logic [31:0] pitch_q, plane_q;
  logic [31:0] channel_q, row_addr_q;  // addresses of the channel and of the row

  // beats of a whole channel, rows * line_beats, a bit of `rows` a cycle
  logic [15:0] rows_left_q;
  logic [23:0] addend_q, whole_beats_q;
  logic        sizing_q;

  assign s_axis_tready = !busy_q;

  // ---- where the reading stands
  logic [ADDR_W-1:0] base_q, line_q, beat_q;  // of the slot, of the row of tiles, of the beat in its row
  logic [ADDR_W-1:0] last_but_one_q;          // of a row's beats
  logic [ROW_W-1:0]  tile_row_q;
  logic [15:0]       rows_after_q;            // this one
  // registers, needed early in a cycle: the row's last beat, the channel's last row and beat; a command goes with this one
  logic              beat_last, row_last, last_beat, command, one_beat_q;
  logic              row_soon;                // the next row is the channel's last
  logic [LANE_W-1:0] lane_q;
  logic              read_q, slice_ready, enable, step;
  logic              tile_end, lane_last, channel_end, batch_end;

  assign tile_end    = tile_row_q == (stride2_q ? ROW_W'(M2 - 1) : ROW_W'(M1 - 1));
  assign lane_last   = COUNT_W'(lane_q) == batch_tdata[COUNT_W-1:0] - 1'b1;
  assign channel_end = step && last_beat;
  assign batch_end   = channel_end && lane_last;

  assign row_soon = row_last ? rows_less_1_q == '0 : rows_after_q == 16'd1;

  assign enable  = !read_q || slice_ready;
  assign step    = busy_q && !sizing_q && batch_tvalid && enable && (!command || !cmd_tvalid || cmd_tready);

  assign batch_tready = batch_end;
  assign rd_en        = step;
  assign rd_addr      = base_q + line_q + beat_q;
  assign rd_lane      = lane_q;
  assign rd_row       = tile_row_q;

  always_ff @(posedge clk) begin
    if (enable) read_q <= step;
    if (step) begin
      beat_q    <= beat_last ? '0 : beat_q + 1'b1;
      beat_last <= beat_last ? one_beat_q : beat_q == last_but_one_q;
      command   <= beat_last && (!whole_q || row_last);
      last_beat <= beat_last ? one_beat_q && row_soon : row_last && beat_q == last_but_one_q;
      if (beat_last) begin
        row_last     <= row_soon;
        rows_after_q <= row_last ? rows_less_1_q : rows_after_q - 1'b1;
        tile_row_q   <= row_last || tile_end ? '0 : tile_row_q + 1'b1;
        if (row_last)      line_q <= '0;
        else if (tile_end) line_q <= line_q + ADDR_W'(line_beats_q);
        row_addr_q <= row_last ? channel_q + plane_q : row_addr_q + pitch_q;
      end
    end
    if (channel_end) begin
      channel_q <= channel_q + plane_q;
      lane_q    <= lane_last ? '0 : lane_q + 1'b1;
    end
    if (batch_end) begin
      base_q <= base_q == LAST_BASE ? '0 : base_q + ADDR_W'(OUT_WORDS);
      if (batch_tdata[COUNT_W]) busy_q <= 1'b0;
    end

    if (sizing_q) begin
      sizing_q <= rows_left_q[15:1] != '0;
      if (rows_left_q[0]) whole_beats_q <= whole_beats_q + addend_q;
      rows_left_q <= rows_left_q >> 1;
      addend_q    <= addend_q << 1;
    end
    if (s_axis_tvalid && s_axis_tready) begin
      {whole_q, stride2_q} <= s_axis_tdata[129:128];
      {line_beats_q, pitch_q, plane_q, channel_q} <= s_axis_tdata[111:0];
      rows_less_1_q  <= s_axis_tdata[127:112] - 1'b1;
      rows_after_q   <= s_axis_tdata[127:112] - 1'b1;
      command        <= 1'b1;
      row_last       <= s_axis_tdata[131];
      last_but_one_q <= ADDR_W'(s_axis_tdata[111:96] - 16'd2);
      one_beat_q     <= s_axis_tdata[130];
      beat_last      <= s_axis_tdata[130];
      last_beat      <= s_axis_tdata[131] && s_axis_tdata[130];
      row_addr_q     <= s_axis_tdata[31:0];
      sizing_q       <= s_axis_tdata[129];
      addend_q       <= 24'(s_axis_tdata[111:96]);
      rows_left_q    <= s_axis_tdata[127:112];
      whole_beats_q  <= '0;
      busy_q         <= 1'b1;
    end

    if (rst) begin
      busy_q     <= 1'b0;
      read_q     <= 1'b0;
      base_q     <= '0;
      line_q     <= '0;
      beat_q     <= '0;
      tile_row_q <= '0;
      lane_q     <= '0;
    end
  end

  always_ff @(posedge clk) begin
    if (cmd_tready) cmd_tvalid <= 1'b0;
    if (step && command) begin
      cmd_tdata  <= {whole_q || row_last, whole_q ? whole_beats_q : 24'(line_beats_q), row_addr_q};
      cmd_tvalid <= 1'b1;
    end
    if (rst) cmd_tvalid <= 1'b0;
  end

  rvg_stream_reg #(.WIDTH(8*BD)) u_slice (
    .clk, .rst,
    .s_axis_tdata(rd_data), .s_axis_tvalid(read_q), .s_axis_tready(slice_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_engine_store_lines: a command did not stay until it was taken"), .WIDTH(57)
  ) u_assert_stays (
    .clk, .rst, .tdata(cmd_tdata), .tvalid(cmd_tvalid), .tready(cmd_tready)
  );
`endif

endmodule

`default_nettype wire
