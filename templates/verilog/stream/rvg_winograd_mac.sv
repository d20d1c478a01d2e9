// SPDX-License-Identifier: Apache-2.0
// rvg_winograd_mac: elementwise products of transformed data and weights, summed over channels.
//
//   sum[o, p] = sum over word < WORDS, i < PI of v[word, p, i] * u[word, o, p, i]    o < PO, p < K*K
//
// Golden : repvgg_hw/winograd/golden.py, the sums in winograd_conv()
// In     : words of K*K x PI lanes, lane p*PI + i; lane 0 in the low bits.
// Weights: from a ROM with one cycle of latency, read in order: ADDRS words of PO x (p, i) weights; word 0 belongs
//          to the first input word after reset, and after the last comes word 0.
// Out    : PO x K*K sums at once, modulo 2^SUM_W; no handshake: `start_ok` says that the consumer has room for one
//          more set, `start` that it is now taken. Sets are complete no closer than SPACING cycles.
// Rate   : one word per cycle where WORDS >= SPACING, else a set in SPACING cycles.
// Latency: from a set's last word to its sums: 1 + rvg_pkg::accumulate_latency(PI) cycles.

`default_nettype none

module rvg_winograd_mac #(
  parameter int POSITIONS = 16,  // K*K
  parameter int PI        = 1,
  parameter int PO        = 1,
  parameter int WORDS     = 1,
  parameter int SPACING   = 1,
  parameter int ADDRS     = 1,
  parameter int DATA_W    = 11,
  parameter int WEIGHT_W  = 12,
  parameter int SUM_W     = 26,
  localparam int ADDR_W   = ADDRS > 1 ? $clog2(ADDRS) : 1,
  localparam int N        = POSITIONS * PI
) (
  input  wire logic                          clk,
  input  wire logic                          rst,

  input  wire logic [N*DATA_W-1:0]           s_axis_tdata,
  input  wire logic                          s_axis_tvalid,
  output      logic                          s_axis_tready,

  output      logic                          weight_en,
  output      logic [ADDR_W-1:0]             weight_addr,
  input  wire logic [PO*N*WEIGHT_W-1:0]      weight_data,

  input  wire logic                          start_ok,
  output      logic                          start,

  output      logic                          sums_valid,
  output      logic [PO*POSITIONS*SUM_W-1:0] sums
);

  localparam int LATENCY = rvg_pkg::accumulate_latency(PI);
  localparam int SHARE   = 9;  // sums that one copy of their enable reaches
  localparam int COPIES  = (PO*POSITIONS + SHARE - 1) / SHARE;

  if (POSITIONS < 1 || PI < 1 || PO < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // ---- one word per cycle; a set begins where there is room for its result, and ends SPACING apart
  logic [N*DATA_W-1:0] v;
  logic [LATENCY-2:0]  enable;
  logic [COPIES-1:0]   products_valid, products_first;
  logic                products_last;

  rvg_issue #(
    .WORD_W(N*DATA_W), .WORDS(WORDS), .SPACING(SPACING), .ADDRS(ADDRS), .LATENCY(LATENCY - 1), .COPIES(COPIES)
  ) u_issue (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .start_ok, .start, .weight_en, .weight_addr,
    .word(v), .enable, .sums_valid(products_valid), .sums_first(products_first), .sums_last(products_last)
  );

  // ---- products, their sums over the word's channels, and those over the words of the set
  for (genvar o = 0; o < PO; o++) begin : g_lane
    for (genvar p = 0; p < POSITIONS; p++) begin : g_position
      localparam int L = POSITIONS*o + p;

      rvg_dot_accumulate #(.N(PI), .X_W(DATA_W), .X_SIGNED(1'b1), .W_W(WEIGHT_W), .SUM_W(SUM_W)) u_dot (
        .clk, .en({products_valid[L/SHARE], enable}), .first(products_first[L/SHARE]),
        .x(v[PI*DATA_W*p +: PI*DATA_W]), .w(weight_data[PI*WEIGHT_W*L +: PI*WEIGHT_W]),
        .sum(sums[SUM_W*L +: SUM_W])
      );
    end
  end

  always_ff @(posedge clk) begin
    sums_valid <= products_valid[0] && products_last;
    if (rst) sums_valid <= 1'b0;
  end

endmodule

`default_nettype wire
