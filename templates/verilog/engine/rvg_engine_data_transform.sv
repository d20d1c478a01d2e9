// SPDX-License-Identifier: Apache-2.0
// rvg_engine_data_transform: columns of windows of N x N pixels -> words in the transform domain.
//
//   v = B^T d B,   B^T of F(N-2) at stride 1, of phases of (N-1)/2 at stride 2
//
// Golden : repvgg_hw/winograd/golden.py, data_transform()
// In     : passes of N columns, lane row*PI + channel, of int9 pixels; a pass may bring nothing, see rvg_engine_windows.sv.
// Out    : a word of N x N values of PI channels, lane (row*N + column)*PI + channel, for a cycle.
// How    : a column is transformed and shifted into an array of N x N values; while the next window's columns come in, this
//          one's rows leave it on the other side: into it from the right and out of it at the left in one pass, into it from
//          below and out of it at the top in the next. So the array turns each window over, and is never copied.
// Rate   : one window in N cycles.  Latency: N + 4 cycles from a window's first column to its first row, 2 N + 4 to the word.

`default_nettype none

module rvg_engine_data_transform #(
  parameter int N        = 5,
  parameter int PI       = 1,
  parameter int MIDDLE_W = 12,
  parameter int DATA_W   = 14,
  localparam int X_W     = 9
) (
  input  wire logic                     clk,
  input  wire logic                     rst,

  input  wire logic [N*PI*X_W-1:0]      column,
  input  wire logic                     pass_step,
  input  wire logic                     pass_first,
  input  wire logic                     pass_window,
  input  wire logic                     pass_stride2,

  output      logic                     word_we,
  output      logic [N*N*PI*DATA_W-1:0] word_data
);

  localparam int STEP_W = $clog2(N);
  localparam int CELL_W = PI * MIDDLE_W;
  localparam int LINE_W = N * CELL_W;       // a column or row of the array
  localparam int ROW_W  = N * PI * DATA_W;  // a row of the result

  if (PI < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (MIDDLE_W < X_W || DATA_W < MIDDLE_W) begin : g_check_widths
    rvg_error_no_pass_narrows u_error ();
  end

  // ---- column pass
  logic [LINE_W-1:0] column_d, column_q;
  logic              step_q, first_q, window_q, stride2_q;

  for (genvar i = 0; i < PI; i++) begin : g_column
    logic [N*MIDDLE_W-1:0] d, t;

    for (genvar r = 0; r < N; r++) begin : g_row
      wire signed [X_W-1:0] pixel = column[X_W*(PI*r + i) +: X_W];

      assign d[MIDDLE_W*r +: MIDDLE_W]                 = MIDDLE_W'(pixel);
      assign column_d[MIDDLE_W*(PI*r + i) +: MIDDLE_W] = t[MIDDLE_W*r +: MIDDLE_W];
    end

    rvg_engine_data_network #(.IN_W(X_W), .W(MIDDLE_W)) u_network (.stride2(pass_stride2), .x(d), .y(t));
  end

  always_ff @(posedge clk) begin
    column_q  <= column_d;
    step_q    <= pass_step;
    first_q   <= pass_first;
    window_q  <= pass_window;
    stride2_q <= pass_stride2;
    if (rst) step_q <= 1'b0;
  end

  // ---- the array: its window leaves while the next one comes
  logic [N*LINE_W-1:0] array_q;             // cell (row, column) at CELL_W * (N*row + column)
  logic [LINE_W-1:0]   leaving, row_q;
  logic                up_q, up;            // the direction of this pass
  logic                in_window_q, in_stride2_q;    // of the window that comes
  logic                out_window_q, out_stride2_q;  // of the one that leaves
  logic                out_window, out_stride2;
  logic                row_valid_q, row_stride2_q;

  assign up          = up_q ^ first_q;
  assign out_window  = first_q ? in_window_q : out_window_q;
  assign out_stride2 = first_q ? in_stride2_q : out_stride2_q;

  for (genvar r = 0; r < N; r++) begin : g_row
    assign leaving[CELL_W*r +: CELL_W] = up ? array_q[CELL_W*r +: CELL_W] : array_q[CELL_W*N*r +: CELL_W];

    for (genvar c = 0; c < N; c++) begin : g_cell
      logic [CELL_W-1:0] from_below, from_right;

      if (r == N - 1) begin : g_bottom
        assign from_below = column_q[CELL_W*c +: CELL_W];
      end else begin : g_inside
        assign from_below = array_q[CELL_W*(N*(r + 1) + c) +: CELL_W];
      end
      if (c == N - 1) begin : g_right
        assign from_right = column_q[CELL_W*r +: CELL_W];
      end else begin : g_left
        assign from_right = array_q[CELL_W*(N*r + c + 1) +: CELL_W];
      end

      always_ff @(posedge clk) if (step_q) array_q[CELL_W*(N*r + c) +: CELL_W] <= up ? from_below : from_right;
    end
  end

  always_ff @(posedge clk) begin
    row_q         <= leaving;
    row_stride2_q <= out_stride2;
    row_valid_q   <= step_q && out_window;
    if (step_q) begin
      up_q          <= up;
      out_window_q  <= out_window;
      out_stride2_q <= out_stride2;
      in_window_q   <= window_q;
      in_stride2_q  <= stride2_q;
    end
    if (rst) begin
      up_q        <= 1'b0;
      in_window_q <= 1'b0;
      row_valid_q <= 1'b0;
    end
  end

  // ---- row pass: the word fills from above
  logic [ROW_W-1:0]  line;
  logic [STEP_W-1:0] count_q;

  for (genvar i = 0; i < PI; i++) begin : g_line
    logic [N*DATA_W-1:0] d, t;

    for (genvar c = 0; c < N; c++) begin : g_column
      wire signed [MIDDLE_W-1:0] value = row_q[MIDDLE_W*(PI*c + i) +: MIDDLE_W];

      assign d[DATA_W*c +: DATA_W]             = DATA_W'(value);
      assign line[DATA_W*(PI*c + i) +: DATA_W] = t[DATA_W*c +: DATA_W];
    end

    rvg_engine_data_network #(.IN_W(MIDDLE_W), .W(DATA_W)) u_network (.stride2(row_stride2_q), .x(d), .y(t));
  end

  always_ff @(posedge clk) begin
    word_we <= 1'b0;
    if (row_valid_q) begin
      word_data <= {line, word_data[N*ROW_W-1:ROW_W]};
      count_q   <= count_q == STEP_W'(N - 1) ? '0 : count_q + 1'b1;
      word_we   <= count_q == STEP_W'(N - 1);
    end
    if (rst) begin
      count_q <= '0;
      word_we <= 1'b0;
    end
  end

endmodule

`default_nettype wire
