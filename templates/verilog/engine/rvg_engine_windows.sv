// SPDX-License-Identifier: Apache-2.0
// rvg_engine_windows: walks over the columns of the windows of all sets of rows, in passes of N cycles.
//
//   for each set: for tx < tiles_x: for c < N:   column x_first + tx*STEP + c,   STEP = N - 2, at stride 2 N - 1
//
// Golden : repvgg_hw/winograd/golden.py, cut_tiles(); the fields are those of repvgg_hw/plan/engine/instruction.py
// In     : for each set {stride2, is_signed, first row missing, rows missing below, tiles_x, x_first, x_limit,
//          line_beats}; `rows_written` pulses when the next set stands in the banks.
// Out    : places to read from the banks, and beside them what the transform has to know of the pass. A pass brings a
//          window, or nothing: one such follows a window behind which no other is there, to bring it to its end.
// Room   : a window begins when the data memory, WORD_DEPTH words, has room for its word beside those on the way; `released`
//          gives a word back. `freed`: a set's columns are read, its beats may be overwritten.
// Rate   : N cycles for a window, from set to set as well.  Latency: 1 cycle.

`default_nettype none

module rvg_engine_windows #(
  parameter int N          = 5,
  parameter int T_MAX      = 16,
  parameter int WORD_DEPTH = 1024,
  parameter int LINE_DEPTH = 64,
  parameter int BD         = 8,
  parameter int SETS       = 32,  // at most so many are in the banks
  localparam int ROW_W     = $clog2(N + 1),
  localparam int LINE_W    = $clog2(LINE_DEPTH + 1),
  localparam int PTR_W     = $clog2(LINE_DEPTH),
  localparam int BYTE_W    = $clog2(BD),
  localparam int TILE_W    = $clog2(T_MAX + 1),
  localparam int SET_W     = 3 + ROW_W + TILE_W + 32 + LINE_W
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [SET_W-1:0]  s_set_tdata,
  input  wire logic              s_set_tvalid,
  output      logic              s_set_tready,
  input  wire logic              rows_written,
  input  wire logic              released,
  output      logic              freed,
  output      logic [LINE_W-1:0] freed_beats,

  output      logic [PTR_W-1:0]  rd_addr,
  output      logic [BYTE_W-1:0] rd_byte,
  output      logic [N-1:0]      rd_inside,
  output      logic              rd_signed,
  output      logic              pass_step,    // a cycle of a pass
  output      logic              pass_first,   // the first of it
  output      logic              pass_window,  // the pass brings a window
  output      logic              pass_stride2
);

  localparam int STEP_W  = $clog2(N);
  localparam int COUNT_W = $clog2(SETS + 1);
  localparam int ROOM_W  = $clog2(WORD_DEPTH + 1);
  localparam int X_W     = 16;

  if (T_MAX < 1 || WORD_DEPTH < 1 || LINE_DEPTH < 1 || BD < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (N < 3 || N > 9 || N % 2 == 0) begin : g_check_size
    rvg_error_n_must_be_3_5_7_or_9 u_error ();
  end

  // ---- the next set, and the one in work
  logic               next_stride2, next_signed, next_skip;
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
  logic [ROOM_W-1:0]  room_q;                // words of the data memory that no window has
  logic [COUNT_W-1:0] ready_q;               // sets that stand in the banks, without the one in work

  assign {next_stride2, next_signed, next_skip, next_below, next_tiles, next_x, next_limit, next_beats} = s_set_tdata;

  // ---- passes
  logic               active_q, window_q;
  logic [STEP_W-1:0]  step_q;
  logic [X_W-1:0]     x_q;                   // signed
  logic               last;                  // step_q is N - 1; a register beside it
  logic               boundary, same_set, new_set, start;

  assign boundary     = !active_q || last;
  assign same_set     = boundary && room_q != '0 && left_q != '0;
  assign new_set      = boundary && room_q != '0 && left_q == '0 && s_set_tvalid && ready_q != '0;
  assign start        = same_set || new_set;
  assign s_set_tready = new_set;
  assign freed        = active_q && window_q && last && left_q == '0;
  assign freed_beats  = beats_q;

  always_ff @(posedge clk) begin
    if (boundary) begin
      active_q <= start || active_q && window_q;  // behind a window, a pass that brings it to its end
      window_q <= start;
      step_q   <= '0;
      last     <= 1'b0;
    end else begin
      step_q   <= step_q + 1'b1;
      last     <= step_q == STEP_W'(N - 2);
    end

    if (active_q && window_q) x_q <= last ? x_q - X_W'(!stride2_q) : x_q + 1'b1;  // windows overlap by 2, at stride 2 by 1
    if (same_set) left_q <= left_q - 1'b1;
    if (new_set) begin
      stride2_q <= next_stride2;
      signed_q  <= next_signed;
      left_q    <= next_tiles - 1'b1;
      x_q       <= next_x;
      limit_q   <= next_limit;
      beats_q   <= next_beats;
      base_q    <= base_q + PTR_W'(beats_q);
      for (int r = 0; r < N; r++) rows_q[r] <= !(r == 0 && next_skip) && r < N - int'(next_below);
    end
    ready_q <= ready_q + COUNT_W'(rows_written) - COUNT_W'(new_set);
    room_q  <= room_q + ROOM_W'(released) - ROOM_W'(start);

    if (rst) begin
      active_q    <= 1'b0;
      last        <= 1'b0;
      window_q    <= 1'b0;
      left_q      <= '0;
      ready_q     <= '0;
      base_q      <= '0;
      beats_q     <= '0;
      room_q      <= ROOM_W'(WORD_DEPTH);
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
    if (rst) pass_step <= 1'b0;
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_windows: a word was given back that was not taken")) u_assert_room (
    .clk, .rst, .holds(!released || room_q != ROOM_W'(WORD_DEPTH))
  );
  rvg_assert #(.TEXT("rvg_engine_windows: a set stands in the banks of which nothing is known")) u_assert_sets (
    .clk, .rst, .holds(ready_q == '0 || s_set_tvalid)
  );
`endif

endmodule

`default_nettype wire
