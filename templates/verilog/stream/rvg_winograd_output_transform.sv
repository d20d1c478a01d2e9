// SPDX-License-Identifier: Apache-2.0
// rvg_winograd_output_transform: sums in the transform domain -> tiles of M x M exact convolution sums.
//
//   y = (A^T s A) / L^2,  L = 2^SHIFT * odd: each pass shifts SHIFT zeros out, then y is multiplied by the
//   inverse of odd^2 modulo 2^ACC_W
//
// Golden : repvgg_hw/winograd/golden.py, output_transform() and exact_divide()
// In     : PO x K*K sums at once, at least SPACING cycles apart; no handshake, valid only.
// Out    : PO / LANES x M beats of LANES channels x M pixels: one column of the tile, top pixel in the low bits,
//          channel by channel; columns left to right, then the next LANES channels. Valid only.
// Widths : sums int[SUM_W], SUM_W = ACC_W + 2*SHIFT: all arithmetic is modulo a power of two, so nothing overflows.
// Shared : ROWS networks of A^T per lane in the first pass, one in the second. ROWS rows of K sums per cycle through the
//          first, then a column of the result through the second, while the next channels' rows follow: SPACING is
//          PO / LANES times STEPS = max(ceil(K / ROWS), M) cycles. Rows and columns take their turn (rvg_in_turn.sv).
// Latency: STEPS + 6 cycles to the first beat, and those of the three networks.

