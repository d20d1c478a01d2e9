// SPDX-License-Identifier: Apache-2.0
// rvg_dot_product: sum of N products, pipelined, one result per cycle.
//
//   sum = sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], modulo 2^SUM_W.
// Latency: LATENCY = rvg_pkg::dot_latency(N): chains of up to CHAIN products (rvg_product_chain.sv), as long as each
//          other, whose sums are added by pairs. enable[i] marks that the beat that came i cycles ago is worth
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

  if (N < 1 || X_W < 1 || W_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  function automatic int at_most(input int width);
    at_most = width < SUM_W ? width : SUM_W;
  endfunction

  // An unsigned operand gets a sign of its own, and still the product has no more bits than both have together.
  // Where sums are modulo 2^SUM_W (Winograd), a product's higher bits do not count.
  localparam int A_W    = X_SIGNED ? X_W : X_W + 1;
  localparam int TERM_W = at_most(X_W + W_W);

  localparam int CHAINS = rvg_pkg::chains(N);
  localparam int LENGTH = rvg_pkg::chain_length(N);
  localparam int READY  = rvg_pkg::chain_latency(LENGTH);
  localparam int PART_W = at_most(TERM_W + $clog2(LENGTH));

  // The ports of the smaller multipliers of AMD's families; a wider product takes several, without a cascade.
  localparam bit FITS = (A_W <= 25 && W_W <= 18) || (A_W <= 18 && W_W <= 25);

  logic [N*A_W-1:0]         a;
  logic [CHAINS*PART_W-1:0] parts;

  for (genvar i = 0; i < N; i++) begin : g_operand
    if (X_SIGNED) begin : g_signed
      assign a[A_W*i +: A_W] = x[X_W*i +: X_W];
    end else begin : g_unsigned
      assign a[A_W*i +: A_W] = {1'b0, x[X_W*i +: X_W]};
    end
  end

  for (genvar c = 0; c < CHAINS; c++) begin : g_chain
    localparam int FIRST = c * LENGTH;
    localparam int COUNT = FIRST + LENGTH <= N ? LENGTH : N - FIRST;
    localparam int OWN_W = at_most(TERM_W + $clog2(COUNT));
    localparam int OWN   = rvg_pkg::chain_latency(COUNT);

    logic signed [OWN_W-1:0] own, part;

    if (COUNT > 1 && FITS) begin : g_cascade
      rvg_product_chain #(.N(COUNT), .A_W(A_W), .B_W(W_W), .TERM_W(TERM_W), .SUM_W(OWN_W)) u_chain (
        .clk, .en(enable[OWN-1:0]), .a(a[A_W*FIRST +: A_W*COUNT]), .b(w[W_W*FIRST +: W_W*COUNT]), .sum(own)
      );
    end else begin : g_tree
      rvg_product_tree #(.N(COUNT), .A_W(A_W), .B_W(W_W), .TERM_W(TERM_W), .SUM_W(OWN_W)) u_tree (
        .clk, .en(enable[OWN-1:0]), .a(a[A_W*FIRST +: A_W*COUNT]), .b(w[W_W*FIRST +: W_W*COUNT]), .sum(own)
      );
    end

    if (COUNT == LENGTH) begin : g_full
      assign part = own;
    end else begin : g_shorter
      rvg_delay #(.W(OWN_W), .CYCLES(READY - OWN)) u_delay (.clk, .en(enable[READY-1:OWN]), .d(own), .q(part));
    end

    assign parts[PART_W*c +: PART_W] = PART_W'(part);
  end

  if (CHAINS == 1) begin : g_one
    wire signed [PART_W-1:0] only = parts;
    assign sum = SUM_W'(only);
  end else begin : g_sum
    rvg_adder_tree #(.N(CHAINS), .TERM_W(PART_W), .W(SUM_W)) u_sum (
      .clk, .enable(enable[LATENCY-1:READY]), .terms(parts), .sum
    );
  end

endmodule

`default_nettype wire
