// SPDX-License-Identifier: Apache-2.0
// rvg_adder_tree: sum of N >= 2 terms, a register after every eight.
//
// Widths : terms N x int[W], sum int[W], which must hold every partial sum.
// Latency: LEVELS = ceil(log8 N) cycles, one result per cycle. enable[i] marks that the beat that came i cycles ago
//          is worth adding.

`default_nettype none

module rvg_adder_tree #(
  parameter int N = 4,
  parameter int W = 20,
  localparam int LEVELS = rvg_pkg::sum_stages(N)
) (
  input  wire logic              clk,
  input  wire logic [LEVELS-1:0] enable,
  input  wire logic [N*W-1:0]    terms,
  output      logic [W-1:0]      sum
);

  localparam int RADIX = rvg_pkg::RADIX;

  if (N < 2 || W < 1) begin : g_check_terms
    rvg_error_needs_two_terms_of_one_bit u_error ();
  end

  function automatic int terms_at(input int level);
    int n;
    n = N;
    for (int i = 0; i < level; i++) n = (n + RADIX - 1) / RADIX;
    terms_at = n;
  endfunction

  for (genvar l = 0; l < LEVELS; l++) begin : g_level
    logic [W*terms_at(l)-1:0]   in;
    logic [W*terms_at(l+1)-1:0] out_q;

    if (l == 0) begin : g_first
      assign in = terms;
    end else begin : g_next
      assign in = g_level[l-1].out_q;
    end

    for (genvar j = 0; j < terms_at(l+1); j++) begin : g_sum
      localparam int FIRST = RADIX * j;
      localparam int COUNT = terms_at(l) - FIRST < RADIX ? terms_at(l) - FIRST : RADIX;
      logic [W-1:0] total;

      always_comb begin
        total = '0;
        for (int i = 0; i < COUNT; i++) total = total + in[W*(FIRST+i) +: W];
      end
      always_ff @(posedge clk) begin
        if (enable[l]) out_q[W*j +: W] <= total;
      end
    end
  end

  assign sum = g_level[LEVELS-1].out_q;

endmodule

`default_nettype wire
