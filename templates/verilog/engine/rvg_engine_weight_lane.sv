// SPDX-License-Identifier: Apache-2.0
// rvg_engine_weight_lane: one kernel of 3 x 3 taps into the transform domain, three columns, then rows by thirds.
//
//   u = G g G^T
//
// Golden : repvgg_hw/winograd/golden.py, weight_transform()
// Steps  : column j of the kernel in column_step[j], j = 0, 1, 2; the third moves all three to the row pass. Then the row
//          pass in row_step[k], k = 0, 1, 2, a third of the rows each (ceil(N/3) of them), while the next kernel's columns
//          come. The caller keeps each pass from overtaking the other.
// Widths : taps int8, after the column pass int[WMIDDLE_W], out int[WEIGHT_W], lane row*N + column.
// Shared : one network of G for the columns, ceil(N/3) for the rows.
// Latency: 3 cycles for a pass: the result of a step is there in the next cycle.

`default_nettype none

module rvg_engine_weight_lane #(
  parameter int N         = 5,
  parameter int WMIDDLE_W = 11,
  parameter int WEIGHT_W  = 14
) (
  input  wire logic                    clk,

  input  wire logic [2:0]              column_step,
  input  wire logic                    column_stride2,
  input  wire logic [23:0]             column,          // 3 taps, top tap low

  input  wire logic [2:0]              row_step,
  input  wire logic                    row_stride2,
  output      logic [N*N*WEIGHT_W-1:0] weight
);

  localparam int ROWS   = (N + 2) / 3;      // of a third
  localparam int LINE_M = N * WMIDDLE_W;    // one column after the column pass
  localparam int LINE_W = N * WEIGHT_W;     // one row of the result

  if (N < 3 || WMIDDLE_W < 8 || WEIGHT_W < WMIDDLE_W) begin : g_check_widths
    rvg_error_every_pass_widens u_error ();
  end

  // ---- columns: 3 taps -> N values
  logic [3*WMIDDLE_W-1:0] taps;
  logic [LINE_M-1:0]      line, first_q, second_q;
  logic [3*LINE_M-1:0]    middle_q;  // columns 0, 1, 2

  for (genvar i = 0; i < 3; i++) begin : g_tap
    wire signed [7:0] tap = column[8*i +: 8];
    assign taps[WMIDDLE_W*i +: WMIDDLE_W] = WMIDDLE_W'(tap);
  end

  rvg_engine_weight_network #(.IN_W(8), .W(WMIDDLE_W)) u_columns (.stride2(column_stride2), .x(taps), .y(line));

  always_ff @(posedge clk) begin
    if (column_step[0]) first_q  <= line;
    if (column_step[1]) second_q <= line;
    if (column_step[2]) middle_q <= {line, second_q, first_q};
  end

  // ---- rows: 3 values -> N weights, network k does rows k, ROWS + k, 2*ROWS + k
  for (genvar k = 0; k < ROWS; k++) begin : g_network
    logic [3*WEIGHT_W-1:0] values;
    logic [LINE_W-1:0]     row;

    for (genvar j = 0; j < 3; j++) begin : g_value
      logic signed [WMIDDLE_W-1:0] value;

      always_comb begin
        value = middle_q[LINE_M*j + WMIDDLE_W*k +: WMIDDLE_W];
        for (int third = 1; third < 3; third++) begin
          if (row_step[third] && ROWS*third + k < N) begin
            value = middle_q[LINE_M*j + WMIDDLE_W*((ROWS*third + k) % N) +: WMIDDLE_W];
          end
        end
      end

      assign values[WEIGHT_W*j +: WEIGHT_W] = WEIGHT_W'(value);
    end

    rvg_engine_weight_network #(.IN_W(WMIDDLE_W), .W(WEIGHT_W)) u_rows (.stride2(row_stride2), .x(values), .y(row));

    for (genvar third = 0; third < 3; third++) begin : g_third
      if (ROWS*third + k < N) begin : g_row
        always_ff @(posedge clk) begin
          if (row_step[third]) weight[LINE_W*(ROWS*third + k) +: LINE_W] <= row;
        end
      end
    end
  end

endmodule

`default_nettype wire
