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
//          PO / LANES times STEPS = max(ceil(K / ROWS), M) cycles. Rows and columns stay where they
//          came and are chosen: a multiplexer takes a third of the LUTs of a shift register that can be loaded.
// Latency: STEPS + 4 cycles to the first beat.

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
  localparam int LATER   = BATCHES * STEPS - 1;   // steps after the first
  localparam int LATER_W = $clog2(LATER + 1);

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
  logic [LATER_W-1:0] next_q;  // which of the later steps comes next
  logic               rows_busy_q, middle_valid_q;
  logic [STEP_W-1:0]  left_q;  // columns left of the tile
  logic               columns_busy_q, tile_valid_q;
  logic               rows_step, rows_end;

  assign rows_end = step_q == STEP_W'(STEPS - 1);

  if (STEPS > FILLED) begin : g_wait  // for the columns
    assign rows_step = rows_busy_q && step_q < STEP_W'(FILLED);
  end else begin : g_flow
    assign rows_step = rows_busy_q;
  end

  always_ff @(posedge clk) begin
    middle_valid_q <= rows_busy_q && rows_end;
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
    next_q <= sums_valid ? '0 : next_q + 1'b1;

    if (columns_busy_q) begin
      left_q         <= left_q - 1'b1;
      columns_busy_q <= left_q != '0;
    end
    if (middle_valid_q) begin
      left_q         <= STEP_W'(M - 1);
      columns_busy_q <= 1'b1;
    end
    tile_valid_q <= columns_busy_q;
    acc_valid    <= tile_valid_q;

    if (rst) begin
      step_q         <= '0;
      batch_q        <= '0;
      rows_busy_q    <= 1'b0;
      middle_valid_q <= 1'b0;
      columns_busy_q <= 1'b0;
      tile_valid_q   <= 1'b0;
      acc_valid      <= 1'b0;
    end
  end

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    // ---- rows: K sums -> M values
    logic [BATCHES*STEPS*STEP_SUMS-1:0] mine;  // the sums of channels l, l + LANES, l + 2*LANES, ...
    logic [LATER*STEP_SUMS-1:0]         later_sums_q;
    logic [STEP_SUMS-1:0]               sums_q;   // the rows in the networks
    logic [ROWS*M*SUM_W-1:0]            rows;

    for (genvar b = 0; b < BATCHES; b++) begin : g_batch
      for (genvar i = 0; i < STEPS*ROWS; i++) begin : g_row
        if (i < K) begin : g_sums
          assign mine[STEP_SUMS*STEPS*b + ROW_W*i +: ROW_W] = sums[TILE_W*(LANES*b + l) + ROW_W*i +: ROW_W];
        end else begin : g_none
          assign mine[STEP_SUMS*STEPS*b + ROW_W*i +: ROW_W] = '0;
        end
      end
    end

    always_ff @(posedge clk) begin
      if (sums_valid) begin
        sums_q       <= mine[STEP_SUMS-1:0];
        later_sums_q <= mine[BATCHES*STEPS*STEP_SUMS-1:STEP_SUMS];
      end else if (rows_busy_q) begin
        sums_q <= later_sums_q[STEP_SUMS*next_q +: STEP_SUMS];
      end
    end

    for (genvar i = 0; i < ROWS; i++) begin : g_network
      rvg_winograd_output #(.M(M), .STRIDE(STRIDE), .IN_W(SUM_W), .W(SUM_W), .X(K), .Y(M)) u_rows (
        .x(sums_q[ROW_W*i +: ROW_W]), .y(rows[M*SUM_W*i +: M*SUM_W])
      );
    end

    // ---- columns: K values -> M values, then the division
    logic [M*HELD_W-1:0]    middle_q;
    logic [(M-1)*COL_W-1:0] later_columns_q;  // the last one lowest: column M - i at i - 1
    logic [COL_W-1:0]       columns_q;        // the column in the network
    logic [M*MID_W-1:0]     column;
    logic [M*ACC_W-1:0]     tile_q;

    wire [M*COL_W-1:0] columns_by_left = {later_columns_q, COL_W'(0)};

    for (genvar j = 0; j < M; j++) begin : g_column
      logic [ROWS*MID_W-1:0] values;  // those of the step

      for (genvar i = 0; i < ROWS; i++) begin : g_row
        assign values[MID_W*i +: MID_W] = rows[SUM_W*(M*i + j) + SHIFT +: MID_W];
      end

      always_ff @(posedge clk) begin
        if (rows_step) begin
          middle_q[HELD_W*j +: HELD_W] <= {values, middle_q[HELD_W*j + ROWS*MID_W +: HELD_W - ROWS*MID_W]};
        end
      end
      if (j > 0) begin : g_later
        always_ff @(posedge clk) begin
          if (middle_valid_q) later_columns_q[COL_W*(M-1-j) +: COL_W] <= middle_q[HELD_W*j +: COL_W];
        end
      end
    end

    rvg_winograd_output #(.M(M), .STRIDE(STRIDE), .IN_W(MID_W), .W(MID_W), .X(K), .Y(M)) u_columns (
      .x(columns_q), .y(column)
    );

    always_ff @(posedge clk) begin
      if (middle_valid_q) columns_q <= middle_q[COL_W-1:0];
      else if (columns_busy_q) columns_q <= columns_by_left[COL_W*left_q +: COL_W];
    end

    for (genvar i = 0; i < M; i++) begin : g_pixel
      logic [ACC_W-1:0] quotient;

      rvg_winograd_divide #(.M(M), .STRIDE(STRIDE), .IN_W(ACC_W), .W(ACC_W), .X(1), .Y(1)) u_divide (
        .x(tile_q[ACC_W*i +: ACC_W]), .y(quotient)
      );

      always_ff @(posedge clk) begin
        if (columns_busy_q) tile_q[ACC_W*i +: ACC_W] <= column[MID_W*i + SHIFT +: ACC_W];
        if (tile_valid_q) acc[ACC_W*(M*l + i) +: ACC_W] <= quotient;
      end
    end

`ifdef RVG_ASSERT
    // The division's own proof: a sum that is no multiple of 2^SHIFT was not a convolution's.
    rvg_assert #(.TEXT("rvg_winograd_output_transform: a rest in the first pass")) u_assert_rows (
      .clk, .rst, .holds(!rows_busy_q || (rows & {ROWS*M{SUM_W'((1 << SHIFT) - 1)}}) == '0)
    );
    rvg_assert #(.TEXT("rvg_winograd_output_transform: a rest in the second pass")) u_assert_columns (
      .clk, .rst, .holds(!columns_busy_q || (column & {M{MID_W'((1 << SHIFT) - 1)}}) == '0)
    );
`else
    wire unused = &{1'b0, rows, column};  // their low bits are zero, which only the check looks at
`endif
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_winograd_output_transform: sums came before those before them had left")) u_assert_spacing (
    .clk, .rst, .holds(!sums_valid || !rows_busy_q || rows_end && batch_q == BATCH_W'(BATCHES - 1))
  );
`endif

endmodule

`default_nettype wire
