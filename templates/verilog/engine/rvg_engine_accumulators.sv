// SPDX-License-Identifier: Apache-2.0
// rvg_engine_accumulators: the sums of one position and output channel, one for each slot.
//
//   on clk, if add: mem[slot] <= (first ? 0 : mem[slot]) + term         drained = mem[drain_slot]
//
// Data   : DEPTH sums of W bits, modulo 2^W; contents start undefined: `first` begins a sum.
// Latency: reads without a register, so that one slot may be added to cycle after cycle. Maps to RAM in LUTs.
// Not here: draining a slot in the cycle in which it is added to gives the old sum.

`default_nettype none

module rvg_engine_accumulators #(
  parameter int W       = 27,
  parameter int DEPTH   = 8,
  localparam int SLOT_W = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  wire logic              clk,
  input  wire logic              add,
  input  wire logic              first,
  input  wire logic [SLOT_W-1:0] slot,
  input  wire logic [W-1:0]      term,
  input  wire logic [SLOT_W-1:0] drain_slot,
  output      logic [W-1:0]      drained
);

  if (W < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  (* ram_style = "distributed" *)
  logic [W-1:0] mem [0:DEPTH-1];

  assign drained = mem[drain_slot];

  always_ff @(posedge clk) begin
    if (add) mem[slot] <= (first ? W'(0) : mem[slot]) + term;
  end

endmodule

`default_nettype wire
