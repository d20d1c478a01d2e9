// SPDX-License-Identifier: Apache-2.0
// rvg_dot_slice: up to 8 products and their sum, each in a register: what a short cascade of DSP blocks does.
//
//   sum = sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], modulo 2^SUM_W.
// Latency: 2 cycles, one result per cycle. The enables mark the cycles worth computing.

`default_nettype none

module rvg_dot_slice #(
  parameter int N        = 8,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int W_W      = 8,
  parameter int SUM_W    = 20
) (
  input  wire logic             clk,
  input  wire logic             product_en,
  input  wire logic             sum_en,  // product_en, one cycle later
  input  wire logic [N*X_W-1:0] x,
  input  wire logic [N*W_W-1:0] w,
  output      logic [SUM_W-1:0] sum
);

  if (N < 1 || X_W < 1 || W_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (N > rvg_pkg::RADIX) begin : g_check_terms
    rvg_error_more_terms_than_one_stage_adds u_error ();
  end

  // Where sums are modulo 2^SUM_W (Winograd), a product's higher bits do not count.
  localparam int PROD_W = X_W + 1 + W_W < SUM_W ? X_W + 1 + W_W : SUM_W;

  // A register of its own for each product, not an array: simulators copy an array's elements twice.
  for (genvar i = 0; i < N; i++) begin : g_product
    logic signed [X_W:0]      x_i;
    logic signed [W_W-1:0]    w_i;
    logic signed [PROD_W-1:0] product_q;
    logic signed [SUM_W-1:0]  total;  // of the products up to this one

    assign x_i = {X_SIGNED && x[X_W*i + X_W-1], x[X_W*i +: X_W]};
    assign w_i = w[W_W*i +: W_W];

    always_ff @(posedge clk) begin
      if (product_en) product_q <= x_i * w_i;
    end

    if (i == 0) begin : g_first
      assign total = SUM_W'(product_q);
    end else begin : g_next
      assign total = g_product[i-1].total + SUM_W'(product_q);
    end
  end

  always_ff @(posedge clk) begin
    if (sum_en) sum <= g_product[N-1].total;
  end

endmodule

`default_nettype wire
