// SPDX-License-Identifier: Apache-2.0
// rvg_window_rows: the rows of a window buffer, a ring of LANES memories of SLOTS rows each, written and read at once.
//
//   row n of the stream is in memory n % LANES, slot n / LANES % SLOTS
//   out: beat rd_addr of READ_ROWS rows, the first of them in memory rd_lane, slot rd_slot; row i at bits BEAT_W * i
//
// In      : beats in order, ROW_BEATS to a row. row_written: the row's last beat enters; row_stored: it is in its memory.
// Latency : three cycles with `enable` from rd_addr to rd_data; a beat is in its memory two cycles after `push`.
// Not here: which rows there are, and which are free (rvg_window_buffer.sv).

`default_nettype none

module rvg_window_rows #(
  parameter int BEAT_W    = 8,
  parameter int ROW_BEATS = 8,
  parameter int LANES     = 4,
  parameter int SLOTS     = 1,
  parameter int READ_ROWS = 3,
  localparam int ADDR_W = ROW_BEATS > 1 ? $clog2(ROW_BEATS) : 1,
  localparam int LANE_W = LANES > 1 ? $clog2(LANES) : 1,
  localparam int SLOT_W = SLOTS > 1 ? $clog2(SLOTS) : 1
) (
  input  wire logic                        clk,
  input  wire logic                        rst,

  input  wire logic                        push,
  input  wire logic [BEAT_W-1:0]           wr_data,
  output      logic                        row_written,
  output      logic                        row_stored,

  input  wire logic                        enable,
  input  wire logic                        rd_valid,
  input  wire logic [ADDR_W-1:0]           rd_addr,
  input  wire logic [LANE_W-1:0]           rd_lane,
  input  wire logic [SLOT_W-1:0]           rd_slot,
  output      logic [BEAT_W*READ_ROWS-1:0] rd_data
);

  localparam int DEPTH      = (SLOTS - 1) * (1 << ADDR_W) + ROW_BEATS;  // a slot begins at a power of two
  localparam int RAM_ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1;

  if (BEAT_W < 1 || ROW_BEATS < 1 || LANES < 1 || SLOTS < 1 || READ_ROWS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (READ_ROWS > LANES) begin : g_check_read_rows
    rvg_error_a_memory_gives_one_row_at_a_time u_error ();
  end

  // ---- write side: a beat waits a cycle in registers, from which the memories are near
  logic [LANES-1:0]  wr_here_q, wr_en_q;  // the memory that is written, one bit each
  logic [SLOT_W-1:0] wr_slot_q, bank_slot_q;
  logic [ADDR_W-1:0] wr_addr_q, bank_addr_q;
  logic [BEAT_W-1:0] wr_data_q;
  logic              wr_last_q, row_stored_q;

  assign row_written = push && wr_last_q;
  assign row_stored  = row_stored_q;

  always_ff @(posedge clk) begin
    wr_en_q      <= push ? wr_here_q : '0;
    row_stored_q <= row_written;
    bank_slot_q  <= wr_slot_q;
    bank_addr_q  <= wr_addr_q;
    wr_data_q    <= wr_data;
    if (push) begin
      wr_addr_q <= wr_last_q ? '0 : wr_addr_q + 1'b1;
      wr_last_q <= ROW_BEATS == 1 || wr_addr_q == ADDR_W'(ROW_BEATS > 1 ? ROW_BEATS - 2 : 0);
    end
    if (row_written) begin
      wr_here_q <= wr_here_q << 1 | LANES'(wr_here_q[LANES-1]);
      if (wr_here_q[LANES-1]) wr_slot_q <= wr_slot_q == SLOT_W'(SLOTS - 1) ? '0 : wr_slot_q + 1'b1;
    end
    if (rst) begin
      wr_en_q      <= '0;
      row_stored_q <= 1'b0;
      wr_slot_q    <= '0;
      wr_addr_q    <= '0;
      wr_last_q    <= ROW_BEATS == 1;
      wr_here_q    <= LANES'(1);
    end
  end

  // ---- read side: what is asked for in registers, since the memories are far apart; then the memories' outputs; then
  // these in registers, since a block RAM is slow and a multiplexer follows
  logic [SLOT_W-1:0]           slot_after;  // where the rows are that are in memories before rd_lane
  logic                        asked_valid_q;
  logic [ADDR_W-1:0]           asked_addr_q;
  logic [SLOT_W*LANES-1:0]     asked_slot_q;
  logic [LANE_W*READ_ROWS-1:0] asked_lane_of_row_q, lane_of_row_q, held_lane_of_row_q;
  logic [BEAT_W*LANES-1:0]     bank_data, bank_data_q;

  assign slot_after = rd_slot == SLOT_W'(SLOTS - 1) ? '0 : rd_slot + 1'b1;

  always_ff @(posedge clk) begin
    if (enable) begin
      {asked_valid_q, asked_addr_q} <= {rd_valid, rd_addr};
      {lane_of_row_q, held_lane_of_row_q} <= {asked_lane_of_row_q, lane_of_row_q};
      bank_data_q <= bank_data;
    end
    if (rst) asked_valid_q <= 1'b0;
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [RAM_ADDR_W-1:0] wr_ram_addr, rd_ram_addr;

    if (SLOTS == 1) begin : g_row
      assign wr_ram_addr = bank_addr_q;
      assign rd_ram_addr = asked_addr_q;

      wire unused = &{1'b0, bank_slot_q, asked_slot_q[SLOT_W*l +: SLOT_W]};
    end else begin : g_rows
      assign wr_ram_addr = {bank_slot_q, bank_addr_q};
      assign rd_ram_addr = {asked_slot_q[SLOT_W*l +: SLOT_W], asked_addr_q};
    end

    always_ff @(posedge clk) begin
      if (enable) asked_slot_q[SLOT_W*l +: SLOT_W] <= (LANE_W+1)'(l) < (LANE_W+1)'(rd_lane) ? slot_after : rd_slot;
    end

    rvg_ram_1r1w #(.WIDTH(BEAT_W), .DEPTH(DEPTH)) u_ram (
      .clk,
      .wr_en(wr_en_q[l]), .wr_addr(wr_ram_addr), .wr_data(wr_data_q),
      .rd_en(enable && asked_valid_q), .rd_addr(rd_ram_addr), .rd_data(bank_data[BEAT_W*l +: BEAT_W])
    );
  end

  for (genvar i = 0; i < READ_ROWS; i++) begin : g_row_read
    logic [LANE_W:0] lane;

    assign lane = (LANE_W+1)'(rd_lane) + (LANE_W+1)'(i);
    assign rd_data[BEAT_W*i +: BEAT_W] = bank_data_q[BEAT_W*held_lane_of_row_q[LANE_W*i +: LANE_W] +: BEAT_W];

    always_ff @(posedge clk) begin
      if (enable) begin
        asked_lane_of_row_q[LANE_W*i +: LANE_W] <= LANE_W'(lane >= (LANE_W+1)'(LANES) ? lane - (LANE_W+1)'(LANES) : lane);
      end
    end
  end

endmodule

`default_nettype wire
