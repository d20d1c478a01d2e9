// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store: pixels of tiles -> write commands and beats of maps in DRAM, and which instructions are stored.
//
//   pixel (row r, column x) of the strip's channel c  ->  byte  store_addr + c*store_plane + r*store_pitch + x
//
// Golden : repvgg_hw/plan/engine/instruction.py says what an instruction's fields are.
// In     : s_axis, all instructions in order (store_addr absolute). A batch is up to LANES channels of a strip, channels
//          in ascending order: `room_ok` says that there is room for one, `room_take` that it begins, with its channels;
//          then come its columns of tiles, valid only: M1 pixels, top low, lane by lane (M2 of them at stride 2), tiles
//          in raster order. Batches that were taken may overlap on their way here; they come one after another.
// Drops  : columns from store_columns on, rows from store_rows on.
// Out    : cmd {last, beats, address} and m_axis, beats of BD bytes; `last` marks a channel's last command, which
//          `write_done` answers. Bytes beyond a line's last column are anything.
// Pool   : batches of pooled instructions are not stored: pool_* hand their columns to rvg_engine_pool, which says where
//          it has room, and when it is done. None is taken while a linear layer is yet to read the sums.
// Rate   : one column a cycle in, one beat a cycle out from the second cycle after a batch is complete.
// Memory : SLOTS batches; more than 2 where a batch begins before the last one came through the pipeline.
// Counts : rvg_engine_store_order.

