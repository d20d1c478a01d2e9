// SPDX-License-Identifier: Apache-2.0
// rvg_pair_accumulate: two sums of N products of the same operands, two products in each multiplier.
//
//   sum[k] = (first ? 0 : sum[k]) + sum over i < N of x[i] * v[k, i]        k < 2
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), v 2 x N x int[W_W] without -2^(W_W - 1), sum 2 x
//          int[SUM_W], modulo 2^SUM_W.
// Weights: w[0] = v[0] and w[1] = v[1] - (v[0] < 0), as tables have them: then w[1, i], the sign of v[0, i] up to
//          FIELD bits, and v[0, i] are the bits of v[1, i] * 2^FIELD + v[0, i], whose product with x[i] is both.
// Chains : end before the sum of lower products needs more than FIELD bits. Each begins with half of 2^FIELD, so that
//          the lower sum is never negative: the upper one is what stands above it, and no borrow is repaired.
// Latency: LATENCY = rvg_pkg::pair_latency, one word per cycle. en[i] marks that the word that came i cycles ago is
//          worth computing; `first` belongs to that of LATENCY - 1 cycles ago.
// For    : multipliers with a port of rvg_pkg::PAIR_W bits (DSP48E2); others take two for each pair.

`default_nettype none

module rvg_pair_accumulate #(
  parameter int N        = 9,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int W_W      = 8,
  parameter int SUM_W    = 24,
  localparam int MOST    = rvg_pkg::pair_chain(X_W, X_SIGNED, W_W),
  localparam int LATENCY = rvg_pkg::pair_latency(N, MOST)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] en,
  input  wire logic               first,
  input  wire logic [N*X_W-1:0]   x,
  input  wire logic [2*N*W_W-1:0] w,
  output      logic [2*SUM_W-1:0] sum
);

  if (N < 2 || X_W < 1 || W_W < 2 || SUM_W < 1) begin : g_check_terms
    rvg_error_needs_two_terms_of_one_bit u_error ();
  end
  if (2 * W_W > rvg_pkg::PAIR_W - 1 || MOST < 3) begin : g_check_field
    rvg_error_products_too_wide_to_share_a_multiplier u_error ();
  end

  localparam int FIELD  = rvg_pkg::PAIR_W - W_W;
  localparam int B_W    = X_SIGNED ? X_W : X_W + 1;  // an unsigned operand gets a sign of its own
  localparam int TERM_W = FIELD + X_W + W_W;
  localparam int CHAINS = rvg_pkg::pair_chains(N, MOST);
  localparam int LENGTH = rvg_pkg::pair_length(N, MOST);
  localparam int READY  = rvg_pkg::chain_latency(LENGTH);
  localparam int ALL_W  = X_W + W_W + $clog2(LENGTH);  // of one chain's sum
  localparam int PART_W = ALL_W < SUM_W ? ALL_W : SUM_W;

  // ---- operands, as memories give them, wait in registers
  logic [N*X_W-1:0]   x_q;
  logic [2*N*W_W-1:0] w_q;

  always_ff @(posedge clk) begin
    if (en[0]) begin
      x_q <= x;
      w_q <= w;
    end
  end

  logic [N*rvg_pkg::PAIR_W-1:0] a;
  logic [N*B_W-1:0]             b;

  for (genvar i = 0; i < N; i++) begin : g_operand
    assign a[rvg_pkg::PAIR_W*i +: rvg_pkg::PAIR_W] = {
      w_q[W_W*(N+i) +: W_W], {(FIELD-W_W){w_q[W_W*i + W_W-1]}}, w_q[W_W*i +: W_W]
    };
    if (X_SIGNED) begin : g_signed
      assign b[B_W*i +: B_W] = x_q[X_W*i +: X_W];
    end else begin : g_unsigned
      assign b[B_W*i +: B_W] = {1'b0, x_q[X_W*i +: X_W]};
    end
  end

  // ---- chains of pairs of products, each taken apart at its end
  logic [CHAINS*PART_W-1:0] lower, upper;

  for (genvar c = 0; c < CHAINS; c++) begin : g_chain
    localparam int REST  = N % CHAINS;  // so many chains are one product longer
    localparam int COUNT = N / CHAINS + (c < REST ? 1 : 0);
    localparam int FIRST = c * (N / CHAINS) + (c < REST ? c : REST);
    localparam int BOTH  = TERM_W + $clog2(COUNT);
    localparam int OWN   = rvg_pkg::chain_latency(COUNT);
    localparam int OWN_W = X_W + W_W + $clog2(COUNT);
    localparam int LOW_W = OWN_W < FIELD ? OWN_W : FIELD;

    logic [BOTH-1:0]    both;
    logic [2*OWN_W-1:0] apart, part;

    rvg_product_chain #(
      .N(COUNT), .A_W(rvg_pkg::PAIR_W), .B_W(B_W), .TERM_W(TERM_W), .SUM_W(BOTH), .START(1 << (FIELD - 1))
    ) u_chain (
      .clk, .en(en[OWN:1]), .a(a[rvg_pkg::PAIR_W*FIRST +: rvg_pkg::PAIR_W*COUNT]), .b(b[B_W*FIRST +: B_W*COUNT]),
      .sum(both)
    );

    wire [FIELD-1:0]        field  = both[FIELD-1:0] ^ (FIELD'(1) << (FIELD - 1));  // less half of 2^FIELD
    wire signed [LOW_W-1:0] low    = field[LOW_W-1:0];
    wire                    unused = &{1'b0, field};  // beyond LOW_W its bits are the sign
    assign apart = {both[BOTH-1:FIELD], OWN_W'(low)};

    if (COUNT == LENGTH) begin : g_full
      assign part = apart;
    end else begin : g_shorter
      rvg_delay #(.W(2*OWN_W), .CYCLES(READY - OWN)) u_delay (.clk, .en(en[READY:OWN+1]), .d(apart), .q(part));
    end

    wire signed [OWN_W-1:0] part_low  = part[OWN_W-1:0];
    wire signed [OWN_W-1:0] part_high = part[2*OWN_W-1:OWN_W];
    assign lower[PART_W*c +: PART_W] = PART_W'(part_low);
    assign upper[PART_W*c +: PART_W] = PART_W'(part_high);
  end

  // ---- sums of the chains, and over words
  for (genvar k = 0; k < 2; k++) begin : g_sum
    wire [CHAINS*PART_W-1:0] parts = k == 0 ? lower : upper;
    logic [SUM_W-1:0] products, sum_q;

    if (CHAINS == 1) begin : g_one
      wire signed [PART_W-1:0] only = parts;
      assign products = SUM_W'(only);
    end else begin : g_tree
      rvg_adder_tree #(.N(CHAINS), .TERM_W(PART_W), .W(SUM_W)) u_tree (
        .clk, .enable(en[LATENCY-2:READY+1]), .terms(parts), .sum(products)
      );
    end

    always_ff @(posedge clk) begin
      if (en[LATENCY-1]) sum_q <= (first ? '0 : sum_q) + products;
    end

    assign sum[SUM_W*k +: SUM_W] = sum_q;
  end

endmodule

`default_nettype wire
