// SPDX-License-Identifier: Apache-2.0
// rvg_engine_drain: in which order sums leave the array, and what belongs to the tile that leaves.
//
//   for each set of outputs, for each batch of LANES channels, for each tile of the strip: N rows, one a cycle
//
// In     : instructions; a pulse of sums_done for each set that is complete, in alternate halves of the slots; affine, one
//          beat for each set, taken at the set's end.
// Batches: without a valid channel are left out. One begins only with room_ok, in the cycle of room_take, and then does
//          not pause.
// Out    : drain_slot, _row, _batch, with row_valid for a row that counts, tile_end for a tile's last one; then the tile's
//          data are there, too: its first column in the strip, its row of tiles, whether it is the batch's last.
// Rate   : N cycles for each tile and batch; 2 cycles between instructions.

`default_nettype none

module rvg_engine_drain #(
  parameter int N         = 5,
  parameter int PO        = 2,
  parameter int LANES     = 1,
  parameter int T_MAX     = 4,
  parameter int AFFINE_W  = 41,
  localparam int M1       = N - 2,
  localparam int M2       = (N - 1) / 2,
  localparam int SLOT_W   = $clog2(2*T_MAX),
  localparam int ROW_W    = $clog2(N),
  localparam int BATCHES  = PO / LANES,
  localparam int BATCH_W  = BATCHES > 1 ? $clog2(BATCHES) : 1,
  localparam int LANES_W  = $clog2(LANES + 1)
) (
  input  wire logic                            clk,
  input  wire logic                            rst,

  input  wire logic [1023:0]                   cmd_tdata,       // instruction
  input  wire logic                            cmd_tvalid,
  output      logic                            cmd_tready,

  input  wire logic [PO*AFFINE_W-1:0]          affine_tdata,
  input  wire logic                            affine_tvalid,
  output      logic                            affine_tready,

  input  wire logic                            sums_done,
  output      logic                            half_free,

  input  wire logic                            room_ok,
  output      logic                            room_take,
  output      logic [LANES_W-1:0]              batch_channels,

  output      logic [SLOT_W-1:0]               drain_slot,
  output      logic [ROW_W-1:0]                drain_row,
  output      logic [BATCH_W-1:0]              drain_batch,
  output      logic                            row_valid,
  output      logic                            tile_end,
  output      logic                            tile_stride2,
  output      logic [rvg_pkg::SHIFT_W-1:0]     tile_shift,
  output      logic [7:0]                      tile_out_max,
  output      logic [15:0]                     tile_x,
  output      logic [7:0]                      tile_y,
  output      logic                            tile_last,
  output      logic [LANES*AFFINE_W-1:0]       tile_affine
);

  if (N < 3 || PO < 1 || LANES < 1 || T_MAX < 1 || AFFINE_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BATCHES * LANES != PO || PO > 255) begin : g_check_lanes
    rvg_error_lanes_must_divide_po u_error ();
  end

  // ---- the instruction at work
  logic        busy_q;
  logic [7:0]  tiles_x_last_q, tiles_last_q, out_lanes_q;
  logic [15:0] repeats_q;
  logic        one_set_q;

  // ---- where it stands
  logic [15:0] sets_q, groups_q;  // those after this one
  logic [7:0]  left_q, left_d;    // channels of the set that have not left; behind this batch
  logic        last_batch;        // of the set
  logic        last_set;          // of the group
  logic [7:0]  tile_q, tile_x_q; // in the strip; in its row of tiles
  logic        half_q;
  logic [1:0]  pending_q;        // sets that are complete, the one that leaves included

  logic batch_begin, batch_end, set_end, strip_end, next_is_last;

  assign next_is_last = last_set ? one_set_q : sets_q == 16'd1;  // of the group's sets
  assign batch_begin  = tile_q == '0 && drain_row == '0;
  assign row_valid    = busy_q && pending_q != '0 && affine_tvalid && (!batch_begin || room_ok);
  assign tile_end     = row_valid && drain_row == ROW_W'(N - 1);
  assign tile_last    = tile_q == tiles_last_q;
  assign batch_end    = tile_end && tile_last;
  assign set_end      = batch_end && last_batch;
  assign strip_end    = set_end && last_set && groups_q == '0;

  assign cmd_tready    = !busy_q;
  assign affine_tready = set_end;
  assign room_take     = row_valid && batch_begin;

  always_comb begin
    left_d = left_q - 8'(LANES);
    if (last_batch) left_d = next_is_last ? out_lanes_q : 8'(PO);
    if (!busy_q) begin
      left_d = cmd_tdata[rvg_engine_pkg::REPEATS +: 16] == 16'd1 ? cmd_tdata[rvg_engine_pkg::OUT_LANES +: 8] : 8'(PO);
    end
  end

  always_ff @(posedge clk) begin
    if (cmd_tvalid && cmd_tready) begin
      busy_q         <= 1'b1;
      tile_stride2   <= cmd_tdata[rvg_engine_pkg::STRIDE2];
      tile_shift     <= cmd_tdata[rvg_engine_pkg::SHIFT +: rvg_pkg::SHIFT_W];
      tile_out_max   <= cmd_tdata[rvg_engine_pkg::OUT_MAX +: 8];
      tiles_x_last_q <= cmd_tdata[rvg_engine_pkg::TILES_X +: 8] - 1'b1;
      tiles_last_q   <= cmd_tdata[rvg_engine_pkg::TILES +: 8] - 1'b1;
      out_lanes_q    <= cmd_tdata[rvg_engine_pkg::OUT_LANES +: 8];
      repeats_q      <= cmd_tdata[rvg_engine_pkg::REPEATS +: 16];
      sets_q         <= cmd_tdata[rvg_engine_pkg::REPEATS +: 16] - 1'b1;
      last_set       <= cmd_tdata[rvg_engine_pkg::REPEATS +: 16] == 16'd1;
      one_set_q      <= cmd_tdata[rvg_engine_pkg::REPEATS +: 16] == 16'd1;
      groups_q       <= cmd_tdata[rvg_engine_pkg::GROUPS +: 16] - 1'b1;
    end
    // The next batch's channels are there when it begins: the store counts with them in that cycle.
    if (batch_end || cmd_tvalid && cmd_tready) begin
      left_q         <= left_d;
      last_batch     <= left_d <= 8'(LANES);
      batch_channels <= left_d <= 8'(LANES) ? LANES_W'(left_d) : LANES_W'(LANES);
    end

    if (row_valid) drain_row <= tile_end ? '0 : drain_row + 1'b1;
    if (tile_end) begin
      tile_q     <= tile_q + 1'b1;
      drain_slot <= drain_slot + 1'b1;
      tile_x_q   <= tile_x_q + 1'b1;
      tile_x     <= tile_x + (tile_stride2 ? 16'(M2) : 16'(M1));
      if (tile_x_q == tiles_x_last_q) begin
        tile_x_q <= '0;
        tile_x   <= '0;
        tile_y   <= tile_y + 1'b1;
      end
    end
    if (batch_end) begin
      tile_q      <= '0;
      tile_y      <= '0;
      drain_batch <= last_batch ? '0 : drain_batch + 1'b1;
      drain_slot  <= half_q ^ last_batch ? SLOT_W'(T_MAX) : '0;
    end
    if (set_end) begin
      half_q <= !half_q;
      last_set <= next_is_last;
      sets_q   <= (last_set ? repeats_q : sets_q) - 1'b1;
      if (last_set) groups_q <= groups_q - 1'b1;
    end
    if (strip_end) busy_q <= 1'b0;

    pending_q <= pending_q + 2'(sums_done) - 2'(set_end);
    half_free <= set_end;

    if (rst) begin
      busy_q      <= 1'b0;
      half_q      <= 1'b0;
      half_free   <= 1'b0;
      pending_q   <= '0;
      tile_q      <= '0;
      tile_x_q    <= '0;
      tile_x      <= '0;
      tile_y      <= '0;
      drain_row   <= '0;
      drain_batch <= '0;
      drain_slot  <= '0;
    end
  end

  // ---- bias and multiplier of the batch's channels
  always_comb begin
    tile_affine = affine_tdata[LANES*AFFINE_W-1:0];
    for (int b = 1; b < BATCHES; b++) begin
      if (drain_batch == BATCH_W'(b)) tile_affine = affine_tdata[LANES*AFFINE_W*b +: LANES*AFFINE_W];
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_drain: more sets are complete than the array has halves")) u_assert_pending (
    .clk, .rst, .holds(!sums_done || pending_q < 2'd2 || set_end)
  );
  rvg_assert #(.TEXT("rvg_engine_drain: a batch paused")) u_assert_pause (
    .clk, .rst, .holds(batch_begin || row_valid)
  );
`endif

endmodule

`default_nettype wire
