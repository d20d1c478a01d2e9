// SPDX-License-Identifier: Apache-2.0
// rvg_engine_accumulators: products of one position and output channel, and their sums, one for each tile of a strip.
//
//   word's sum = (first ? 0 : mem[tile]) + sum over i < PI of x[i] * w[i]         drained = ready[drain_slot]
//   on clk, if enable[LATENCY]: mem[add_tile] <= that sum; if ends: ready[add_slot] <= that sum
//
// Widths : x PI x int[DATA_W], w PI x int[WEIGHT_W], sums modulo 2^W; memories start undefined: `first` begins a sum.
// Latency: LATENCY = rvg_pkg::dot_latency(PI) cycles from a word to its sum, written at the end of the cycle after them.
//          tile and first are those of the word of AT = rvg_pkg::addend_at(PI) cycles ago, add_tile, add_slot and ends of
//          that of LATENCY cycles ago. enable[i] marks that the word of i cycles ago counts.
// Rate   : one word a cycle; the next one of a tile at least LATENCY - AT + 1 cycles later, which is at most 4.
// Memory : RAM in LUTs, each with one port to read: sums that grow, and those that wait to be drained, 2 * T_MAX of them.
// Cells  : up to rvg_pkg::CHAIN products are added to the sum by the multipliers themselves, rvg_product_add.
// Not here: draining a slot in the cycle in which it is written gives the old sum.

`default_nettype none

module rvg_engine_accumulators #(
  parameter int PI       = 1,
  parameter int DATA_W   = 15,
  parameter int WEIGHT_W = 14,
  parameter int W        = 27,
  parameter int T_MAX    = 4,
  localparam int LATENCY = rvg_pkg::dot_latency(PI),
  localparam int TILE_W  = T_MAX > 1 ? $clog2(T_MAX) : 1,
  localparam int SLOT_W  = $clog2(2*T_MAX)
) (
  input  wire logic                   clk,
  input  wire logic [LATENCY:0]       enable,
  input  wire logic [PI*DATA_W-1:0]   x,
  input  wire logic [PI*WEIGHT_W-1:0] w,
  input  wire logic                   first,
  input  wire logic [TILE_W-1:0]      tile,
  input  wire logic [TILE_W-1:0]      add_tile,
  input  wire logic [SLOT_W-1:0]      add_slot,
  input  wire logic                   ends,
  input  wire logic [SLOT_W-1:0]      drain_slot,
  output      logic [W-1:0]           drained
);

  if (PI < 1 || W < 1 || T_MAX < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  (* ram_style = "distributed" *)
  logic [W-1:0] mem [0:T_MAX-1];
  (* ram_style = "distributed" *)
  logic [W-1:0] ready [0:2*T_MAX-1];

  logic [W-1:0] old, sum;

  assign old     = mem[tile];
  assign drained = ready[drain_slot];

  if (PI <= rvg_pkg::CHAIN) begin : g_multipliers
    rvg_product_add #(.N(PI), .A_W(DATA_W), .B_W(WEIGHT_W), .SUM_W(W)) u_add (
      .clk, .en(enable[LATENCY-1:0]), .a(x), .b(w), .c(old), .clear(first), .sum
    );
  end else begin : g_logic
    logic [W-1:0] products;

    rvg_dot_product #(.N(PI), .X_W(DATA_W), .X_SIGNED(1'b1), .W_W(WEIGHT_W), .SUM_W(W)) u_dot (
      .clk, .enable(enable[LATENCY-1:0]), .x, .w, .sum(products)
    );
    assign sum = (first ? '0 : old) + products;
  end

  always_ff @(posedge clk) begin
    if (enable[LATENCY]) mem[add_tile] <= sum;
    if (enable[LATENCY] && ends) ready[add_slot] <= sum;
  end

endmodule

`default_nettype wire
