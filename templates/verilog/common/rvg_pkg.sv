// SPDX-License-Identifier: Apache-2.0
// rvg_pkg: widths that every layer shares, and the latency of a sum of products.
//
// Golden : repvgg_hw/network.py, MULTIPLIER_BITS; repvgg_hw/targets/verilog/tables.py, SHIFT_BITS;
//          repvgg_hw/plan/stream/timing.py, MULTIPLY_CYCLES and CHAIN
// Checks : every module refuses illegal parameters by an instance of a module that does not exist, rvg_error_WHAT, in a
//          generate-if: what Verilator, Yosys and Icarus all refuse, whatever their options.

`default_nettype none

package rvg_pkg;

  localparam int MULT_W  = 17;  // requantization's multiplier, unsigned: one signed 18-bit port
  localparam int SHIFT_W = 6;   // and its shift
  localparam int STAGES  = 3;   // registers of a multiplier: operands, product, result
  localparam int CHAIN   = 9;   // products that are summed from multiplier to multiplier, at most

  // A sum of products is so many chains, as long as each other or the last one shorter.
  function automatic int chains(input int terms);
    chains = (terms + CHAIN - 1) / CHAIN;
  endfunction

  function automatic int chain_length(input int terms);
    chain_length = (terms + chains(terms) - 1) / chains(terms);
  endfunction

  // Register stages of a sum of so many terms by pairs.
  function automatic int sum_stages(input int terms);
    sum_stages = $clog2(terms);
  endfunction

  // From the operands of a chain to its sum: each product but the first comes one cycle later.
  function automatic int chain_latency(input int terms);
    chain_latency = STAGES + terms - 1;
  endfunction

  // From the operands of a dot product to its sum: a chain, then the sum of the chains.
  function automatic int dot_latency(input int terms);
    dot_latency = chain_latency(chain_length(terms)) + sum_stages(chains(terms));
  endfunction

  // From the operands of products to what is added to their sum (rvg_product_add): it meets the first product, as long as
  // no more than one follows; else the last.
  function automatic int addend_at(input int terms);
    addend_at = terms <= 2 ? 1 : terms <= CHAIN ? terms : dot_latency(terms);
  endfunction

  // From the operands, as a memory gives them, to their sum over words: a register behind the memory, and the
  // accumulator. One product needs no register of its own for either: it is accumulated where it is made.
  function automatic int accumulate_latency(input int terms);
    accumulate_latency = terms == 1 ? STAGES + 1 : 1 + dot_latency(terms) + 1;
  endfunction

endpackage

`default_nettype wire
