// SPDX-License-Identifier: Apache-2.0
// rvg_pkg: widths that every layer shares, and the latency of a sum of products.
//
// Golden : repvgg_hw/network.py, MULTIPLIER_BITS; repvgg_hw/targets/verilog/tables.py, SHIFT_BITS;
//          repvgg_hw/plan/stream/timing.py, MULTIPLY_CYCLES
// Checks : every module refuses illegal parameters by an instance of a module that does not exist, rvg_error_WHAT, in a
//          generate-if: what Verilator, Yosys and Icarus all refuse, whatever their options.

`default_nettype none

package rvg_pkg;

  localparam int MULT_W  = 17;  // requantization's multiplier, unsigned: one signed 18-bit port
  localparam int SHIFT_W = 6;   // and its shift
  localparam int STAGES  = 3;   // registers of a multiplier: operands, product, result

  // Register stages of a sum of so many terms: each adds two.
  function automatic int sum_stages(input int terms);
    sum_stages = $clog2(terms);
  endfunction

  // From the operands of a dot product to its sum: the multipliers' registers, then the sums'.
  function automatic int dot_latency(input int terms);
    dot_latency = STAGES + sum_stages(terms);
  endfunction

endpackage

`default_nettype wire
