// SPDX-License-Identifier: Apache-2.0
// rvg_engine_input: loads a strip's rows of all channels, and puts its windows, transformed, into the data memory.
//
//   word[(g*words + w)*tiles + ty*tiles_x + tx] = B^T d B of tile (ty, tx) of PI channels of group g, from PI*w on
//
// Golden : repvgg_hw/winograd/golden.py, data_transform(cut_tiles())
// In     : every instruction, in order (rvg_engine_pkg.sv); beats of BD pixels, as they were asked for.
// Out    : commands to read; words, lane (position*PI + channel), one after the other into the data memory, a ring of
//          WORD_DEPTH words. `released` gives its oldest word back; no window is begun for whose word there is no room.
//          Lanes without a channel, in a group's last word, hold anything.
// Ahead  : rows are loaded as far ahead as there is room in the row banks, across strips and layers, but never before
//          what they depend on is stored: rvg_engine_loader.sv.
// Rate   : one word in N cycles, where its rows are there.

`default_nettype none

module rvg_engine_input #(
  parameter int N          = 5,
  parameter int PI         = 1,
  parameter int T_MAX      = 16,
  parameter int WORD_DEPTH = 1024,
  parameter int LINE_DEPTH = 64,
  parameter int BD         = 8,
  parameter int MIDDLE_W   = 12,
  parameter int DATA_W     = 14,
  parameter int ADDR_W     = 32,
  localparam int WORD_A    = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1
) (
  input  wire logic                                     clk,
  input  wire logic                                     rst,

  input  wire logic [rvg_engine_pkg::INSTRUCTION_W-1:0] s_cmd_tdata,
  input  wire logic                                     s_cmd_tvalid,
  output      logic                                     s_cmd_tready,
  input  wire logic [15:0]                              stored_count,
  input  wire logic [15:0]                              stored_channels,

  output      logic [24+ADDR_W-1:0]                     m_read_tdata,
  output      logic                                     m_read_tvalid,
  input  wire logic                                     m_read_tready,
  input  wire logic [8*BD-1:0]                          s_axis_tdata,
  input  wire logic                                     s_axis_tvalid,
  output      logic                                     s_axis_tready,

  output      logic                                     word_we,
  output      logic [WORD_A-1:0]                        word_addr,
  output      logic [N*N*PI*DATA_W-1:0]                 word_data,
  input  wire logic                                     released
);

  localparam int SETS   = 32;  // descriptions ahead: with few beats a set, as many as cover the memory's latency
  localparam int LANE_W = $clog2(PI + 1);
  localparam int ROW_W  = $clog2(N + 1);
  localparam int LINE_W = $clog2(LINE_DEPTH + 1);
  localparam int PTR_W  = $clog2(LINE_DEPTH);
  localparam int BYTE_W = $clog2(BD);
  localparam int TILE_W = $clog2(T_MAX + 1);
  localparam int ROWS_W = LANE_W + 4 + ROW_W + LINE_W;
  localparam int SET_W  = 3 + ROW_W + TILE_W + 32 + LINE_W;

  logic [ROWS_W-1:0] rows_tdata, first_rows_tdata, bank_rows_tdata;
  logic [SET_W-1:0]  set_tdata, next_set_tdata;
  logic              rows_tvalid, rows_tready, first_rows_tvalid, first_rows_tready, bank_rows_tvalid, bank_rows_tready;
  logic              set_tvalid, set_tready, next_set_tvalid, next_set_tready;
  logic              freed, rows_written;
  logic [LINE_W-1:0] freed_beats;

  rvg_engine_loader #(.N(N), .PI(PI), .T_MAX(T_MAX), .LINE_DEPTH(LINE_DEPTH), .ADDR_W(ADDR_W)) u_loader (
    .clk, .rst, .s_cmd_tdata, .s_cmd_tvalid, .s_cmd_tready, .stored_count, .stored_channels, .freed, .freed_beats,
    .m_read_tdata, .m_read_tvalid, .m_read_tready,
    .m_rows_tdata(rows_tdata), .m_rows_tvalid(rows_tvalid), .m_rows_tready(rows_tready),
    .m_set_tdata(set_tdata), .m_set_tvalid(set_tvalid), .m_set_tready(set_tready)
  );

  rvg_fifo #(.WIDTH(ROWS_W), .DEPTH(SETS)) u_rows (
    .clk, .rst, .s_axis_tdata(rows_tdata), .s_axis_tvalid(rows_tvalid), .s_axis_tready(rows_tready),
    .m_axis_tdata(first_rows_tdata), .m_axis_tvalid(first_rows_tvalid), .m_axis_tready(first_rows_tready)
  );

  // What is counted against every beat comes from registers, not out of LUT RAM.
  rvg_stream_reg #(.WIDTH(ROWS_W)) u_first_rows (
    .clk, .rst, .s_axis_tdata(first_rows_tdata), .s_axis_tvalid(first_rows_tvalid), .s_axis_tready(first_rows_tready),
    .m_axis_tdata(bank_rows_tdata), .m_axis_tvalid(bank_rows_tvalid), .m_axis_tready(bank_rows_tready)
  );

  rvg_fifo #(.WIDTH(SET_W), .DEPTH(SETS)) u_sets (
    .clk, .rst, .s_axis_tdata(set_tdata), .s_axis_tvalid(set_tvalid), .s_axis_tready(set_tready),
    .m_axis_tdata(next_set_tdata), .m_axis_tvalid(next_set_tvalid), .m_axis_tready(next_set_tready)
  );

  logic [PTR_W-1:0]    rd_addr;
  logic [BYTE_W-1:0]   rd_byte;
  logic [N-1:0]        rd_inside;
  logic                rd_signed;
  logic [N*PI*9-1:0]   column;
  logic [3:0]          pass, pass_q;  // {step, first, window, stride2}, and beside the column that was read

  rvg_engine_row_banks #(.N(N), .PI(PI), .LINE_DEPTH(LINE_DEPTH), .BD(BD)) u_banks (
    .clk, .rst,
    .s_rows_tdata(bank_rows_tdata), .s_rows_tvalid(bank_rows_tvalid), .s_rows_tready(bank_rows_tready),
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .written(rows_written),
    .rd_addr, .rd_byte, .rd_inside, .rd_signed, .column
  );

  rvg_engine_windows #(.N(N), .T_MAX(T_MAX), .WORD_DEPTH(WORD_DEPTH), .LINE_DEPTH(LINE_DEPTH), .BD(BD), .SETS(SETS)) u_windows (
    .clk, .rst,
    .s_set_tdata(next_set_tdata), .s_set_tvalid(next_set_tvalid), .s_set_tready(next_set_tready),
    .rows_written, .released, .freed, .freed_beats, .rd_addr, .rd_byte, .rd_inside, .rd_signed,
    .pass_step(pass[3]), .pass_first(pass[2]), .pass_window(pass[1]), .pass_stride2(pass[0])
  );

  always_ff @(posedge clk) begin
    pass_q <= pass;
    if (rst) pass_q[3] <= 1'b0;
  end

  rvg_engine_data_transform #(.N(N), .PI(PI), .MIDDLE_W(MIDDLE_W), .DATA_W(DATA_W)) u_transform (
    .clk, .rst, .column,
    .pass_step(pass_q[3]), .pass_first(pass_q[2]), .pass_window(pass_q[1]), .pass_stride2(pass_q[0]), .word_we, .word_data
  );

  // ---- words follow each other in the ring
  always_ff @(posedge clk) begin
    if (word_we) word_addr <= word_addr == WORD_A'(WORD_DEPTH - 1) ? '0 : word_addr + 1'b1;
    if (rst) word_addr <= '0;
  end

endmodule

`default_nettype wire
