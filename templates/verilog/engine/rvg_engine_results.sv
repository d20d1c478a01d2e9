// SPDX-License-Identifier: Apache-2.0
// rvg_engine_results: where pixels go: as maps to memory, or into the pool's sums, and those through the linear layer.
//
// Golden : repvgg_hw/golden.py, global_sum(), linear(); what is written where: rvg_engine_store, rvg_engine_linear
// In     : instructions for the store (all) and for the linear layer (op linear); its weights; pixels as rvg_engine_output
//          sends them.
// Out    : write commands {last, beats, address} and their beats; which instructions, and which channels of the next
//          one, are stored.

`default_nettype none

module rvg_engine_results #(
  parameter int N         = 5,
  parameter int PO        = 2,
  parameter int LANES     = 1,
  parameter int T_MAX     = 4,
  parameter int OUT_WORDS = 16,
  parameter int SLOTS     = 4,
  parameter int C_MAX     = 64,
  parameter int POOL_W    = 32,
  parameter int BD        = 8,
  parameter int BW        = 8,
  localparam int M1       = N - 2,
  localparam int COUNT_W  = $clog2(LANES + 1)
) (
  input  wire logic                  clk,
  input  wire logic                  rst,

  input  wire logic [1023:0]         store_tdata,   // instructions
  input  wire logic                  store_tvalid,
  output      logic                  store_tready,
  input  wire logic [1023:0]         linear_tdata,
  input  wire logic                  linear_tvalid,
  output      logic                  linear_tready,

  input  wire logic [8*BW-1:0]       weight_tdata,
  input  wire logic                  weight_tvalid,
  output      logic                  weight_tready,

  output      logic                  room_ok,
  input  wire logic                  room_take,
  input  wire logic [COUNT_W-1:0]    batch_channels,
  input  wire logic                  px_valid,
  input  wire logic [LANES*M1*8-1:0] px_data,
  input  wire logic [15:0]           px_x,
  input  wire logic [7:0]            px_y,
  input  wire logic                  px_last,

  output      logic [56:0]           cmd_tdata,
  output      logic                  cmd_tvalid,
  input  wire logic                  cmd_tready,
  output      logic [8*BD-1:0]       m_axis_tdata,
  output      logic                  m_axis_tvalid,
  input  wire logic                  m_axis_tready,
  input  wire logic                  write_done,

  output      logic [15:0]           stored_count,
  output      logic [15:0]           stored_channels,
  output      logic                  linear_busy       // one that counts as stored is not done
);

  localparam int SUM_W = C_MAX > 1 ? $clog2(C_MAX) : 1;

  logic               pool_room_ok, pool_room_take, pool_valid, pool_stride2, pool_first, pool_end, pool_done;
  logic [15:0]        pool_rows, pool_columns;
  logic [COUNT_W-1:0] pool_channels;
  logic               linear_go, linear_done, sum_en;
  logic [SUM_W-1:0]   sum_addr;
  logic [POOL_W-1:0]  sum_data;

  assign linear_busy = linear_go;

  // Sources of the write port: maps 0, logits 1.
  logic [2*57-1:0]   from_cmd_tdata;
  logic [2*8*BD-1:0] from_tdata;
  logic [1:0]        from_cmd_tvalid, from_cmd_tready, from_tvalid, from_tready, from_done;

  rvg_engine_store #(.N(N), .PO(PO), .LANES(LANES), .BD(BD), .OUT_WORDS(OUT_WORDS), .SLOTS(SLOTS)) u_store (
    .clk, .rst, .s_axis_tdata(store_tdata), .s_axis_tvalid(store_tvalid), .s_axis_tready(store_tready),
    .room_ok, .room_take, .batch_channels, .px_valid, .px_data, .px_x, .px_y, .px_last,
    .pool_room_ok, .pool_room_take, .pool_valid, .pool_stride2, .pool_first, .pool_end, .pool_rows, .pool_columns,
    .pool_channels, .pool_done, .linear_go, .linear_done,
    .cmd_tdata(from_cmd_tdata[56:0]), .cmd_tvalid(from_cmd_tvalid[0]), .cmd_tready(from_cmd_tready[0]),
    .m_axis_tdata(from_tdata[8*BD-1:0]), .m_axis_tvalid(from_tvalid[0]), .m_axis_tready(from_tready[0]),
    .write_done(from_done[0]), .stored_count, .stored_channels
  );

  rvg_engine_pool #(.N(N), .LANES(LANES), .T_MAX(T_MAX), .C_MAX(C_MAX), .POOL_W(POOL_W), .SLOTS(SLOTS)) u_pool (
    .clk, .rst, .room_ok(pool_room_ok), .room_take(pool_room_take), .px_valid(pool_valid), .px_data, .px_x, .px_y,
    .px_last, .px_stride2(pool_stride2), .px_first(pool_first), .px_rows(pool_rows), .px_columns(pool_columns),
    .px_end(pool_end), .px_channels(pool_channels), .done(pool_done), .sum_en, .sum_addr, .sum_data
  );

  rvg_engine_linear #(.BW(BW), .BD(BD), .C_MAX(C_MAX), .POOL_W(POOL_W)) u_linear (
    .clk, .rst, .s_axis_tdata(linear_tdata), .s_axis_tvalid(linear_tvalid), .s_axis_tready(linear_tready),
    .go(linear_go), .done(linear_done), .weight_tdata, .weight_tvalid, .weight_tready, .sum_en, .sum_addr, .sum_data,
    .cmd_tdata(from_cmd_tdata[113:57]), .cmd_tvalid(from_cmd_tvalid[1]), .cmd_tready(from_cmd_tready[1]),
    .m_axis_tdata(from_tdata[16*BD-1:8*BD]), .m_axis_tvalid(from_tvalid[1]), .m_axis_tready(from_tready[1]),
    .write_done(from_done[1])
  );

  rvg_engine_write_mux #(.WIDTH(8*BD)) u_mux (
    .clk, .rst, .s_cmd_tdata(from_cmd_tdata), .s_cmd_tvalid(from_cmd_tvalid), .s_cmd_tready(from_cmd_tready),
    .s_axis_tdata(from_tdata), .s_axis_tvalid(from_tvalid), .s_axis_tready(from_tready), .done(from_done),
    .cmd_tdata, .cmd_tvalid, .cmd_tready, .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .write_done
  );

endmodule

`default_nettype wire
