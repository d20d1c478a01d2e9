// SPDX-License-Identifier: Apache-2.0
// rvg_shift_add: one node of a constant network.
//
//   y = +-(a << A_SHIFT) +- (b << B_SHIFT)      modulo 2^W
//
// Golden : repvgg_hw/winograd/adders.py, Adder
// Widths : a, b, y int[W]. The adder has min(W, SUM_W) bits, which hold the exact sum or wrap modulo 2^W;
//          y is its sign extension, so that networks connect W-bit lanes and pay for the bits they need.
// Latency: 0.

`default_nettype none

module rvg_shift_add #(
  parameter int W       = 16,
  parameter int SUM_W   = 16,
  parameter int A_SHIFT = 0,
  parameter bit A_NEG   = 1'b0,
  parameter int B_SHIFT = 0,
  parameter bit B_NEG   = 1'b0
) (
  input  wire logic [W-1:0] a,
  input  wire logic [W-1:0] b,
  output      logic [W-1:0] y
);

  localparam int N = SUM_W < W ? SUM_W : W;

  if (W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (A_SHIFT < 0 || B_SHIFT < 0) begin : g_check_shifts
    rvg_error_negative_shift u_error ();
  end

  logic signed [N-1:0] p, q, sum;

  assign p = N'(a << A_SHIFT);
  assign q = N'(b << B_SHIFT);

  if (A_NEG && B_NEG) begin : g_negative
    assign sum = -p - q;
  end else if (A_NEG) begin : g_b_minus_a
    assign sum = q - p;
  end else if (B_NEG) begin : g_a_minus_b
    assign sum = p - q;
  end else begin : g_sum
    assign sum = p + q;
  end

  assign y = W'(sum);

endmodule

`default_nettype wire
