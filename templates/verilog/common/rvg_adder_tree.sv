// SPDX-License-Identifier: Apache-2.0
// rvg_adder_tree: sum of N >= 2 terms, by pairs, a register after every addition.
//
// Widths : terms N x int[TERM_W], sum int[W], modulo 2^W. A sum is one bit wider than its terms, up to W: no register
//          holds a copy of a sign.
// Latency: LEVELS = ceil(log2 N) cycles, one result per cycle. enable[i] marks that the beat that came i cycles ago
//          is worth adding.

`default_nettype none

module rvg_adder_tree #(
  parameter int N      = 4,
  parameter int TERM_W = 16,
  parameter int W      = 20,
  localparam int LEVELS = rvg_pkg::sum_stages(N)
) (
  input  wire logic                clk,
  input  wire logic [LEVELS-1:0]   enable,
  input  wire logic [N*TERM_W-1:0] terms,
  output      logic [W-1:0]        sum
);

  if (N < 2 || W < 1 || TERM_W < 1) begin : g_check_terms
    rvg_error_needs_two_terms_of_one_bit u_error ();
  end
  if (TERM_W > W) begin : g_check_width
    rvg_error_term_wider_than_the_sum u_error ();
  end

  function automatic int terms_at(input int level);
    terms_at = (N + (1 << level) - 1) >> level;
  endfunction

  function automatic int width_at(input int level);
    width_at = TERM_W + level < W ? TERM_W + level : W;
  endfunction

  // A register of its own for each sum, not an array: simulators copy an array's elements twice.
  for (genvar l = 0; l <= LEVELS; l++) begin : g_level
    for (genvar j = 0; j < terms_at(l); j++) begin : g_node
      logic signed [width_at(l)-1:0] value;

      if (l == 0) begin : g_term
        assign value = terms[TERM_W*j +: TERM_W];
      end else if (2*j + 1 < terms_at(l-1)) begin : g_sum
        always_ff @(posedge clk) begin
          if (enable[l-1]) value <= g_level[l-1].g_node[2*j].value + g_level[l-1].g_node[2*j+1].value;
        end
      end else begin : g_alone
        always_ff @(posedge clk) begin
          if (enable[l-1]) value <= g_level[l-1].g_node[2*j].value;
        end
      end
    end
  end

  assign sum = W'(g_level[LEVELS].g_node[0].value);

endmodule

`default_nettype wire
