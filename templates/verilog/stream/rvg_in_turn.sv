// SPDX-License-Identifier: Apache-2.0
// rvg_in_turn: words that come at once leave one after another.
//
//   q = word i, 2 + i cycles after load
//
// In     : N words of W bits at load, word 0 low; N cycles after the load before it, or later.
// Choice : by a multiplexer. Of five or six words that would take two LUTs of six inputs a bit: there every word has
//          registers that are zero unless it is in front, and one such LUT joins them.
// Latency: 2 cycles.

`default_nettype none

module rvg_in_turn #(
  parameter int W = 8,
  parameter int N = 4
) (
  input  wire logic           clk,

  input  wire logic           load,
  input  wire logic [N*W-1:0] d,
  output      logic [W-1:0]   q
);

  if (W < 1 || N < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  if (N == 5 || N == 6) begin : g_gated
    logic [(N-1)*W-1:0] later_q;
    logic [N-2:0]       next_q;   // which of these comes to the front, one-hot
    logic [N*W-1:0]     front_q;  // zero, but for one word
    logic [W-1:0]       joined;

    always_ff @(posedge clk) begin
      if (load) later_q <= d[N*W-1:W];
      next_q <= load ? (N-1)'(1) : next_q << 1;

      if (!load) front_q[W-1:0] <= '0;
      else       front_q[W-1:0] <= d[W-1:0];
    end

    for (genvar i = 1; i < N; i++) begin : g_word
      always_ff @(posedge clk) begin
        if (!next_q[i-1]) front_q[W*i +: W] <= '0;
        else              front_q[W*i +: W] <= later_q[W*(i-1) +: W];
      end
    end

    always_comb begin
      joined = '0;
      for (int i = 0; i < N; i++) joined |= front_q[W*i +: W];
    end

    always_ff @(posedge clk) q <= joined;
  end else begin : g_chosen
    localparam int INDEX_W = N > 1 ? $clog2(N) : 1;

    logic [N*W-1:0]     words_q;
    logic [INDEX_W-1:0] index_q;

    always_ff @(posedge clk) begin
      if (load) words_q <= d;
      index_q <= load || index_q == INDEX_W'(N - 1) ? '0 : index_q + 1'b1;
      q       <= words_q[W*index_q +: W];
    end
  end

endmodule

`default_nettype wire
