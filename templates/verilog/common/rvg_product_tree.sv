// SPDX-License-Identifier: Apache-2.0
// rvg_product_tree: sum of N products in the time of rvg_product_chain.sv, by pairs in logic.
//
//   sum = sum over i < N of a[i] * b[i]
//
// Widths : a N x int[A_W], b N x int[B_W], products int[TERM_W], sum int[SUM_W], both modulo their widths.
// Latency: LATENCY = 2 + N cycles, one result per cycle. en[i] marks that the operands of i cycles ago are worth
//          computing.
// For    : operands that are wider than the ports of a multiplier, and families whose multipliers have no cascade.

`default_nettype none

module rvg_product_tree #(
  parameter int N        = 3,
  parameter int A_W      = 9,
  parameter int B_W      = 8,
  parameter int TERM_W   = 16,
  parameter int SUM_W    = 18,
  localparam int LATENCY = rvg_pkg::chain_latency(N)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] en,
  input  wire logic [N*A_W-1:0]   a,
  input  wire logic [N*B_W-1:0]   b,
  output      logic [SUM_W-1:0]   sum
);

  localparam int STAGES = rvg_pkg::STAGES;
  localparam int LEVELS = rvg_pkg::sum_stages(N);
  localparam int LEFT   = LATENCY - STAGES - LEVELS;  // cycles that a chain takes longer

  if (N < 1 || A_W < 1 || B_W < 1 || TERM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [N*TERM_W-1:0] products;
  logic [SUM_W-1:0]    early;

  for (genvar i = 0; i < N; i++) begin : g_product
    rvg_multiply #(.A_W(A_W), .B_W(B_W), .P_W(TERM_W)) u_multiply (
      .clk, .en(en[STAGES-1:0]), .a(a[A_W*i +: A_W]), .b(b[B_W*i +: B_W]), .p(products[TERM_W*i +: TERM_W])
    );
  end

  if (N == 1) begin : g_one
    wire signed [TERM_W-1:0] product = products;
    assign early = SUM_W'(product);
  end else begin : g_tree
    rvg_adder_tree #(.N(N), .TERM_W(TERM_W), .W(SUM_W)) u_tree (
      .clk, .enable(en[STAGES +: LEVELS]), .terms(products), .sum(early)
    );
  end

  if (LEFT == 0) begin : g_in_time
    assign sum = early;
  end else begin : g_wait
    rvg_delay #(.W(SUM_W), .CYCLES(LEFT)) u_delay (.clk, .en(en[LATENCY-1 -: LEFT]), .d(early), .q(sum));
  end

endmodule

`default_nettype wire
