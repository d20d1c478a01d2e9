// SPDX-License-Identifier: Apache-2.0
// rvg_tile_to_raster: columns of output tiles -> raster stream, channels innermost.
//
// In     : beats of IN_LANES channels x M pixels, one column of a tile, top pixel low; the order is tile rows, tiles
//          left to right, channels, columns of the tile. Valid only: room is reserved by sets of SET_CHANNELS
//          channels of one tile. `start_ok` says that there is room for one more set, `start` that it is taken.
// Out    : OUT_LANES channels per beat, raster order, HEIGHT x WIDTH pixels per frame; what the last tiles have
//          beyond the right and the lower edge is dropped.
// Memory : BUFFERS tile rows, each WIDTH x CHANNELS x M pixels. One is read, whole, while the next ones are computed:
//          with three, neither side waits where tile rows of unequal heights leave (the last one may be short).
// Rate   : one beat per cycle on either side.  Latency: one tile row.

`default_nettype none

module rvg_tile_to_raster #(
  parameter int M            = 2,
  parameter int HEIGHT       = 4,  // of the map that leaves
  parameter int WIDTH        = 4,
  parameter int CHANNELS     = 4,
  parameter int SET_CHANNELS = 1,
  parameter int IN_LANES     = 1,
  parameter int OUT_LANES    = 1,
  parameter int BUFFERS      = 3,
  parameter int Y_W          = 8
) (
  input  wire logic                      clk,
  input  wire logic                      rst,

  output      logic                      start_ok,
  input  wire logic                      start,

  input  wire logic                      in_valid,
  input  wire logic [IN_LANES*M*Y_W-1:0] in_data,

  output      logic [OUT_LANES*Y_W-1:0]  m_axis_tdata,
  output      logic                      m_axis_tvalid,
  input  wire logic                      m_axis_tready
);

  localparam int TILES_Y   = (HEIGHT + M - 1) / M;
  localparam int TILES_X   = (WIDTH + M - 1) / M;
  localparam int SETS      = TILES_X * (CHANNELS / SET_CHANNELS);  // per tile row
  localparam int SLOTS     = OUT_LANES / IN_LANES;
  localparam int BEATS     = CHANNELS / OUT_LANES;                 // per pixel
  localparam int ROW_BEATS = WIDTH * BEATS;
  localparam int LAST_ROWS = HEIGHT - (TILES_Y - 1) * M;           // rows of the last tile row

  localparam int SET_W   = SETS > 1 ? $clog2(SETS) : 1;
  localparam int SLOT_W  = SLOTS > 1 ? $clog2(SLOTS) : 1;
  localparam int BEAT_W  = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int COL_W   = $clog2(TILES_X * M + 1);
  localparam int PIX_W   = $clog2(M);
  localparam int TILE_W  = TILES_Y > 1 ? $clog2(TILES_Y) : 1;
  localparam int COUNT_W = $clog2(BUFFERS + 1);
  localparam int ADDR_W  = $clog2(BUFFERS * ROW_BEATS);
  localparam logic [ADDR_W-1:0] LAST_BASE = ADDR_W'((BUFFERS - 1) * ROW_BEATS);

  if (HEIGHT < 1 || WIDTH < 1 || CHANNELS < 1 || SET_CHANNELS < 1 || IN_LANES < 1 || OUT_LANES < 1 || Y_W < 1
  ) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (M < 2 || BUFFERS < 2) begin : g_check_buffers
    rvg_error_needs_two_buffers_of_tiles_of_two u_error ();
  end
  if (CHANNELS % SET_CHANNELS != 0 || SET_CHANNELS % IN_LANES != 0) begin : g_check_sets
    rvg_error_sets_must_divide_channels_and_lanes_sets u_error ();
  end
  if (SLOTS * IN_LANES != OUT_LANES || BEATS * OUT_LANES != CHANNELS) begin : g_check_lanes
    rvg_error_in_lanes_must_divide_out_lanes_and_those_channels u_error ();
  end

  // ---- reservation: a tile row's buffer is taken by the first of its sets
  logic [COUNT_W-1:0] free_q, free_d;  // buffers
  logic [SET_W-1:0]   set_q, set_d;
  logic               released;

  assign free_d = free_q - COUNT_W'(start && set_q == '0) + COUNT_W'(released);
  assign set_d  = !start ? set_q : set_q == SET_W'(SETS - 1) ? '0 : set_q + 1'b1;

  always_ff @(posedge clk) begin
    free_q   <= free_d;
    set_q    <= set_d;
    start_ok <= set_d != '0 || free_d != '0;
    if (rst) begin
      free_q   <= COUNT_W'(BUFFERS);
      set_q    <= '0;
      start_ok <= 1'b0;
    end
  end

  // ---- write side
  logic [ADDR_W-1:0] wr_base_q, next_base;  // first address of the buffer, and of the one after it
  logic [COL_W-1:0]  tile_x_q;              // first column of the tile
  logic [PIX_W-1:0]  tile_col_q;
  logic [BEAT_W-1:0] wr_beat_q;
  logic [SLOT_W-1:0] slot_q;
  logic [COL_W-1:0]  wr_col;
  logic              col_last, slot_last, beat_last, tile_last, row_written;

  assign wr_col      = tile_x_q + COL_W'(tile_col_q);
  assign col_last    = tile_col_q == PIX_W'(M - 1);
  assign slot_last   = slot_q == SLOT_W'(SLOTS - 1);
  assign beat_last   = wr_beat_q == BEAT_W'(BEATS - 1);
  assign tile_last   = tile_x_q == COL_W'((TILES_X - 1) * M);
  assign row_written = in_valid && col_last && slot_last && beat_last && tile_last;

  always_ff @(posedge clk) begin
    if (in_valid) begin
      tile_col_q <= col_last ? '0 : tile_col_q + 1'b1;
      if (col_last) slot_q <= slot_last ? '0 : slot_q + 1'b1;
      if (col_last && slot_last) wr_beat_q <= beat_last ? '0 : wr_beat_q + 1'b1;
      if (col_last && slot_last && beat_last) tile_x_q <= tile_last ? '0 : tile_x_q + COL_W'(M);
      if (row_written) wr_base_q <= next_base;
    end
    if (rst) begin
      tile_col_q <= '0;
      slot_q     <= '0;
      wr_beat_q  <= '0;
      tile_x_q   <= '0;
      wr_base_q  <= '0;
    end
  end

  // The beat's place goes on by steps, so that nothing multiplies. Beyond the right edge, where nothing is written, it
  // may leave its buffer.
  localparam logic [ADDR_W-1:0] COL_STEP = ADDR_W'(BEATS);
  localparam logic [ADDR_W-1:0] COL_BACK = ADDR_W'((M - 1) * BEATS);

  logic [ADDR_W-1:0]         wr_place_q;
  logic [ADDR_W-1:0]         wr_addr_q;
  logic [SLOTS-1:0]          wr_en_q;
  logic [IN_LANES*M*Y_W-1:0] wr_data_q;
  logic                      row_written_q;

  assign next_base = wr_base_q == LAST_BASE ? '0 : wr_base_q + ADDR_W'(ROW_BEATS);

  always_ff @(posedge clk) begin
    if (in_valid) begin
      if (!col_last)       wr_place_q <= wr_place_q + COL_STEP;
      else if (!slot_last) wr_place_q <= wr_place_q - COL_BACK;
      else if (!beat_last) wr_place_q <= wr_place_q - COL_BACK + 1'b1;
      else if (!tile_last) wr_place_q <= wr_place_q + 1'b1;  // M columns on, from the last word to word 0
      else                 wr_place_q <= next_base;
    end
    wr_addr_q <= wr_place_q;
    wr_data_q <= in_data;
    for (int s = 0; s < SLOTS; s++) begin
      wr_en_q[s] <= in_valid && wr_col < COL_W'(WIDTH) && slot_q == SLOT_W'(s);
    end
    row_written_q <= row_written;
    if (rst) begin
      wr_place_q    <= '0;
      wr_en_q       <= '0;
      row_written_q <= 1'b0;
    end
  end

  // ---- read side: the stored tile row is passed once for each of its pixel rows
  logic [COUNT_W-1:0]          full_q;  // buffers
  logic [ADDR_W-1:0]           rd_base_q;
  logic [ADDR_W-1:0]           rd_beat_q;
  logic [PIX_W-1:0]            rd_row_q;
  logic [TILE_W-1:0]           tile_y_q;
  logic                        enable, pop, beats_done, rows_done;

  // On its way out a word is in the memory's read data first, and then in a register that a block RAM has itself.
  logic [OUT_LANES*M*Y_W-1:0]  rd_data, word_q;
  logic [PIX_W-1:0]            row_of_data_q, row_of_word_q;
  logic                        data_valid_q;

  assign enable     = !m_axis_tvalid || m_axis_tready;
  assign pop        = enable && full_q != '0;
  assign beats_done = rd_beat_q == ADDR_W'(ROW_BEATS - 1);
  assign rows_done  = rd_row_q == (tile_y_q == TILE_W'(TILES_Y - 1) ? PIX_W'(LAST_ROWS - 1) : PIX_W'(M - 1));
  assign released   = pop && beats_done && rows_done;

  always_ff @(posedge clk) begin
    full_q <= full_q + COUNT_W'(row_written_q) - COUNT_W'(released);
    if (enable) begin
      data_valid_q  <= full_q != '0;
      row_of_data_q <= rd_row_q;
      m_axis_tvalid <= data_valid_q;
      row_of_word_q <= row_of_data_q;
      word_q        <= rd_data;
    end
    if (pop) begin
      rd_beat_q <= beats_done ? '0 : rd_beat_q + 1'b1;
      if (beats_done) rd_row_q <= rows_done ? '0 : rd_row_q + 1'b1;
    end
    if (released) begin
      rd_base_q <= rd_base_q == LAST_BASE ? '0 : rd_base_q + ADDR_W'(ROW_BEATS);
      tile_y_q  <= tile_y_q == TILE_W'(TILES_Y - 1) ? '0 : tile_y_q + 1'b1;
    end
    if (rst) begin
      full_q        <= '0;
      data_valid_q  <= 1'b0;
      m_axis_tvalid <= 1'b0;
      rd_base_q     <= '0;
      rd_beat_q     <= '0;
      rd_row_q      <= '0;
      tile_y_q      <= '0;
    end
  end

  for (genvar s = 0; s < SLOTS; s++) begin : g_slot
    rvg_ram_1r1w #(.WIDTH(IN_LANES*M*Y_W), .DEPTH(BUFFERS*ROW_BEATS)) u_ram (
      .clk,
      .wr_en(wr_en_q[s]), .wr_addr(wr_addr_q), .wr_data(wr_data_q),
      .rd_en(pop), .rd_addr(rd_base_q + rd_beat_q),
      .rd_data(rd_data[IN_LANES*M*Y_W*s +: IN_LANES*M*Y_W])
    );
  end

  for (genvar l = 0; l < OUT_LANES; l++) begin : g_lane
    assign m_axis_tdata[Y_W*l +: Y_W] = word_q[Y_W*(M*l + 32'(row_of_word_q)) +: Y_W];
  end

`ifdef RVG_ASSERT
  localparam int SET_BEATS = SET_CHANNELS / IN_LANES * M;
  localparam int OWED_W    = $clog2(BUFFERS * SETS * SET_BEATS + 1);
  logic [OWED_W-1:0] owed_q;  // beats reserved and not yet written
  logic [31:0]       kept_q;  // buffers reserved and not yet read

  always_ff @(posedge clk) begin
    owed_q <= owed_q + (start ? OWED_W'(SET_BEATS) : '0) - OWED_W'(in_valid);
    kept_q <= kept_q + 32'(start && set_q == '0) - 32'(released);
    if (rst) begin
      owed_q <= '0;
      kept_q <= '0;
    end
  end

  rvg_assert #(.TEXT("rvg_tile_to_raster: a set began without room")) u_assert_start (
    .clk, .rst, .holds(!start || start_ok)
  );
  rvg_assert #(.TEXT("rvg_tile_to_raster: a beat was written that nothing was reserved for")) u_assert_owed (
    .clk, .rst, .holds(!in_valid || owed_q != '0 || start)
  );
  rvg_assert #(.TEXT("rvg_tile_to_raster: more buffers are free or kept than there are")) u_assert_free (
    .clk, .rst, .holds(32'(free_q) + kept_q <= BUFFERS)
  );
  rvg_assert #(.TEXT("rvg_tile_to_raster: a tile row was written over one that is kept")) u_assert_full (
    .clk, .rst, .holds(!row_written_q || full_q < COUNT_W'(BUFFERS))
  );
  rvg_assert_stream #(
    .TEXT("rvg_tile_to_raster: a beat did not stay until it was taken"), .WIDTH(OUT_LANES*Y_W)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
