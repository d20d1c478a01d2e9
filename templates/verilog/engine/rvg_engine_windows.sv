// SPDX-License-Identifier: Apache-2.0
// rvg_engine_windows: walks over the columns of the windows of all sets of rows, in passes of N cycles.
//
//   for each set: for tx < tiles_x: for c < N:   column x_first + tx*STEP + c,   STEP = N - 2, at stride 2 N - 1
//
// Golden : repvgg_hw/winograd/golden.py, cut_tiles(); the fields are those of repvgg_hw/plan/engine/instruction.py
// In     : for each set {stride2, is_signed, first of a strip, first row missing, rows missing below, tiles_x, x_first, x_limit,
//          line_beats}; `rows_written` pulses when the next set stands in the banks.
// Out    : places to read from the banks, and beside them what the transform has to know of the pass. A pass brings a
//          window, or nothing: one such follows a window behind which no other is there, to bring it to its end.
// Halves : strips alternate between two halves of the data memory, from 0 on; the first window of a strip waits until its half
//          is free. `freed`: a set's columns are read, its beats may be overwritten.
// Rate   : N cycles for a window, from set to set as well.  Latency: 1 cycle.

`default_nettype none

module rvg_engine_windows #(
  parameter int N          = 5,
  parameter int T_MAX      = 16,
  parameter int LINE_DEPTH = 64,
  parameter int BD         = 8,
  parameter int SETS       = 32,  // at most so many are in the banks
  localparam int ROW_W     = $clog2(N + 1),
  localparam int LINE_W    = $clog2(LINE_DEPTH + 1),
  localparam int PTR_W     = $clog2(LINE_DEPTH),
  localparam int BYTE_W    = $clog2(BD),
  localparam int TILE_W    = $clog2(T_MAX + 1),
  localparam int SET_W     = 4 + ROW_W + TILE_W + 32 + LINE_W
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [SET_W-1:0]  s_set_tdata,
  input  wire logic              s_set_tvalid,
  output      logic              s_set_tready,
  input  wire logic              rows_written,
  input  wire logic [1:0]        release_half,
  output      logic              freed,
  output      logic [LINE_W-1:0] freed_beats,

  output      logic [PTR_W-1:0]  rd_addr,
  output      logic [BYTE_W-1:0] rd_byte,
  output      logic [N-1:0]      rd_inside,
  output      logic              rd_signed,
  output      logic              pass_step,    // a cycle of a pass
  output      logic              pass_first,   // the first of it
  output      logic              pass_window,  // the pass brings a window
  output      logic              pass_stride2,
  output      logic              pass_half
);

  localparam int STEP_W  = $clog2(N);
  localparam int COUNT_W = $clog2(SETS + 1);
  localparam int X_W     = 16;

  if (T_MAX < 1 || LINE_DEPTH < 1 || BD < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (N < 3 || N > 9 || N % 2 == 0) begin : g_check_size
    rvg_error_n_must_be_3_5_7_or_9 u_error ();
  end

  // ---- the next set, and the one in work
  logic               next_stride2, next_signed, next_strip, next_skip;
  logic [ROW_W-1:0]   next_below;
  logic [TILE_W-1:0]  next_tiles;
  logic [X_W-1:0]     next_x, next_limit;
  logic [LINE_W-1:0]  next_beats;

  logic               stride2_q, signed_q;
  logic [N-1:0]       rows_q;                // that are in the map
  logic [TILE_W-1:0]  left_q;                // windows, behind the one in work
  logic [X_W-1:0]     limit_q;
  logic [LINE_W-1:0]  beats_q;
  logic [PTR_W-1:0]   base_q;
  logic               half_q;
  logic [1:0]         half_busy_q;
  logic [COUNT_W-1:0] ready_q;               // sets that stand in the banks, without the one in work

  assign {next_stride2, next_signed, next_strip, next_skip, next_below, next_tiles, next_x, next_limit, next_beats} = s_set_tdata;

  // ---- passes
  logic               active_q, window_q;
  logic [STEP_W-1:0]  step_q;
  logic [X_W-1:0]     x_q;                   // signed
  logic               last, boundary, same_set, new_set, start;
  logic               half_d;

  assign last         = step_q == STEP_W'(N - 1);
  assign boundary     = !active_q || last;
  assign same_set     = boundary && left_q != '0;
  assign half_d       = half_q ^ next_strip;
  assign new_set      = boundary && left_q == '0 && s_set_tvalid && ready_q != '0
                        && (!next_strip || !half_busy_q[half_d]);
  assign start        = same_set || new_set;
  assign s_set_tready = new_set;
  assign freed        = active_q && window_q && last && left_q == '0;
  assign freed_beats  = beats_q;

  always_ff @(posedge clk) begin
    if (boundary) begin
      active_q <= start || active_q && window_q;  // behind a window, a pass that brings it to its end
      window_q <= start;
      step_q   <= '0;
    end else begin
      step_q   <= step_q + 1'b1;
    end

    if (active_q) x_q <= last ? x_q - X_W'(!stride2_q) : x_q + 1'b1;  // windows overlap by 2, at stride 2 by 1
    if (same_set) left_q <= left_q - 1'b1;
    if (new_set) begin
      stride2_q <= next_stride2;
      signed_q  <= next_signed;
      left_q    <= next_tiles - 1'b1;
      x_q       <= next_x;
      limit_q   <= next_limit;
      beats_q   <= next_beats;
      base_q    <= base_q + PTR_W'(beats_q);
      half_q    <= half_d;
      for (int r = 0; r < N; r++) rows_q[r] <= !(r == 0 && next_skip) && r < N - int'(next_below);
    end
    ready_q <= ready_q + COUNT_W'(rows_written) - COUNT_W'(new_set);
    for (int h = 0; h < 2; h++) begin
      if (new_set && next_strip && half_d == (h == 1)) half_busy_q[h] <= 1'b1;
      else if (release_half[h]) half_busy_q[h] <= 1'b0;
    end

    if (rst) begin
      active_q    <= 1'b0;
      window_q    <= 1'b0;
      left_q      <= '0;
      ready_q     <= '0;
      base_q      <= '0;
      beats_q     <= '0;
      half_q      <= 1'b1;
      half_busy_q <= 2'b00;
    end
  end

  // ---- where the column stands
  always_ff @(posedge clk) begin
    rd_addr      <= base_q + PTR_W'(x_q[X_W-1:BYTE_W]);
    rd_byte      <= x_q[BYTE_W-1:0];
    rd_inside    <= !x_q[X_W-1] && x_q < limit_q ? rows_q : '0;
    rd_signed    <= signed_q;
    pass_step    <= active_q;
    pass_first   <= step_q == '0;
    pass_window  <= window_q;
    pass_stride2 <= stride2_q;
    pass_half    <= half_q;
    if (rst) pass_step <= 1'b0;
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_windows: a half was given back that was not taken")) u_assert_half (
    .clk, .rst, .holds((release_half & ~half_busy_q) == '0)
  );
  rvg_assert #(.TEXT("rvg_engine_windows: a set stands in the banks of which nothing is known")) u_assert_sets (
    .clk, .rst, .holds(ready_q == '0 || s_set_tvalid)
  );
`endif

endmodule

`default_nettype wire
