// SPDX-License-Identifier: Apache-2.0
// rvg_engine_tile: the output transform of one channel's tiles: rows of sums in, columns of convolution sums out.
//
//   y = (A^T s A) / L^2,  L = 2^SHIFT1 * odd at stride 1, 2^SHIFT2 * odd at stride 2: each pass shifts the zeros out,
//   then y is multiplied by the inverse of odd^2 modulo 2^ACC_W
//
// Golden : repvgg_hw/winograd/golden.py, output_transform() and exact_divide()
// Steps  : N rows of N sums with `rows`, then hand_over in the cycle after the last, in which the next tile's first row may
//          already come; then columns, of which `column` is one, in any cycle with `columns` until the next hand_over.
// Out    : M1 sums of a column, top one low; at stride 2 the first M2 count.
// Widths : sums int[SUM_W], SUM_W = ACC_W + 2*max(SHIFT1, SHIFT2): all arithmetic is modulo a power of two.
// Latency: 2 cycles from `columns` to acc.

`default_nettype none

module rvg_engine_tile #(
  parameter int N       = 5,
  parameter int ACC_W   = 24,
  parameter int SHIFT1  = 1,
  parameter int SHIFT2  = 0,
  localparam int M1     = N - 2,
  localparam int SHIFT  = SHIFT1 > SHIFT2 ? SHIFT1 : SHIFT2,
  localparam int SUM_W  = ACC_W + 2*SHIFT,
  localparam int STEP_W = $clog2(N)
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic                rows,
  input  wire logic                rows_stride2,
  input  wire logic [N*SUM_W-1:0]  sums,

  input  wire logic                hand_over,
  input  wire logic                columns,
  input  wire logic [STEP_W-1:0]   column,
  input  wire logic                columns_stride2,
  output      logic [M1*ACC_W-1:0] acc
);

  localparam int MID_W  = ACC_W + SHIFT;  // after the first pass
  localparam int LINE_M = N * MID_W;      // a column of it

  if (N < 3 || ACC_W < 8) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (ACC_W > 32 || SHIFT1 < 0 || SHIFT2 < 0) begin : g_check_width
    rvg_error_dividers_have_at_most_32_bits u_error ();
  end

  // ---- rows: N sums -> M1 values, which move into their columns from above
  logic [M1*SUM_W-1:0]       row;
  logic [M1-1:0][LINE_M-1:0] middle_q, columns_q;

  rvg_engine_output_network #(.IN_W(SUM_W), .W(SUM_W)) u_rows (.stride2(rows_stride2), .x(sums), .y(row));

  for (genvar j = 0; j < M1; j++) begin : g_column
    wire [MID_W-1:0] value = rows_stride2 ? row[SUM_W*j + SHIFT2 +: MID_W] : row[SUM_W*j + SHIFT1 +: MID_W];

    always_ff @(posedge clk) begin
      if (rows) middle_q[j] <= {value, middle_q[j][LINE_M-1:MID_W]};
      if (hand_over) columns_q[j] <= middle_q[j];
    end
  end

  // ---- columns: N values -> M1 values, then the division
  logic                columns_valid_q, acc_stride2_q;
  logic [LINE_M-1:0]   column_q;
  logic [M1*MID_W-1:0] values;
  logic [M1*ACC_W-1:0] scaled_q;

  rvg_engine_output_network #(.IN_W(MID_W), .W(MID_W)) u_columns (.stride2(columns_stride2), .x(column_q), .y(values));

  always_ff @(posedge clk) begin
    if (columns) column_q <= columns_q[column];
    columns_valid_q <= columns;
    acc_stride2_q   <= columns_stride2;
    if (rst) columns_valid_q <= 1'b0;
  end

  for (genvar i = 0; i < M1; i++) begin : g_pixel
    always_ff @(posedge clk) begin
      if (columns_valid_q) begin
        scaled_q[ACC_W*i +: ACC_W] <=
          columns_stride2 ? values[MID_W*i + SHIFT2 +: ACC_W] : values[MID_W*i + SHIFT1 +: ACC_W];
      end
    end

    rvg_engine_divide_network #(.W(ACC_W)) u_divide (
      .stride2(acc_stride2_q), .x(scaled_q[ACC_W*i +: ACC_W]), .y(acc[ACC_W*i +: ACC_W])
    );
  end

`ifdef RVG_ASSERT
  // The division's own proof: a sum that is no multiple of 2^SHIFT was not a convolution's.
  localparam logic [SUM_W-1:0] REST1 = SUM_W'((1 << SHIFT1) - 1);
  localparam logic [SUM_W-1:0] REST2 = SUM_W'((1 << SHIFT2) - 1);

  rvg_assert #(.TEXT("rvg_engine_tile: a rest in the first pass")) u_assert_rows (
    .clk, .rst, .holds(!rows || (row & {M1{rows_stride2 ? REST2 : REST1}}) == '0)
  );
  rvg_assert #(.TEXT("rvg_engine_tile: a rest in the second pass")) u_assert_columns (
    .clk, .rst, .holds(!columns_valid_q || (values & {M1{columns_stride2 ? MID_W'(REST2) : MID_W'(REST1)}}) == '0)
  );
`endif

  wire unused = &{1'b0, row, values};  // bits beyond the shifts, which only the check looks at

endmodule

`default_nettype wire
