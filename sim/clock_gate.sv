// SPDX-License-Identifier: Apache-2.0
// clock_gate: the clock of a layer that may rest.
//
//   gated = clk, but for cycles in which the layer has had nothing to do for CYCLES cycles
//
// A frame is in few layers of a deep network at a time; the edges of all others change nothing, and take a simulator
// as long. `busy`: a beat is at the layer's input or output, or it reads its tables. CYCLES is longer than a layer at
// work is without any of these, so that it stops at rest only: what a proof with gates no longer sees is a layer that
// would begin something by itself. Where CYCLES is too short, a layer stops at work: it is late, or its beats never come.

`default_nettype none

module clock_gate #(
  parameter int CYCLES = 1024
) (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic busy,
  output      logic gated
);

  logic [31:0] left_q;
  logic        open_q;

  always_ff @(posedge clk) begin
    if (busy || rst)       left_q <= CYCLES;
    else if (left_q != '0) left_q <= left_q - 1;
  end

  // Between two edges, where nothing changes: of the edge that follows a part would be a pulse.
  always_ff @(negedge clk) open_q <= busy || rst || left_q != '0;

  assign gated = clk && open_q;

endmodule

`default_nettype wire
