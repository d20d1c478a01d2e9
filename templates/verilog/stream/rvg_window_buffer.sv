// SPDX-License-Identifier: Apache-2.0
// rvg_window_buffer: raster stream -> windows of KERNEL x KERNEL pixels, zero padding 1 made here.
//
//   window(ty, tx)[ky, kx] = map[ty*STEP + ky - 1, tx*STEP + kx - 1], 0 outside the map
//
// Golden : repvgg_hw/golden.py, conv3x3() (its padded views)
// In     : beats of BEAT_W bits, WORDS beats per pixel, raster order, HEIGHT x WIDTH pixels per frame.
// Out    : for ty < TILES_Y, tx < TILES_X, word < WORDS: the window of that word,
//          pixel (ky, kx) at bits BEAT_W * (ky*KERNEL + kx).
// Rate   : READ_ROWS pixels of a column of the window per cycle, so that a column takes KERNEL / READ_ROWS cycles.
//          With WORDS = 1 the window slides: STEP columns per window. Else each window is read anew: KERNEL
//          columns. Frames follow each other without a gap.
// Memory : a ring of KERNEL + STEP rows: KERNEL are read while STEP are written. Rows are handed
//          over whole, so neither side ever waits for the other inside a row. Columns that are read at once
//          take a memory for each row; parts of them READ_ROWS memories and as many rows of multiplexers less.
// Not here: reuse of a window for several output channels (rvg_replay.sv).

