// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store_banks: pixels of tiles, column by column, into rows that can be read a beat at a time.
//
//   pixel (row of tiles y, row i of the tile, column x) of lane l  ->  bank (l, i), byte x mod BD of the word at
//   slot * OUT_WORDS + y * line_beats + x div BD
//
// In     : columns of M1 pixels, top pixel low, lane by lane; rows of tiles in ascending order, columns in any. Columns
//          from `columns` on are dropped: they may lie beyond the line's last beat.
// Memory : LANES * M1 banks of SLOTS * OUT_WORDS beats. A batch fills a slot, slots go round; `complete` says that the
//          batch can be read.  Bytes of a line's last beat that no column fills are anything.
// Rate   : one column and one beat a cycle.  Latency: 2 cycles from a batch's last column to `complete`'s; 1 cycle from
//          rd_en to rd_data.

`default_nettype none

module rvg_engine_store_banks #(
  parameter int M1        = 3,
  parameter int LANES     = 1,
  parameter int BD        = 8,
  parameter int OUT_WORDS = 16,
  parameter int SLOTS     = 2,
  localparam int ADDR_W   = $clog2(SLOTS*OUT_WORDS),
  localparam int LANE_W   = LANES > 1 ? $clog2(LANES) : 1,
  localparam int ROW_W    = M1 > 1 ? $clog2(M1) : 1
) (
  input  wire logic                  clk,
  input  wire logic                  rst,

  input  wire logic                  px_valid,
  input  wire logic [LANES*M1*8-1:0] px_data,
  input  wire logic [15:0]           px_x,
  input  wire logic [7:0]            px_y,
  input  wire logic                  px_last,     // of the batch
  input  wire logic [15:0]           line_beats,
  input  wire logic [15:0]           columns,
  output      logic                  complete,

  input  wire logic                  rd_en,
  input  wire logic [ADDR_W-1:0]     rd_addr,
  input  wire logic [LANE_W-1:0]     rd_lane,
  input  wire logic [ROW_W-1:0]      rd_row,
  output      logic [8*BD-1:0]       rd_data
);

  localparam int BYTE_W = $clog2(BD);
  localparam logic [ADDR_W-1:0] LAST_BASE = ADDR_W'((SLOTS - 1) * OUT_WORDS);

  if (M1 < 1 || LANES < 1 || OUT_WORDS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (SLOTS < 2) begin : g_check_slots
    rvg_error_needs_two_slots u_error ();
  end
  if (BD < 2 || (1 << BYTE_W) != BD) begin : g_check_bytes
    rvg_error_bytes_of_a_beat_are_a_power_of_two u_error ();
  end

  // ---- where a column goes
  logic [7:0]        y_q;     // row of tiles of the column before
  logic [ADDR_W-1:0] line_q, line;
  logic [ADDR_W-1:0] base_q;  // of the slot

  assign line = px_y == y_q ? line_q : line_q + ADDR_W'(line_beats);

  always_ff @(posedge clk) begin
    if (px_valid) begin
      y_q    <= px_last ? '0 : px_y;
      line_q <= px_last ? '0 : line;
      if (px_last) base_q <= base_q == LAST_BASE ? '0 : base_q + ADDR_W'(OUT_WORDS);
    end
    if (rst) begin
      y_q    <= '0;
      line_q <= '0;
      base_q <= '0;
    end
  end

  logic [ADDR_W-1:0]     wr_addr_q;
  logic [BD-1:0]         wr_en_q;
  logic [LANES*M1*8-1:0] wr_data_q;

  always_ff @(posedge clk) begin
    wr_addr_q <= base_q + line + ADDR_W'(px_x >> BYTE_W);
    wr_data_q <= px_data;
    for (int b = 0; b < BD; b++) begin
      wr_en_q[b] <= px_valid && px_x < columns && px_x[BYTE_W-1:0] == BYTE_W'(b);
    end
    complete <= px_valid && px_last;
    if (rst) begin
      wr_en_q  <= '0;
      complete <= 1'b0;
    end
  end

  // ---- the banks, and the one that is read
  logic [LANES*M1*8*BD-1:0] words;
  logic [M1*8*BD-1:0]       rows;  // of the lane
  logic [LANE_W-1:0]        lane_q;
  logic [ROW_W-1:0]         row_q;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    for (genvar i = 0; i < M1; i++) begin : g_row
      rvg_ram_bytes #(.BYTES(BD), .DEPTH(SLOTS*OUT_WORDS)) u_ram (
        .clk,
        .wr_en(wr_en_q), .wr_addr(wr_addr_q), .wr_data({BD{wr_data_q[8*(M1*l + i) +: 8]}}),
        .rd_en, .rd_addr, .rd_data(words[8*BD*(M1*l + i) +: 8*BD])
      );
    end
  end

  always_ff @(posedge clk) begin
    if (rd_en) begin
      lane_q <= rd_lane;
      row_q  <= rd_row;
    end
  end

  // The lane first: a lane that is multiplied by its rows would take a multiplier.
  always_comb begin
    rows = words[M1*8*BD-1:0];
    for (int l = 1; l < LANES; l++) begin
      if (lane_q == LANE_W'(l)) rows = words[M1*8*BD*l +: M1*8*BD];
    end
  end
  assign rd_data = rows[8*BD*32'(row_q) +: 8*BD];

  wire unused = &{1'b0, line_beats, lane_q};  // a slot has no more beats than its addresses; one lane is no choice

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_store_banks: a line ends beyond its slot")) u_assert_slot (
    .clk, .rst, .holds(!px_valid || px_x >= columns || 32'(line) + 32'(px_x >> BYTE_W) < OUT_WORDS)
  );
  rvg_assert #(.TEXT("rvg_engine_store_banks: rows of tiles came in another order")) u_assert_order (
    .clk, .rst, .holds(!px_valid || px_y == y_q || px_y == y_q + 1'b1)
  );
`endif

endmodule

`default_nettype wire
