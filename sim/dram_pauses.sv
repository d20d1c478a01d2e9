// SPDX-License-Identifier: Apache-2.0
// dram_pauses: when one channel of the memory model pauses, and how long an answer takes.
//
// +seed=N reproduces it. A pause begins with a probability of +back_pressure=PERCENT (0 where not given) and lasts one
// cycle, one in eight up to 32. Latencies are even from +latency_min=CYCLES to +latency_max=CYCLES (8 and 8).

`default_nettype none

module dram_pauses #(
  parameter int CHANNEL = 0  // dice of its own
) (
  input  wire logic        clk,
  input  wire logic        rst,
  output      logic        pause,
  output      logic [31:0] latency
);

  logic [31:0] seed, percent, least, most, random_q, left_q;

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("back_pressure=%d", percent)) percent = 0;
    if (!$value$plusargs("latency_min=%d", least)) least = 8;
    if (!$value$plusargs("latency_max=%d", most)) most = 8;
    if (most < least || percent > 95) $fatal(1, "needs latency_min <= latency_max, and back_pressure up to 95");
  end

  assign pause   = left_q != 0;
  assign latency = least + random_q[30:4] % (most - least + 1);

  always_ff @(posedge clk) begin
    random_q <= dram_pkg::xorshift(random_q);
    if (left_q != 0) left_q <= left_q - 1;
    else if (random_q[15:0] % 100 < percent) left_q <= random_q[18:16] == 0 ? 1 + 32'(random_q[23:19]) : 1;
    if (rst) begin
      random_q <= (seed + 32'(CHANNEL) * 32'd40503 + 1) * 32'd2654435761 | 32'd1;
      left_q   <= 0;
    end
  end

endmodule

`default_nettype wire
