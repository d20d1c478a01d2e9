// SPDX-License-Identifier: Apache-2.0
// rvg_dot_accumulate: sums of N products, accumulated from word to word.
//
//   sum = (first ? 0 : sum) + sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], modulo 2^SUM_W.
// Latency: LATENCY = rvg_pkg::accumulate_latency(N), one word per cycle: operands are taken as a memory gives them,
//          and wait in a register: a block RAM is slow, and a deep ROM is several with a multiplexer. en[i] marks that
//          the word that came i cycles ago is worth computing; `first` belongs to that of LATENCY - 1 cycles ago.
//          Operands are taken in every cycle: no enable has to reach that many registers, which lie far apart.

`default_nettype none

module rvg_dot_accumulate #(
  parameter int N        = 9,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int W_W      = 8,
  parameter int SUM_W    = 24,
  localparam int LATENCY = rvg_pkg::accumulate_latency(N)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] en,
  input  wire logic               first,
  input  wire logic [N*X_W-1:0]   x,
  input  wire logic [N*W_W-1:0]   w,
  output      logic [SUM_W-1:0]   sum
);

  if (N < 1 || X_W < 1 || W_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  if (N == 1) begin : g_one
    localparam int A_W    = X_SIGNED ? X_W : X_W + 1;  // an unsigned operand gets a sign of its own
    localparam int TERM_W = X_W + W_W < SUM_W ? X_W + W_W : SUM_W;

    rvg_multiply_accumulate #(.A_W(A_W), .B_W(W_W), .TERM_W(TERM_W), .SUM_W(SUM_W)) u_multiply (
      .clk, .en, .first, .a(A_W'(x)), .b(w), .sum
    );
  end else begin : g_several
    logic [N*X_W-1:0] x_q;
    logic [N*W_W-1:0] w_q;
    logic [SUM_W-1:0] products;

    wire unused = en[0];

    always_ff @(posedge clk) begin
      x_q <= x;
      w_q <= w;
      if (en[LATENCY-1]) sum <= (first ? '0 : sum) + products;
    end

    rvg_dot_product #(.N(N), .X_W(X_W), .X_SIGNED(X_SIGNED), .W_W(W_W), .SUM_W(SUM_W)) u_dot (
      .clk, .enable(en[LATENCY-2:1]), .x(x_q), .w(w_q), .sum(products)
    );
  end

endmodule

`default_nettype wire
