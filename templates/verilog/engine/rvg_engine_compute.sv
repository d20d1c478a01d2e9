// SPDX-License-Identifier: Apache-2.0
// rvg_engine_compute: transformed tiles and weights to pixels: data memory, array, output transform, requantization.
//
//   pixel = requant(bias + (A^T (sum over inputs (G g G^T) * (B^T d B)) A) / L^2)
//
// Golden : repvgg_hw/winograd/golden.py, winograd_conv(); repvgg_hw/golden.py, conv_layer()
// In     : instructions for weights, order of work, and output; the beats of weight regions; words as rvg_engine_input
//          writes them.
// Out    : pixels, as rvg_engine_output sends them.
// Rate   : one word a cycle, N*N*PI*PO products.

`default_nettype none

module rvg_engine_compute #(
  parameter int N           = 5,
  parameter int PI          = 1,
  parameter int PO          = 2,
  parameter int LANES       = 1,
  parameter int T_MAX       = 4,
  parameter int WORD_DEPTH  = 256,
  parameter int WORD_URAM   = 0,
  parameter int BW          = 8,
  parameter int SETS        = 4,
  parameter int BLOCK_BEATS = 9,
  parameter int DATA_W      = 15,
  parameter int WMIDDLE_W   = 11,
  parameter int WEIGHT_W    = 14,
  parameter int ACC_W       = 24,
  parameter int SHIFT1      = 1,
  parameter int SHIFT2      = 0,
  parameter int SUM_W       = 26,
  localparam int POSITIONS  = N * N,
  localparam int M1         = N - 2,
  localparam int WORD_W     = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1,
  localparam int COUNT_W    = $clog2(LANES + 1)
) (
  input  wire logic                           clk,
  input  wire logic                           rst,

  input  wire logic [1023:0]                  weights_tdata,  // instructions
  input  wire logic                           weights_tvalid,
  output      logic                           weights_tready,
  input  wire logic [1023:0]                  order_tdata,
  input  wire logic                           order_tvalid,
  output      logic                           order_tready,
  input  wire logic [1023:0]                  output_tdata,
  input  wire logic                           output_tvalid,
  output      logic                           output_tready,

  input  wire logic [8*BW-1:0]                s_axis_tdata,   // weight regions
  input  wire logic                           s_axis_tvalid,
  output      logic                           s_axis_tready,

  input  wire logic                           word_we,
  input  wire logic [WORD_W-1:0]              word_addr,
  input  wire logic [PI*POSITIONS*DATA_W-1:0] word_data,
  output      logic                           released,       // the oldest word of them
  output      logic                           multiplies,     // the array has a word in this cycle

  input  wire logic                           room_ok,
  output      logic                           room_take,
  output      logic [COUNT_W-1:0]             batch_channels,
  output      logic                           px_valid,
  output      logic [LANES*M1*8-1:0]          px_data,
  output      logic [15:0]                    px_x,
  output      logic [7:0]                     px_y,
  output      logic                           px_last
);

  localparam int TILE_W    = T_MAX > 1 ? $clog2(T_MAX) : 1;
  localparam int SLOT_W    = $clog2(2*T_MAX);
  localparam int ROW_W     = $clog2(N);
  localparam int BATCH_W   = PO / LANES > 1 ? $clog2(PO / LANES) : 1;
  localparam int AFFINE_W  = rvg_pkg::MULT_W + ACC_W;

  // ---- weights
  logic [PO*AFFINE_W-1:0]               affine_tdata;
  logic                                 affine_tvalid, affine_tready, set_soon, set_valid, set_take;
  logic [PO*POSITIONS*PI*WEIGHT_W-1:0]  set_data;

  rvg_engine_weights #(
    .N(N), .PI(PI), .PO(PO), .BW(BW), .SETS(SETS), .BLOCK_BEATS(BLOCK_BEATS), .WMIDDLE_W(WMIDDLE_W), .WEIGHT_W(WEIGHT_W),
    .ACC_W(ACC_W)
  ) u_weights (
    .clk, .rst, .cmd_tdata(weights_tdata), .cmd_tvalid(weights_tvalid), .cmd_tready(weights_tready),
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .affine_tdata, .affine_tvalid, .affine_tready, .set_soon, .set_valid, .set_data, .set_take
  );

  // ---- words
  logic                           word_rd_en;
  logic [WORD_W-1:0]              word_rd_addr;
  logic [PI*POSITIONS*DATA_W-1:0] in_word;

  rvg_engine_words #(.WIDTH(PI*POSITIONS*DATA_W), .WORD_DEPTH(WORD_DEPTH), .WORD_URAM(WORD_URAM)) u_words (
    .clk, .wr_en(word_we), .wr_addr(word_addr), .wr_data(word_data),
    .rd_en(word_rd_en), .rd_addr(word_rd_addr), .rd_data(in_word)
  );

  // ---- products and sums
  logic              in_valid, in_half, in_first, in_ends, in_last, sums_done, half_free;
  logic [TILE_W-1:0] in_tile;
  logic [SLOT_W-1:0] drain_slot;
  logic [ROW_W-1:0]  drain_row;
  logic [BATCH_W-1:0] drain_batch;
  logic [LANES*N*SUM_W-1:0] drain_sums;

  assign multiplies = in_valid;

  rvg_engine_sequencer #(.T_MAX(T_MAX), .WORD_DEPTH(WORD_DEPTH)) u_sequencer (
    .clk, .rst, .s_axis_tdata(order_tdata), .s_axis_tvalid(order_tvalid),
    .s_axis_tready(order_tready), .written(word_we), .released, .word_rd_en, .word_rd_addr,
    .set_soon, .set_take, .half_free, .in_valid, .in_tile, .in_half, .in_first, .in_ends, .in_last
  );

  rvg_engine_array #(
    .N(N), .PI(PI), .PO(PO), .LANES(LANES), .T_MAX(T_MAX), .DATA_W(DATA_W), .WEIGHT_W(WEIGHT_W), .SUM_W(SUM_W)
  ) u_array (
    .clk, .rst, .set_take, .set_data, .in_valid, .in_word, .in_tile, .in_half, .in_first, .in_ends, .in_last,
    .sums_done, .drain_slot, .drain_row, .drain_batch, .drain_sums
  );

  // ---- sums to pixels
  rvg_engine_output #(
    .N(N), .PO(PO), .LANES(LANES), .T_MAX(T_MAX), .ACC_W(ACC_W), .SHIFT1(SHIFT1), .SHIFT2(SHIFT2)
  ) u_output (
    .clk, .rst, .cmd_tdata(output_tdata), .cmd_tvalid(output_tvalid),
    .cmd_tready(output_tready), .affine_tdata, .affine_tvalid, .affine_tready, .sums_done, .half_free,
    .drain_slot, .drain_row, .drain_batch, .drain_sums, .room_ok, .room_take, .batch_channels, .px_valid, .px_data, .px_x,
    .px_y, .px_last
  );

  wire unused = &{1'b0, set_valid};

endmodule

`default_nettype wire
