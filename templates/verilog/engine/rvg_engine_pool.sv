// SPDX-License-Identifier: Apache-2.0
// rvg_engine_pool: exact sums of every channel over all strips of a map.
//
//   sum[c] = sum over rows r < rows, columns x < columns of every pooled strip: pixel[c, r, x]       modulo 2^POOL_W
//
// Golden : repvgg_hw/golden.py, global_sum()
// In     : batches of up to LANES channels, as rvg_engine_store hands them on: columns of M1 pixels (M2 at stride 2),
//          top low, lane by lane; channels ascending from 0, batch by batch, up to the one that is marked `px_end`.
//          A strip with `px_first` overwrites the sums, others add to them.
// Room   : `room_ok`, `room_take` as a batch begins: SLOTS of them may be on their way.
// Memory : C_MAX sums of POOL_W bits. `done` once all channels of a strip are in it; sum_addr reads them then.
// Rate   : one column a cycle; one channel a cycle into the memory. Two strips are 2 cycles apart at least.
// Latency: 1 cycle from sum_en to sum_data.  From a strip's last column to `done`: 5 cycles, those of the sum of M1 pixels, and
//          one for each channel of its last batch.

`default_nettype none

module rvg_engine_pool #(
  parameter int N      = 5,
  parameter int LANES  = 1,
  parameter int T_MAX  = 4,
  parameter int C_MAX  = 16,
  parameter int POOL_W = 32,
  parameter int SLOTS  = 2,
  localparam int M1      = N - 2,
  localparam int COUNT_W = $clog2(LANES + 1),
  localparam int ADDR_W  = C_MAX > 1 ? $clog2(C_MAX) : 1
) (
  input  wire logic                  clk,
  input  wire logic                  rst,

  output      logic                  room_ok,
  input  wire logic                  room_take,

  input  wire logic                  px_valid,
  input  wire logic [LANES*M1*8-1:0] px_data,
  input  wire logic [15:0]           px_x,
  input  wire logic [7:0]            px_y,
  input  wire logic                  px_last,      // of the batch
  input  wire logic                  px_stride2,   // these of the strip, from its first to its last column
  input  wire logic                  px_first,
  input  wire logic [15:0]           px_rows,
  input  wire logic [15:0]           px_columns,
  input  wire logic                  px_end,       // these of the batch
  input  wire logic [COUNT_W-1:0]    px_channels,
  output      logic                  done,

  input  wire logic                  sum_en,
  input  wire logic [ADDR_W-1:0]     sum_addr,
  output      logic [POOL_W-1:0]     sum_data
);

  localparam int M2      = (N - 1) / 2;
  localparam int STAGES  = rvg_pkg::sum_stages(M1);
  localparam int COLUMN_W = 9 + STAGES;                       // of M1 pixels, and a sign
  localparam int BATCH_W = $clog2(T_MAX*M1*M1*255 + 1);       // of all tiles of a strip
  localparam int META_W  = COUNT_W + 2;                       // of a batch: first strip, end, channels
  localparam int NOTE_W  = META_W + 2;                        // of a column: first, last of the batch
  localparam int LANE_W  = LANES > 1 ? $clog2(LANES) : 1;

  if (N < 3 || N % 2 == 0) begin : g_check_array
    rvg_error_array_is_odd_from_3_on u_error ();
  end
  if (LANES < 1 || T_MAX < 1 || C_MAX < 1 || SLOTS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (POOL_W < BATCH_W) begin : g_check_width
    rvg_error_sum_too_narrow_for_a_strip u_error ();
  end

  // ---- pixels of the map, others zero
  logic [7:0]            y_q;  // row of tiles of the column before
  logic                  begins_q;
  logic [15:0]           left_q, left;  // rows of the map from this row of tiles on
  logic [LANES*M1*9-1:0] kept_q;
  logic [META_W-1:0]     meta_q;
  logic                  first_q, last_q;

  always_comb begin
    if (begins_q)         left = px_rows;
    else if (px_y != y_q) left = left_q - (px_stride2 ? 16'(M2) : 16'(M1));
    else                  left = left_q;
  end

  always_ff @(posedge clk) begin
    if (px_valid) begin
      y_q      <= px_y;
      left_q   <= left;
      begins_q <= px_last;
      first_q  <= begins_q;
      last_q   <= px_last;
      meta_q   <= {px_first, px_end, px_channels};
      for (int l = 0; l < LANES; l++) begin
        for (int i = 0; i < M1; i++) begin
          kept_q[9*(M1*l + i) +: 9] <= px_x < px_columns && 16'(i) < left && (i < M2 || !px_stride2)
                                         ? {1'b0, px_data[8*(M1*l + i) +: 8]} : '0;
        end
      end
    end
    if (rst) begins_q <= 1'b1;
  end

  // ---- their sum, and that over the batch
  logic [STAGES:0]              valid_q;  // of the masked column, and through the adders
  logic [(STAGES+1)*NOTE_W-1:0] notes;    // what is to be known of each of them
  logic [LANES*COLUMN_W-1:0]    column;
  logic [LANES*BATCH_W-1:0]     batch_q;
  logic                         first, last, ended_q;
  logic [META_W-1:0]            meta, ended_meta_q;

  always_ff @(posedge clk) begin
    valid_q[0] <= px_valid;
    for (int s = 1; s <= STAGES; s++) valid_q[s] <= valid_q[s-1];
    if (rst) valid_q <= '0;
  end

  assign notes[NOTE_W-1:0] = {first_q, last_q, meta_q};
  for (genvar s = 1; s <= STAGES; s++) begin : g_stage
    always_ff @(posedge clk) notes[NOTE_W*s +: NOTE_W] <= notes[NOTE_W*(s-1) +: NOTE_W];
  end

  assign {first, last, meta} = notes[NOTE_W*STAGES +: NOTE_W];

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    if (M1 == 1) begin : g_one
      assign column[COLUMN_W*l +: COLUMN_W] = kept_q[9*l +: 9];
    end else begin : g_tree
      rvg_adder_tree #(.N(M1), .TERM_W(9), .W(COLUMN_W)) u_tree (
        .clk, .enable(valid_q[STAGES-1:0]), .terms(kept_q[9*M1*l +: 9*M1]), .sum(column[COLUMN_W*l +: COLUMN_W])
      );
    end

    always_ff @(posedge clk) begin
      if (valid_q[STAGES]) begin
        batch_q[BATCH_W*l +: BATCH_W] <= (first ? '0 : batch_q[BATCH_W*l +: BATCH_W])
                                         + BATCH_W'(column[COLUMN_W*l +: COLUMN_W]);
      end
    end
  end

  always_ff @(posedge clk) begin
    ended_q      <= valid_q[STAGES] && last;
    ended_meta_q <= meta;
    if (rst) ended_q <= 1'b0;
  end

  // ---- batches, channel by channel into the memory: read, then add and write
  logic [LANES*BATCH_W-1:0] sums;
  logic                     waits, ready, step, first_strip, end_of_strip, lane_last;
  logic [COUNT_W-1:0]       channels;
  logic [LANE_W-1:0]        lane_q;
  logic [ADDR_W-1:0]        channel_q;
  logic                     adds_q, overwrites_q, ends_q;
  logic [ADDR_W-1:0]        add_channel_q;
  logic [BATCH_W-1:0]       add_q;

  rvg_credit_fifo #(.WIDTH(META_W + LANES*BATCH_W), .DEPTH(SLOTS)) u_batches (
    .clk, .rst, .start_ok(room_ok), .start(room_take),
    .in_valid(ended_q), .in_data({ended_meta_q, batch_q}),
    .m_axis_tdata({first_strip, end_of_strip, channels, sums}), .m_axis_tvalid(waits), .m_axis_tready(ready)
  );

  assign lane_last = COUNT_W'(lane_q) == channels - 1'b1;
  assign step      = waits;
  assign ready     = step && lane_last;

  always_ff @(posedge clk) begin
    adds_q <= step;
    if (step) begin
      lane_q        <= lane_last ? '0 : lane_q + 1'b1;
      channel_q     <= lane_last && end_of_strip ? '0 : channel_q + 1'b1;
      add_channel_q <= channel_q;
      add_q         <= sums[BATCH_W*32'(lane_q) +: BATCH_W];
      overwrites_q  <= first_strip;
      ends_q        <= lane_last && end_of_strip;
    end
    done <= adds_q && ends_q;
    if (rst) begin
      adds_q    <= 1'b0;
      done      <= 1'b0;
      lane_q    <= '0;
      channel_q <= '0;
    end
  end

  logic [POOL_W-1:0] total;

  assign total = (overwrites_q ? '0 : sum_data) + POOL_W'(add_q);

  rvg_ram_1r1w #(.WIDTH(POOL_W), .DEPTH(C_MAX)) u_sums (
    .clk,
    .wr_en(adds_q), .wr_addr(add_channel_q), .wr_data(total),
    .rd_en(step || sum_en), .rd_addr(sum_en ? sum_addr : channel_q), .rd_data(sum_data)
  );

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_pool: sums are read while a strip is added")) u_assert_read (
    .clk, .rst, .holds(!sum_en || !waits && !adds_q)
  );
  rvg_assert #(.TEXT("rvg_engine_pool: a sum is read in the cycle in which it is written")) u_assert_written (
    .clk, .rst, .holds(!step || !adds_q || add_channel_q != channel_q)
  );
  rvg_assert #(.TEXT("rvg_engine_pool: there are more channels than sums")) u_assert_channels (
    .clk, .rst, .holds(!step || 32'(channel_q) < C_MAX)
  );
`endif

endmodule

`default_nettype wire
