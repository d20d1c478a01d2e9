// SPDX-License-Identifier: Apache-2.0
// rvg_issue: lets words into an array of multipliers that cannot be stopped, and follows them through it.
//
// A set is WORDS words. It begins only where there is room for its result, and sets end SPACING cycles or more apart.
//
// In     : words of WORD_W bits, opaque. `start_ok` says that the consumer has room for one more set, `start` that it
//          is now taken.
// Weights: `weight_en` and `weight_addr` ask a ROM with one cycle of latency for the word's weights: ADDRS words in
//          order; word 0 belongs to the first input word after reset, and after the last comes word 0. While a word
//          waits, its weights are read again and again: an enable of many memories must not come late in the cycle.
// Out    : `word`, beside its weights, for one cycle; `enable[i]` says that the word of i cycles ago is in the array. After LATENCY
//          cycles, the array's: `sums_valid`, and whether these sums are the `sums_first` or the `sums_last` of a set;
//          the first two COPIES times, each for some of the sums.
// Rate   : one word per cycle where WORDS >= SPACING, else a set in SPACING cycles.
// Latency: 1 cycle to `word`, 1 + LATENCY to `sums_valid`.

`default_nettype none

module rvg_issue #(
  parameter int WORD_W  = 72,
  parameter int WORDS   = 1,
  parameter int SPACING = 1,
  parameter int ADDRS   = 1,
  parameter int LATENCY = 2,
  parameter int COPIES  = 1,
  localparam int ADDR_W = ADDRS > 1 ? $clog2(ADDRS) : 1
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [WORD_W-1:0]  s_axis_tdata,
  input  wire logic               s_axis_tvalid,
  output      logic               s_axis_tready,

  input  wire logic               start_ok,
  output      logic               start,

  output      logic               weight_en,
  output      logic [ADDR_W-1:0]  weight_addr,

  output      logic [WORD_W-1:0]  word,
  output      logic [LATENCY-1:0] enable,
  output      logic [COPIES-1:0]  sums_valid,
  output      logic [COPIES-1:0]  sums_first,
  output      logic               sums_last
);

  localparam int COUNT_W = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int GAP_W   = SPACING > 1 ? $clog2(SPACING) : 1;

  if (WORD_W < 1 || WORDS < 1 || SPACING < 1 || ADDRS < 1 || COPIES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (LATENCY < 2) begin : g_check_latency
    rvg_error_latency_below_2 u_error ();
  end

  // ---- into the array
  // What is ready is told by registers, each of one bit: it is the beginning of long paths through the units around.
  logic [COUNT_W-1:0] word_q;
  logic [GAP_W-1:0]   gap_q;  // cycles until a set may end
  logic               first_q, last_q, apart_q;
  logic               accept, before_last;

  assign before_last   = word_q == COUNT_W'(WORDS > 1 ? WORDS - 2 : 0);
  assign s_axis_tready = (!first_q || start_ok) && (!last_q || apart_q);
  assign accept        = s_axis_tvalid && s_axis_tready;
  assign start         = accept && first_q;
  assign weight_en     = s_axis_tvalid;

  always_ff @(posedge clk) begin
    if (gap_q != '0) gap_q <= gap_q - 1'b1;
    apart_q <= gap_q <= GAP_W'(SPACING > 1);
    word    <= s_axis_tdata;  // in every cycle: that it is one is said by `enable`
    if (accept) begin
      word_q      <= last_q ? '0 : word_q + 1'b1;
      first_q     <= last_q;
      last_q      <= WORDS == 1 || before_last;
      weight_addr <= weight_addr == ADDR_W'(ADDRS - 1) ? '0 : weight_addr + 1'b1;
      if (last_q) begin
        gap_q   <= GAP_W'(SPACING - 1);
        apart_q <= SPACING == 1;
      end
    end
    if (rst) begin
      word_q      <= '0;
      first_q     <= 1'b1;
      last_q      <= WORDS == 1;
      gap_q       <= '0;
      apart_q     <= 1'b1;
      weight_addr <= '0;
    end
  end

  // ---- through the array. What is in flight at a reset must not come out after it.
  logic [LATENCY-1:0] alive_q, first_of_q;
  logic [LATENCY:0]   last_of_q;

  assign enable    = alive_q;
  assign sums_last = last_of_q[LATENCY];

  always_ff @(posedge clk) begin
    alive_q    <= {alive_q[LATENCY-2:0], accept};
    first_of_q <= {first_of_q[LATENCY-2:0], first_q};
    last_of_q  <= {last_of_q[LATENCY-1:0], last_q};
    if (rst) alive_q <= '0;
  end

  rvg_copies #(.N(COPIES)) u_valid (.clk, .rst, .d(alive_q[LATENCY-1]), .q(sums_valid));
  rvg_copies #(.N(COPIES)) u_first (.clk, .rst, .d(first_of_q[LATENCY-1]), .q(sums_first));

endmodule

`default_nettype wire