`default_nettype none

module rvg_engine_store #(
  parameter int N         = 5,
  parameter int PO        = 2,
  parameter int LANES     = 1,
  parameter int BD        = 8,
  parameter int OUT_WORDS = 16,
  parameter int SLOTS     = 2,
  parameter int PENDING   = 16,  // instructions on their way to memory
  localparam int M1       = N - 2,
  localparam int COUNT_W  = $clog2(LANES + 1)
) (
  input  wire logic                  clk,
  input  wire logic                  rst,

  input  wire logic [1023:0]         s_axis_tdata,
  input  wire logic                  s_axis_tvalid,
  output      logic                  s_axis_tready,

  output      logic                  room_ok,
  input  wire logic                  room_take,
  input  wire logic [COUNT_W-1:0]    batch_channels,

  input  wire logic                  px_valid,
  input  wire logic [LANES*M1*8-1:0] px_data,
  input  wire logic [15:0]           px_x,
  input  wire logic [7:0]            px_y,
  input  wire logic                  px_last,

  input  wire logic                  pool_room_ok,
  output      logic                  pool_room_take,
  output      logic                  pool_valid,
  output      logic                  pool_stride2,
  output      logic                  pool_first,     // of the map's strips
  output      logic                  pool_end,       // the instruction's last batch
  output      logic [15:0]           pool_rows,
  output      logic [15:0]           pool_columns,
  output      logic [COUNT_W-1:0]    pool_channels,  // of the batch
  input  wire logic                  pool_done,

  output      logic                  linear_go,
  input  wire logic                  linear_done,

  output      logic [56:0]           cmd_tdata,
  output      logic                  cmd_tvalid,
  input  wire logic                  cmd_tready,
  output      logic [8*BD-1:0]       m_axis_tdata,
  output      logic                  m_axis_tvalid,
  input  wire logic                  m_axis_tready,
  input  wire logic                  write_done,

  output      logic [15:0]           stored_count,
  output      logic [15:0]           stored_channels
);

  localparam int M2      = (N - 1) / 2;
  localparam int ADDR_W  = $clog2(SLOTS*OUT_WORDS);
  localparam int LANE_W  = LANES > 1 ? $clog2(LANES) : 1;
  localparam int ROW_W   = M1 > 1 ? $clog2(M1) : 1;
  localparam int FREE_W  = $clog2(SLOTS + 1);
  localparam int BATCHES = 2*SLOTS;  // taken and not yet here, of maps and of the pool
  localparam int JOBS    = 4;        // instructions of which batches are on their way

  if (N < 3 || N % 2 == 0) begin : g_check_array
    rvg_error_array_is_odd_from_3_on u_error ();
  end
  if (PO < 1 || LANES < 1 || PO % (LANES < 1 ? 1 : LANES) != 0) begin : g_check_lanes
    rvg_error_lanes_must_divide_po u_error ();
  end

  // ---- instructions: one is open, its batches are taken
  logic        accept, linear, open, last, pool_q, kind_ready, columns_ready, lines_ready;
  logic        start_q;  // the cycle between: the array's last batch takes longer
  logic [15:0] count, groups_q, repeats_q;
  logic [7:0]  out_lanes_q;

  assign linear        = s_axis_tdata[rvg_engine_pkg::OP +: 8] == rvg_engine_pkg::OP_LINEAR;
  assign s_axis_tready = !open && !start_q && kind_ready && columns_ready && lines_ready;
  assign accept        = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    start_q <= accept && !linear;
    if (accept) begin
      pool_q      <= s_axis_tdata[rvg_engine_pkg::POOL];
      groups_q    <= s_axis_tdata[rvg_engine_pkg::GROUPS +: 16];
      repeats_q   <= s_axis_tdata[rvg_engine_pkg::REPEATS +: 16];
      out_lanes_q <= s_axis_tdata[rvg_engine_pkg::OUT_LANES +: 8];
    end
    if (rst) start_q <= 1'b0;
  end

  rvg_engine_store_batches #(.PO(PO), .COUNT_W(COUNT_W)) u_batches (
    .clk, .rst,
    .start(start_q), .groups(groups_q), .repeats(repeats_q), .out_lanes(out_lanes_q),
    .take(room_take), .channels(batch_channels), .busy(open), .last, .count
  );

  // ---- room: a slot of the banks, or in the pool
  logic [FREE_W-1:0] free_q, free_d;
  logic              slot_ok_q, released, released_q, linear_pending, batch_ready, room;

  assign free_d         = free_q - FREE_W'(room_take && !pool_q) + FREE_W'(released_q);
  assign room           = open && batch_ready && (pool_q ? pool_room_ok && !linear_pending : slot_ok_q);
  assign pool_room_take = room_take && pool_q;

  always_ff @(posedge clk) begin
    released_q <= released;
    free_q     <= free_d;
    slot_ok_q  <= free_d != '0;
    room_ok    <= room && !room_take;  // only a batch that begins takes room away, so what was seen stays
    if (rst) begin
      room_ok    <= 1'b0;
      released_q <= 1'b0;
      free_q     <= FREE_W'(SLOTS);
      slot_ok_q  <= 1'b0;
    end
  end

  // ---- to which batch and instruction the columns belong that come
  logic               batch_pool, batch_last, batch_here, job_here, map_valid;
  logic [COUNT_W-1:0] batch_count;
  logic [15:0]        line_beats;

  rvg_fifo #(.WIDTH(COUNT_W + 2), .DEPTH(BATCHES)) u_taken (
    .clk, .rst,
    .s_axis_tdata({pool_q, last, batch_channels}), .s_axis_tvalid(room_take), .s_axis_tready(batch_ready),
    .m_axis_tdata({batch_pool, batch_last, batch_count}), .m_axis_tvalid(batch_here),
    .m_axis_tready(px_valid && px_last)
  );
  rvg_fifo #(.WIDTH(50), .DEPTH(JOBS)) u_columns (
    .clk, .rst,
    .s_axis_tdata({
      s_axis_tdata[rvg_engine_pkg::STRIDE2], s_axis_tdata[rvg_engine_pkg::POOL_FIRST],
      s_axis_tdata[rvg_engine_pkg::STORE_ROWS +: 16], s_axis_tdata[rvg_engine_pkg::STORE_COLUMNS +: 16],
      s_axis_tdata[rvg_engine_pkg::STORE_LINE_BEATS +: 16]
    }),
    .s_axis_tvalid(accept && !linear), .s_axis_tready(columns_ready),
    .m_axis_tdata({pool_stride2, pool_first, pool_rows, pool_columns, line_beats}), .m_axis_tvalid(job_here),
    .m_axis_tready(px_valid && px_last && batch_last)
  );

  assign map_valid     = px_valid && !batch_pool;
  assign pool_valid    = px_valid && batch_pool;
  assign pool_end      = batch_last;
  assign pool_channels = batch_count;

  // ---- maps: the banks, and their way out
  logic               complete, complete_last_q, lines_in_valid, lines_in_ready, leaves, leave_ready, rd_en;
  logic [COUNT_W-1:0] complete_count_q;
  logic [COUNT_W:0]   leaving;
  logic [131:0]       lines_in;
  logic [ADDR_W-1:0]  rd_addr;
  logic [LANE_W-1:0]  rd_lane;
  logic [ROW_W-1:0]   rd_row;
  logic [8*BD-1:0]    rd_data;

  rvg_engine_store_banks #(.M1(M1), .LANES(LANES), .BD(BD), .OUT_WORDS(OUT_WORDS), .SLOTS(SLOTS)) u_banks (
    .clk, .rst,
    .px_valid(map_valid), .px_data, .px_x, .px_y, .px_last, .line_beats, .columns(pool_columns), .complete,
    .rd_en, .rd_addr, .rd_lane, .rd_row, .rd_data
  );

  always_ff @(posedge clk) begin
    complete_last_q  <= batch_last;
    complete_count_q <= batch_count;
  end

  rvg_fifo #(.WIDTH(COUNT_W + 1), .DEPTH(SLOTS)) u_complete (
    .clk, .rst,
    .s_axis_tdata({complete_last_q, complete_count_q}), .s_axis_tvalid(complete), .s_axis_tready(leave_ready),
    .m_axis_tdata(leaving), .m_axis_tvalid(leaves), .m_axis_tready(released)
  );
  rvg_fifo #(.WIDTH(132), .DEPTH(JOBS)) u_lines_in (
    .clk, .rst,
    .s_axis_tdata({
      s_axis_tdata[rvg_engine_pkg::STORE_ROWS +: 16] == 16'd1, s_axis_tdata[rvg_engine_pkg::STORE_LINE_BEATS +: 16] == 16'd1,
      s_axis_tdata[rvg_engine_pkg::STORE_WHOLE], s_axis_tdata[rvg_engine_pkg::STRIDE2],
      s_axis_tdata[rvg_engine_pkg::STORE_ROWS +: 16], s_axis_tdata[rvg_engine_pkg::STORE_LINE_BEATS +: 16],
      s_axis_tdata[rvg_engine_pkg::STORE_PITCH +: 32], s_axis_tdata[rvg_engine_pkg::STORE_PLANE +: 32],
      s_axis_tdata[rvg_engine_pkg::STORE_ADDR +: 32]
    }),
    .s_axis_tvalid(accept && !linear && !s_axis_tdata[rvg_engine_pkg::POOL]), .s_axis_tready(lines_ready),
    .m_axis_tdata(lines_in), .m_axis_tvalid(lines_in_valid), .m_axis_tready(lines_in_ready)
  );
  rvg_engine_store_lines #(
    .M1(M1), .M2(M2), .LANES(LANES), .BD(BD), .OUT_WORDS(OUT_WORDS), .SLOTS(SLOTS)
  ) u_lines (
    .clk, .rst,
    .s_axis_tdata(lines_in), .s_axis_tvalid(lines_in_valid), .s_axis_tready(lines_in_ready),
    .batch_tdata(leaving), .batch_tvalid(leaves), .batch_tready(released),
    .rd_en, .rd_addr, .rd_lane, .rd_row, .rd_data,
    .cmd_tdata, .cmd_tvalid, .cmd_tready, .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  // ---- what is stored: an instruction has its place there from when it is accepted, and is told with its last batch
  rvg_engine_store_order #(.DEPTH(PENDING)) u_order (
    .clk, .rst,
    .begins(accept), .begin_ok(kind_ready),
    .ends_data(open ? {1'b0, pool_q, count} : {2'd2, 16'd0}), .ends(open ? room_take && last : accept && linear),
    .write_done, .pool_done, .linear_done, .linear_go, .linear_pending, .stored_count, .stored_channels
  );

  wire unused = &{1'b0, s_axis_tdata, batch_here, job_here, leave_ready};

`ifdef RVG_ASSERT
  logic [31:0] owed_q;  // channels that were sent and are not acknowledged

  always_ff @(posedge clk) begin
    owed_q <= owed_q + 32'(cmd_tvalid && cmd_tready && cmd_tdata[56]) - 32'(write_done);
    if (rst) owed_q <= '0;
  end

  rvg_assert #(.TEXT("rvg_engine_store: a batch was taken without room")) u_assert_room (
    .clk, .rst, .holds(!room_take || room_ok)
  );
  rvg_assert #(.TEXT("rvg_engine_store: room that was seen did not stay")) u_assert_room_stays (
    .clk, .rst, .holds(!room_ok || room)
  );
  rvg_assert #(.TEXT("rvg_engine_store: pixels came that no batch was taken for")) u_assert_taken (
    .clk, .rst, .holds(!px_valid || batch_here && job_here)
  );
  rvg_assert #(.TEXT("rvg_engine_store: more slots are free than there are")) u_assert_free (
    .clk, .rst, .holds(free_q <= FREE_W'(SLOTS))
  );
  rvg_assert #(.TEXT("rvg_engine_store: a batch became complete where there was no room")) u_assert_complete (
    .clk, .rst, .holds(!complete || leave_ready)
  );
  rvg_assert #(.TEXT("rvg_engine_store: a channel was acknowledged that was not sent")) u_assert_owed (
    .clk, .rst, .holds(!write_done || owed_q != '0)
  );
`endif

endmodule

`default_nettype wire
