// SPDX-License-Identifier: Apache-2.0
// rvg_dot_product: sum of N products, pipelined, one result per cycle.
//
//   sum = sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], which must hold it.
// Latency: LATENCY = 1 + max(1, ceil(log8 N)) cycles. enable[i] marks that the beat that came i cycles ago is worth
//          computing: the caller delays its valid once for all its dot products.

`default_nettype none

module rvg_dot_product #(
  parameter int N        = 9,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int W_W      = 8,
  parameter int SUM_W    = 20,
  localparam int LATENCY = rvg_pkg::dot_latency(N)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] enable,
  input  wire logic [N*X_W-1:0]   x,
  input  wire logic [N*W_W-1:0]   w,
  output      logic [SUM_W-1:0]   sum
);

  localparam int SLICE  = rvg_pkg::RADIX;
  localparam int SLICES = (N + SLICE - 1) / SLICE;

  if (N < 1 || X_W < 1 || W_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [SLICES*SUM_W-1:0] partial;

  for (genvar s = 0; s < SLICES; s++) begin : g_slice
    localparam int COUNT = N - SLICE*s < SLICE ? N - SLICE*s : SLICE;

    rvg_dot_slice #(.N(COUNT), .X_W(X_W), .X_SIGNED(X_SIGNED), .W_W(W_W), .SUM_W(SUM_W)) u_slice (
      .clk, .product_en(enable[0]), .sum_en(enable[1]),
      .x(x[X_W*SLICE*s +: X_W*COUNT]), .w(w[W_W*SLICE*s +: W_W*COUNT]),
      .sum(partial[SUM_W*s +: SUM_W])
    );
  end

  if (SLICES == 1) begin : g_one_slice
    assign sum = partial;
  end else begin : g_tree
    rvg_adder_tree #(.N(SLICES), .W(SUM_W)) u_tree (.clk, .enable(enable[LATENCY-1:2]), .terms(partial), .sum);
  end

endmodule

`default_nettype wire