`default_nettype none

module rvg_winograd_output_transform #(
  parameter int M       = 2,
  parameter int STRIDE  = 1,
  parameter int SHIFT   = 1,
  parameter int PO      = 1,
  parameter int LANES   = 1,
  parameter int ROWS    = 1,
  parameter int ACC_W   = 24,
  localparam int K      = STRIDE == 1 ? M + 2 : 2*M + 1,
  localparam int SUM_W  = ACC_W + 2*SHIFT
) (
  input  wire logic                     clk,
  input  wire logic                     rst,

  input  wire logic                     sums_valid,
  input  wire logic [PO*K*K*SUM_W-1:0]  sums,

  output      logic                     acc_valid,
  output      logic [LANES*M*ACC_W-1:0] acc
);

  localparam int BATCHES = PO / LANES;
  localparam int BATCH_W = BATCHES > 1 ? $clog2(BATCHES) : 1;
  localparam int FILLED  = (K + ROWS - 1) / ROWS;  // steps of the first pass, ROWS rows each
  localparam int STEPS   = FILLED > M ? FILLED : M;
  localparam int STEP_W  = $clog2(STEPS);
  localparam int ROW_W   = K * SUM_W;       // one row of sums
  localparam int STEP_SUMS = ROWS * ROW_W;  // the rows of one step; behind the last row, zeros
  localparam int TILE_W  = K * ROW_W;       // the sums of one output channel
  localparam int MID_W   = ACC_W + SHIFT;   // after the first pass
  localparam int COL_W   = K * MID_W;       // one column of it
  localparam int HELD_W  = FILLED * ROWS * MID_W; // the same, and what comes behind the last row

  if (PO < 1 || LANES < 1 || ROWS < 1 || ACC_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BATCHES * LANES != PO) begin : g_check_lanes
    rvg_error_lanes_must_divide_po u_error ();
  end
  if (ROWS >= K) begin : g_check_rows
    rvg_error_rows_must_be_fewer_than_the_tile_has u_error ();
  end
  if (ACC_W > 32 || SHIFT < 0) begin : g_check_width
    rvg_error_dividers_have_at_most_32_bits u_error ();
  end

  // ---- which rows of which channels
  logic [STEP_W-1:0]  step_q;
  logic [BATCH_W-1:0] batch_q;
  logic               rows_busy_q, middle_valid_q;
  logic [STEP_W-1:0]  left_q;  // columns left of the tile
  logic               columns_busy_q, tile_valid_q;
  logic               rows_step, rows_end;
  logic               row_valid_q, row_last_q, column_valid_q;  // in the networks
  logic               row_there, row_last, column_there, quotient_there;  // behind them

  assign rows_end = step_q == STEP_W'(STEPS - 1);

  if (STEPS > FILLED) begin : g_wait  // for the columns
    assign rows_step = rows_busy_q && step_q < STEP_W'(FILLED);
  end else begin : g_flow
    assign rows_step = rows_busy_q;
  end

  always_ff @(posedge clk) begin
    middle_valid_q <= row_last;
    if (rows_busy_q) begin
      step_q <= rows_end ? '0 : step_q + 1'b1;
      if (rows_end) begin
        batch_q <= batch_q + 1'b1;
        if (batch_q == BATCH_W'(BATCHES - 1)) begin
          batch_q     <= '0;
          rows_busy_q <= 1'b0;
        end
      end
    end
    if (sums_valid) rows_busy_q <= 1'b1;
    row_valid_q <= rows_step;
    row_last_q  <= rows_busy_q && rows_end;

    if (columns_busy_q) begin
      left_q         <= left_q - 1'b1;
      columns_busy_q <= left_q != '0;
    end
    if (middle_valid_q) begin
      left_q         <= STEP_W'(M - 1);
      columns_busy_q <= 1'b1;
    end
    column_valid_q <= columns_busy_q;
    tile_valid_q   <= column_there;
    acc_valid      <= quotient_there;

    if (rst) begin
      step_q         <= '0;
      batch_q        <= '0;
      rows_busy_q    <= 1'b0;
      row_valid_q    <= 1'b0;
      row_last_q     <= 1'b0;
      middle_valid_q <= 1'b0;
      columns_busy_q <= 1'b0;
      column_valid_q <= 1'b0;
      tile_valid_q   <= 1'b0;
      acc_valid      <= 1'b0;
    end
  end

  // ---- the networks, of all lanes
  logic [LANES*STEP_SUMS-1:0]    sums_q;     // the rows in the first pass's: K sums -> M values each
  logic [LANES*ROWS*M*SUM_W-1:0] rows;
  logic [LANES*COL_W-1:0]        columns_q;  // the column in the second pass's: K values -> M values
  logic [LANES*M*MID_W-1:0]      column;
  logic [LANES*M*ACC_W-1:0]      tile_q;     // the column that is divided
  logic [LANES*M*ACC_W-1:0]      quotients;

  rvg_winograd_output #(
    .M(M), .STRIDE(STRIDE), .IN_W(SUM_W), .W(SUM_W), .X(K), .Y(M), .N(LANES*ROWS), .T(2)
  ) u_rows (
    .clk, .rst, .x(sums_q), .tags({row_last_q, row_valid_q}), .y(rows), .y_tags({row_last, row_there})
  );

  rvg_winograd_output #(
    .M(M), .STRIDE(STRIDE), .IN_W(MID_W), .W(MID_W), .X(K), .Y(M), .N(LANES)
  ) u_columns (
    .clk, .rst, .x(columns_q), .tags(column_valid_q), .y(column), .y_tags(column_there)
  );

  rvg_winograd_divide #(
    .M(M), .STRIDE(STRIDE), .IN_W(ACC_W), .W(ACC_W), .X(1), .Y(1), .N(LANES*M)
  ) u_divide (
    .clk, .rst, .x(tile_q), .tags(tile_valid_q), .y(quotients), .y_tags(quotient_there)
  );

  always_ff @(posedge clk) if (quotient_there) acc <= quotients;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    // ---- rows of sums, one step's after another's
    logic [BATCHES*STEPS*STEP_SUMS-1:0] mine;  // the sums of channels l, l + LANES, l + 2*LANES, ...

    for (genvar b = 0; b < BATCHES; b++) begin : g_batch
      for (genvar i = 0; i < STEPS*ROWS; i++) begin : g_row
        if (i < K) begin : g_sums
          assign mine[STEP_SUMS*STEPS*b + ROW_W*i +: ROW_W] = sums[TILE_W*(LANES*b + l) + ROW_W*i +: ROW_W];
        end else begin : g_none
          assign mine[STEP_SUMS*STEPS*b + ROW_W*i +: ROW_W] = '0;
        end
      end
    end

    rvg_in_turn #(.W(STEP_SUMS), .N(BATCHES*STEPS)) u_sums (
      .clk, .load(sums_valid), .d(mine), .q(sums_q[STEP_SUMS*l +: STEP_SUMS])
    );

    // ---- columns of the result, one after another
    logic [M*HELD_W-1:0] middle_q;
    logic [M*COL_W-1:0]  columns;

    for (genvar j = 0; j < M; j++) begin : g_column
      logic [ROWS*MID_W-1:0] values;  // those of the step

      for (genvar i = 0; i < ROWS; i++) begin : g_row
        assign values[MID_W*i +: MID_W] = rows[SUM_W*(M*(ROWS*l + i) + j) + SHIFT +: MID_W];
      end

      always_ff @(posedge clk) begin
        if (row_there) begin
          middle_q[HELD_W*j +: HELD_W] <= {values, middle_q[HELD_W*j + ROWS*MID_W +: HELD_W - ROWS*MID_W]};
        end
      end
      assign columns[COL_W*j +: COL_W] = middle_q[HELD_W*j +: COL_W];
    end

    rvg_in_turn #(.W(COL_W), .N(M)) u_columns (
      .clk, .load(middle_valid_q), .d(columns), .q(columns_q[COL_W*l +: COL_W])
    );

    for (genvar i = M*l; i < M*(l + 1); i++) begin : g_pixel
      always_ff @(posedge clk) begin
        if (column_there) tile_q[ACC_W*i +: ACC_W] <= column[MID_W*i + SHIFT +: ACC_W];
      end
    end
  end

`ifdef RVG_ASSERT
  // The division's own proof: a sum that is no multiple of 2^SHIFT was not a convolution's.
  rvg_assert #(.TEXT("rvg_winograd_output_transform: a rest in the first pass")) u_assert_rows (
    .clk, .rst, .holds(!row_there || (rows & {LANES*ROWS*M{SUM_W'((1 << SHIFT) - 1)}}) == '0)
  );
  rvg_assert #(.TEXT("rvg_winograd_output_transform: a rest in the second pass")) u_assert_columns (
    .clk, .rst, .holds(!column_there || (column & {LANES*M{MID_W'((1 << SHIFT) - 1)}}) == '0)
  );
  rvg_assert #(.TEXT("rvg_winograd_output_transform: sums came before those before them had left")) u_assert_spacing (
    .clk, .rst, .holds(!sums_valid || !rows_busy_q || rows_end && batch_q == BATCH_W'(BATCHES - 1))
  );
`else
  wire unused = &{1'b0, rows, column};  // their low bits are zero, which only the check looks at
`endif

endmodule

`default_nettype wire