`default_nettype none

module rvg_window_buffer #(
  parameter int BEAT_W    = 8,
  parameter int WORDS     = 1,
  parameter int HEIGHT    = 8,
  parameter int WIDTH     = 8,
  parameter int KERNEL    = 3,
  parameter int STEP      = 1,
  parameter int TILES_Y   = 8,
  parameter int TILES_X   = 8,
  parameter int READ_ROWS = KERNEL
) (
  input  wire logic                            clk,
  input  wire logic                            rst,

  input  wire logic [BEAT_W-1:0]               s_axis_tdata,
  input  wire logic                            s_axis_tvalid,
  output      logic                            s_axis_tready,

  output      logic [BEAT_W*KERNEL*KERNEL-1:0] m_axis_tdata,
  output      logic                            m_axis_tvalid,
  input  wire logic                            m_axis_tready
);

  localparam int BANKS     = KERNEL + STEP;
  localparam int ROW_BEATS = WIDTH * WORDS;
  localparam int BANK_W    = $clog2(BANKS + 1);
  localparam int ADDR_W    = ROW_BEATS > 1 ? $clog2(ROW_BEATS) : 1;
  localparam int ROW_W     = $clog2(HEIGHT + KERNEL + STEP + 1);
  localparam int COL_W     = $clog2(WIDTH + KERNEL + STEP + 1);
  localparam int WORD_W    = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int TILE_W    = TILES_X > 1 ? $clog2(TILES_X) : 1;
  localparam int PHASE_W   = $clog2(KERNEL);
  localparam bit SLIDE     = WORDS == 1;
  localparam int MORE_ROWS = KERNEL - 1 > HEIGHT ? HEIGHT : KERNEL - 1;  // in the map, of a frame's first windows
  localparam int PARTS     = READ_ROWS < 1 || READ_ROWS > KERNEL ? 1 : KERNEL / READ_ROWS;  // of a column, one per cycle
  localparam int LANES     = PARTS == 1 ? BANKS : READ_ROWS;  // memories, and rows in each: rvg_window_rows.sv
  localparam int SLOTS     = (BANKS + LANES - 1) / LANES;
  localparam int LANE_W    = LANES > 1 ? $clog2(LANES) : 1;
  localparam int SLOT_W    = SLOTS > 1 ? $clog2(SLOTS) : 1;
  localparam int LAST_TOP  = (TILES_Y - 1) * STEP;

  if (BEAT_W < 1 || WORDS < 1 || HEIGHT < 1 || WIDTH < 1 || STEP < 1 || TILES_Y < 1 || TILES_X < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (KERNEL < 3) begin : g_check_kernel
    rvg_error_kernel_below_3 u_error ();
  end
  if (READ_ROWS < 1 || PARTS * READ_ROWS != KERNEL) begin : g_check_read_rows
    rvg_error_read_rows_must_divide_kernel u_error ();
  end
  if (STEP >= KERNEL) begin : g_check_step
    rvg_error_step_must_be_smaller_than_kernel u_error ();
  end
  if ((TILES_Y-1)*STEP + KERNEL < HEIGHT + 1 || (TILES_Y-1)*STEP > HEIGHT) begin : g_check_tiles_y
    rvg_error_tiles_y_does_not_cover_height u_error ();
  end
  if ((TILES_X-1)*STEP + KERNEL < WIDTH + 1 || (TILES_X-1)*STEP > WIDTH) begin : g_check_tiles_x
    rvg_error_tiles_x_does_not_cover_width u_error ();
  end

  // ---- rows: a ring of banks, counted free on one side and ready on the other
  // Both are counted so that the sign alone, a register, says whether to go on: it is the beginning of long paths.
  logic signed [BANK_W:0] free_q;   // free banks - 1
  logic signed [BANK_W:0] lack_q;   // rows that the row of windows at hand needs - rows that are there - 1
  logic signed [BANK_W:0] release_q, advance_q;  // what the end of that row of windows frees, and adds to lack_q
  logic signed [BANK_W:0] asked_release_q;       // what the column that is asked for frees
  logic                   row_written, row_stored, row_done, enable;

  // Both sides' ends of a row come late in the cycle; the sums for them are there by then. A row is free when it has
  // been read, which is a cycle after its end was issued.
  always_ff @(posedge clk) begin
    free_q <= (row_written ? free_q - 1'b1 : free_q) + (enable ? asked_release_q : '0);
    lack_q <= row_done ? lack_q + (advance_q - (BANK_W+1)'(row_stored)) : lack_q - (BANK_W+1)'(row_stored);
    if (rst) begin
      free_q  <= (BANK_W+1)'(BANKS - 1);
      lack_q <= (BANK_W+1)'(MORE_ROWS - 1);
    end
  end

  logic push;

  assign s_axis_tready = !free_q[BANK_W];
  assign push          = s_axis_tvalid && s_axis_tready;

  // ---- read side, stage a: which part of which column of which rows
  logic [ROW_W-1:0]         top_q;        // ty * STEP: the window's first row is top_q - 1
  logic [LANE_W-1:0]        base_lane_q;  // where the window's first row is, or would be
  logic [SLOT_W-1:0]        base_slot_q, slot_q;  // and that of the part's rows
  logic [ROW_W-1:0]         row_q;        // the part's first row + 1
  logic [PARTS-1:0]         part_q;       // one bit each
  logic [COL_W-1:0]         col_q;        // column + 1, so that the left padding is 0
  logic signed [ADDR_W+1:0] addr_q;
  logic [WORD_W-1:0]        word_q;
  logic [TILE_W-1:0]        tile_q;
  logic [PHASE_W-1:0]       phase_q;      // columns missing in the window
  logic                     complete_q, last_word_q, last_tile_q;  // phase_q, word_q and tile_q are at their last value

  // How many rows are needed, and released at its end, is a matter of adders and comparisons: they are registers, which
  // follow top_q one and two cycles later. A row of windows takes at least three: its end finds them right.
  // (Assignments, not functions: of a function Verilator makes code for each layer.)
  logic [ROW_W-1:0]  next_top, next_first;
  logic [ROW_W-1:0]  first_row, next_first_row, next_end_row;  // in the map, of the windows at top_q and at next_top
  logic [LANE_W:0]   next_lane;
  logic [SLOT_W:0]   next_slot;
  logic [LANE_W-1:0] next_lane_q;
  logic [SLOT_W-1:0] next_slot_q;
  logic [BANK_W-1:0] more_q, next_more_q;  // rows of this row of windows, of the next, without their first
  logic              issue, column_end, row_end, last_row, next_wraps;

  assign last_row     = top_q == ROW_W'(LAST_TOP);
  assign next_top     = last_row ? '0 : top_q + ROW_W'(STEP);
  assign first_row    = top_q == '0 ? '0 : top_q - 1'b1;
  assign next_first   = last_row ? ROW_W'(HEIGHT) : top_q + ROW_W'(STEP - 1);
  assign issue        = lack_q[BANK_W] && enable;
  assign column_end   = part_q[PARTS-1];
  assign row_end      = column_end && complete_q && last_word_q && last_tile_q;
  assign row_done     = issue && row_end;
  // Of the next windows' first row: the padding above the next frame lies where this frame's last row does.
  assign next_lane    = (LANE_W+1)'(base_lane_q) + (last_row ? (LANE_W+1)'((HEIGHT - LAST_TOP) % LANES) : (LANE_W+1)'(STEP % LANES));
  assign next_wraps   = next_lane >= (LANE_W+1)'(LANES);
  assign next_slot    = (SLOT_W+1)'(base_slot_q) + (SLOT_W+1)'(next_wraps)
                      + (last_row ? (SLOT_W+1)'((HEIGHT - LAST_TOP) / LANES) : (SLOT_W+1)'(STEP / LANES));

  assign next_first_row = next_top == '0 ? '0 : next_top - 1'b1;
  assign next_end_row   = next_top + ROW_W'(KERNEL - 1) > ROW_W'(HEIGHT) ? ROW_W'(HEIGHT) : next_top + ROW_W'(KERNEL - 1);

  always_ff @(posedge clk) begin
    release_q   <= (BANK_W+1)'(next_first - first_row);
    advance_q   <= release_q + $signed((BANK_W+1)'(next_more_q)) - $signed((BANK_W+1)'(more_q));
    next_more_q <= BANK_W'(next_end_row - next_first_row - 1'b1);
    next_lane_q <= LANE_W'(next_wraps ? next_lane - (LANE_W+1)'(LANES) : next_lane);
    next_slot_q <= SLOT_W'(next_slot >= (SLOT_W+1)'(SLOTS) ? next_slot - (SLOT_W+1)'(SLOTS) : next_slot);
    if (issue) begin
      part_q <= part_q << 1 | PARTS'(column_end);
      row_q  <= column_end ? top_q : row_q + ROW_W'(READ_ROWS);
      slot_q <= column_end ? base_slot_q : slot_q == SLOT_W'(SLOTS - 1) ? '0 : slot_q + 1'b1;
    end
    if (issue && column_end) begin
      phase_q    <= complete_q ? PHASE_W'(SLIDE ? STEP - 1 : KERNEL - 1) : phase_q - 1'b1;
      complete_q <= complete_q ? SLIDE && STEP == 1 : phase_q == PHASE_W'(1);
      if (SLIDE || !complete_q) begin
        col_q  <= col_q + 1'b1;
        addr_q <= addr_q + (ADDR_W+2)'(WORDS);
      end else if (!last_word_q) begin  // the same window of the next word
        col_q  <= col_q - COL_W'(KERNEL - 1);
        addr_q <= addr_q - (ADDR_W+2)'((KERNEL - 1) * WORDS - 1);
      end else begin                  // the next window's first word
        col_q  <= col_q + COL_W'(STEP) - COL_W'(KERNEL - 1);
        addr_q <= addr_q + (ADDR_W+2)'(STEP * WORDS) - (ADDR_W+2)'(KERNEL * WORDS - 1);
      end
      if (complete_q) begin
        word_q      <= last_word_q ? '0 : word_q + 1'b1;
        last_word_q <= WORDS == 1 || (!last_word_q && word_q == WORD_W'(WORDS > 1 ? WORDS - 2 : 0));
        if (last_word_q) begin
          tile_q      <= tile_q + 1'b1;
          last_tile_q <= tile_q == TILE_W'(TILES_X > 1 ? TILES_X - 2 : 0);
        end
      end
      if (row_end) begin
        phase_q     <= PHASE_W'(KERNEL - 1);
        complete_q  <= 1'b0;
        col_q       <= '0;
        addr_q      <= (ADDR_W+2)'(-WORDS);
        tile_q      <= '0;
        last_tile_q <= TILES_X == 1;
        top_q       <= next_top;
        more_q      <= next_more_q;
        row_q       <= next_top;
        base_lane_q <= next_lane_q;
        base_slot_q <= next_slot_q;
        slot_q      <= next_slot_q;
      end
    end

    if (rst) begin
      phase_q     <= PHASE_W'(KERNEL - 1);
      col_q       <= '0;
      addr_q      <= (ADDR_W+2)'(-WORDS);
      complete_q  <= 1'b0;
      word_q      <= '0;
      last_word_q <= WORDS == 1;
      tile_q      <= '0;
      last_tile_q <= TILES_X == 1;
      top_q       <= '0;
      more_q      <= BANK_W'(MORE_ROWS - 1);
      part_q      <= PARTS'(1);
      row_q       <= '0;
      base_lane_q <= LANE_W'(LANES - 1);
      base_slot_q <= SLOT_W'(SLOTS - 1);
      slot_q      <= SLOT_W'(SLOTS - 1);
    end
  end

  // ---- stages b to d: the part that is asked for, at the memories' outputs, and in the registers behind
  logic [BEAT_W*READ_ROWS-1:0] part_data;
  logic [READ_ROWS-1:0]        asked_inside_q, inside_q, held_inside_q;
  logic [PARTS-1:0]            asked_part_q, column_part_q, held_part_q;
  logic                        asked_valid_q, column_valid_q, held_valid_q;
  logic                        asked_complete_q, column_complete_q, held_complete_q;

  for (genvar i = 0; i < READ_ROWS; i++) begin : g_inside
    logic [ROW_W-1:0] row;  // + 1

    assign row = (PARTS == 1 ? top_q : row_q) + ROW_W'(i);

    always_ff @(posedge clk) begin
      if (enable) asked_inside_q[i] <= row != '0 && row <= ROW_W'(HEIGHT) && col_q != '0 && col_q <= COL_W'(WIDTH);
    end
  end

  rvg_window_rows #(
    .BEAT_W(BEAT_W), .ROW_BEATS(ROW_BEATS), .LANES(LANES), .SLOTS(SLOTS), .READ_ROWS(READ_ROWS)
  ) u_rows (
    .clk, .rst, .push, .wr_data(s_axis_tdata), .row_written, .row_stored,
    .enable, .rd_valid(issue), .rd_addr(ADDR_W'(addr_q)), .rd_lane(base_lane_q), .rd_slot(PARTS == 1 ? base_slot_q : slot_q),
    .rd_data(part_data)
  );

  // ---- stage e: the window, one column further
  logic [BEAT_W*KERNEL*KERNEL-1:0] window_q;
  logic                            window_valid_q;

  assign enable        = !window_valid_q || m_axis_tready;
  assign m_axis_tdata  = window_q;
  assign m_axis_tvalid = window_valid_q;

  for (genvar ky = 0; ky < KERNEL; ky++) begin : g_shift
    logic [BEAT_W-1:0] pixel;

    assign pixel = held_inside_q[ky % READ_ROWS] ? part_data[BEAT_W*(ky % READ_ROWS) +: BEAT_W] : '0;

    always_ff @(posedge clk) begin
      if (enable && held_valid_q && held_part_q[ky / READ_ROWS]) begin
        window_q[BEAT_W*KERNEL*ky +: BEAT_W*KERNEL] <=
          {pixel, window_q[BEAT_W*(KERNEL*ky + 1) +: BEAT_W*(KERNEL-1)]};
      end
    end
  end

  // ---- from stage to stage, together
  always_ff @(posedge clk) begin
    if (enable) begin
      {asked_valid_q, asked_complete_q, asked_part_q} <= {issue, complete_q && column_end, part_q};
      asked_release_q <= row_done ? release_q : '0;
      {inside_q, held_inside_q} <= {asked_inside_q, inside_q};
      {column_valid_q, column_complete_q, column_part_q} <= {asked_valid_q, asked_complete_q, asked_part_q};
      {held_valid_q, held_complete_q, held_part_q} <= {column_valid_q, column_complete_q, column_part_q};
      window_valid_q <= held_valid_q && held_complete_q;
    end
    if (rst) begin
      {asked_valid_q, column_valid_q, held_valid_q, window_valid_q} <= '0;
      asked_release_q <= '0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_window_buffer: a row was written over one that is kept")) u_assert_write (
    .clk, .rst, .holds(!row_written || free_q >= 0)
  );
  rvg_assert #(.TEXT("rvg_window_buffer: more rows left than had come")) u_assert_release (
    .clk, .rst, .holds(32'(free_q) + 32'(asked_release_q) < BANKS)
  );
  rvg_assert #(.TEXT("rvg_window_buffer: more rows are counted than there are")) u_assert_rows (
    .clk, .rst, .holds(32'(free_q) + 32'(asked_release_q) - 32'(lack_q) + 32'(more_q) + 32'(row_stored) < BANKS)
  );
  rvg_assert_stream #(
    .TEXT("rvg_window_buffer: a beat did not stay until it was taken"), .WIDTH(BEAT_W*KERNEL*KERNEL)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
