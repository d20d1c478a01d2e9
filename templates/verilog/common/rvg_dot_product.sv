// SPDX-License-Identifier: Apache-2.0
// rvg_dot_product: sum of N products, pipelined, one result per cycle.
//
//   sum = sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], modulo 2^SUM_W.
// Latency: LATENCY = 3 + ceil(log2 N) cycles: the multipliers' registers, then those of the adder tree. enable[i] marks
//          that the beat that came i cycles ago is worth computing: the caller delays its valid once for all its dot
//          products.

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

  if (N < 1 || X_W < 1 || W_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // An unsigned operand gets a sign of its own, and still the product has no more bits than both have together.
  // Where sums are modulo 2^SUM_W (Winograd), a product's higher bits do not count.
  localparam int A_W    = X_SIGNED ? X_W : X_W + 1;
  localparam int PROD_W = X_W + W_W < SUM_W ? X_W + W_W : SUM_W;

  logic [N*PROD_W-1:0] products;

  for (genvar i = 0; i < N; i++) begin : g_product
    rvg_multiply #(.A_W(A_W), .B_W(W_W), .P_W(PROD_W)) u_multiply (
      .clk, .en(enable[2:0]), .a(A_W'(x[X_W*i +: X_W])), .b(w[W_W*i +: W_W]), .p(products[PROD_W*i +: PROD_W])
    );
  end

  if (N == 1) begin : g_one
    wire signed [PROD_W-1:0] product = products;
    assign sum = SUM_W'(product);
  end else begin : g_tree
    rvg_adder_tree #(.N(N), .TERM_W(PROD_W), .W(SUM_W)) u_tree (
      .clk, .enable(enable[LATENCY-1:3]), .terms(products), .sum
    );
  end

endmodule

`default_nettype wire
