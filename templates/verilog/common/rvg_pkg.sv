// SPDX-License-Identifier: Apache-2.0
// rvg_pkg: widths that every layer shares, and the latency of a sum of products.
//
// Golden : repvgg_hw/network.py, MULTIPLIER_BITS; repvgg_hw/targets/verilog/tables.py, SHIFT_BITS;
//          repvgg_hw/plan/stream/timing.py, MULTIPLY_CYCLES, CHAIN and PAIR_BITS
// Checks : every module refuses illegal parameters by an instance of a module that does not exist, rvg_error_WHAT, in a
//          generate-if: what Verilator, Yosys and Icarus all refuse, whatever their options.

`default_nettype none

package rvg_pkg;

  localparam int MULT_W  = 17;  // requantization's multiplier, unsigned: one signed 18-bit port
  localparam int SHIFT_W = 6;   // and its shift
  localparam int STAGES  = 3;   // registers of a multiplier: operands, product, result
  localparam int CHAIN   = 9;   // products that are summed from multiplier to multiplier, at most
  localparam int PAIR_W  = 27;  // the operand that holds two weights, where a multiplier makes two products

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

  // Two products in a multiplier, rvg_pair_accumulate.sv: so many may be summed before the lower sum, of PAIR_W - w_w
  // bits with its sign, would reach the upper one. Operands are of x_w bits, x_w + w_w at most 31, and no
  // weight is -2^(w_w - 1).
  function automatic int pair_chain(input int x_w, input bit x_signed, input int w_w);
    int largest, fitting;
    largest    = (x_signed ? 1 << (x_w - 1) : (1 << x_w) - 1) * ((1 << (w_w - 1)) - 1);
    fitting    = ((1 << (PAIR_W - w_w - 1)) - 1) / largest;
    pair_chain = fitting < CHAIN ? fitting : CHAIN;
  endfunction

  function automatic int pair_chains(input int terms, input int most);
    pair_chains = (terms + most - 1) / most;
  endfunction

  // The longest of these chains; others are one product shorter.
  function automatic int pair_length(input int terms, input int most);
    pair_length = (terms + pair_chains(terms, most) - 1) / pair_chains(terms, most);
  endfunction

  // As accumulate_latency, with chains of at most so many products.
  function automatic int pair_latency(input int terms, input int most);
    pair_latency = 1 + chain_latency(pair_length(terms, most)) + sum_stages(pair_chains(terms, most)) + 1;
  endfunction

endpackage

`default_nettype wire
