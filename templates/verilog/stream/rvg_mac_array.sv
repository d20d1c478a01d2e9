// SPDX-License-Identifier: Apache-2.0
// rvg_mac_array: PO dot products of one shared input word, accumulated over WORDS words.
//
//   acc[o] = sum over word < WORDS, i < N of x[word, i] * w[word, o, i]        o < PO
//
// Golden : repvgg_hw/golden.py, conv3x3() with N = 9 * PI, and linear() with N = PI
// In     : words of N lanes; the first lane in the low bits.
// Weights: from a ROM with one cycle of latency, read in order: ADDRS words of PO x N weights,
//          output-major; word 0 belongs to the first input word after reset, and after the last comes word 0.
// Out    : OUT_LANES accumulators per beat, low first, PO / OUT_LANES beats for each WORDS words; no handshake:
//          `start_ok` says that the consumer has room for one more set, `start` that it is now taken.
// Needs  : PO / OUT_LANES <= WORDS, so that one set has left before the next is complete.
// PACKED : outputs 2p and 2p + 1 share multipliers (rvg_pair_accumulate.sv): the table has the weights of the second
//          one less 1 where those of the first one are negative.
// Latency: from a set's last word to its first beat: 2 + rvg_pkg::accumulate_latency(N) cycles, or pair_latency.

`default_nettype none

module rvg_mac_array #(
  parameter int N         = 9,
  parameter int PO        = 1,
  parameter int WORDS     = 1,
  parameter int ADDRS     = 1,
  parameter int OUT_LANES = 1,
  parameter int X_W       = 8,
  parameter bit X_SIGNED  = 1'b0,
  parameter int W_W       = 8,
  parameter int ACC_W     = 24,
  parameter bit PACKED    = 1'b0,
  localparam int ADDR_W   = ADDRS > 1 ? $clog2(ADDRS) : 1
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [N*X_W-1:0]           s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output      logic                       s_axis_tready,

  output      logic                       weight_en,
  output      logic [ADDR_W-1:0]          weight_addr,
  input  wire logic [PO*N*W_W-1:0]        weight_data,

  input  wire logic                       start_ok,
  output      logic                       start,

  output      logic                       acc_valid,
  output      logic [OUT_LANES*ACC_W-1:0] acc
);

  localparam int BEATS   = PO / OUT_LANES;
  localparam int BEAT_W  = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int MOST    = PACKED ? rvg_pkg::pair_chain(X_W, X_SIGNED, W_W) : rvg_pkg::CHAIN;
  localparam int LATENCY = PACKED ? rvg_pkg::pair_latency(N, MOST) : rvg_pkg::accumulate_latency(N);

  if (PO < 1 || WORDS < 1 || OUT_LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BEATS * OUT_LANES != PO || BEATS > WORDS) begin : g_check_lanes
    rvg_error_out_lanes_must_divide_po_into_at_most_words_beats u_error ();
  end

  // ---- one word per cycle, a set begins only where there is room for its result
  logic [N*X_W-1:0]   x;
  logic [LATENCY-2:0] enable;
  logic               sums_valid, sums_first, sums_last;

  rvg_issue #(.WORD_W(N*X_W), .WORDS(WORDS), .ADDRS(ADDRS), .LATENCY(LATENCY - 1)) u_issue (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .start_ok, .start, .weight_en, .weight_addr,
    .word(x), .enable, .sums_valid, .sums_first, .sums_last
  );

  // ---- products, their sums, and those over the words of a set
  logic [PO*ACC_W-1:0] acc_q;
  logic                acc_done_q;

  if (PACKED) begin : g_packed
    for (genvar p = 0; p < (PO + 1) / 2; p++) begin : g_pair
      localparam bit ALONE = 2*p + 1 == PO;

      logic [2*N*W_W-1:0] w;
      logic [2*ACC_W-1:0] sums;

      assign w[N*W_W-1:0] = weight_data[N*W_W*2*p +: N*W_W];
      if (ALONE) begin : g_alone
        assign w[2*N*W_W-1:N*W_W] = '0;
        wire   unused = &{1'b0, sums[2*ACC_W-1:ACC_W]};
        assign acc_q[ACC_W*2*p +: ACC_W] = sums[ACC_W-1:0];
      end else begin : g_two
        assign w[2*N*W_W-1:N*W_W] = weight_data[N*W_W*(2*p+1) +: N*W_W];
        assign acc_q[ACC_W*2*p +: 2*ACC_W] = sums;
      end

      rvg_pair_accumulate #(.N(N), .X_W(X_W), .X_SIGNED(X_SIGNED), .W_W(W_W), .SUM_W(ACC_W)) u_pair (
        .clk, .en({sums_valid, enable}), .first(sums_first), .x, .w, .sum(sums)
      );
    end
  end else begin : g_single
    for (genvar o = 0; o < PO; o++) begin : g_lane
      rvg_dot_accumulate #(.N(N), .X_W(X_W), .X_SIGNED(X_SIGNED), .W_W(W_W), .SUM_W(ACC_W)) u_dot (
        .clk, .en({sums_valid, enable}), .first(sums_first),
        .x, .w(weight_data[N*W_W*o +: N*W_W]),
        .sum(acc_q[ACC_W*o +: ACC_W])
      );
    end
  end

  always_ff @(posedge clk) begin
    acc_done_q <= sums_valid && sums_last;
    if (rst) acc_done_q <= 1'b0;
  end

  // ---- out: the set is copied aside and leaves OUT_LANES at a time
  logic [PO*ACC_W-1:0] out_q;
  logic [BEAT_W-1:0]   beat_q;
  logic                last_beat;

  assign last_beat = beat_q == BEAT_W'(BEATS - 1);

  for (genvar i = 0; i < OUT_LANES*ACC_W; i++) begin : g_bit
    logic [(1<<BEAT_W)-1:0] of_beats;  // a power of two, as a multiplexer is

    for (genvar b = 0; b < (1 << BEAT_W); b++) begin : g_beat
      assign of_beats[b] = b < BEATS ? out_q[OUT_LANES*ACC_W*(b < BEATS ? b : 0) + i] : 1'b0;
    end

    assign acc[i] = of_beats[beat_q];
  end

  always_ff @(posedge clk) begin
    if (acc_done_q) begin
      out_q     <= acc_q;
      beat_q    <= '0;
      acc_valid <= 1'b1;
    end else if (acc_valid) begin
      beat_q    <= beat_q + 1'b1;
      acc_valid <= !last_beat;
    end
    if (rst) acc_valid <= 1'b0;
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_mac_array: a set was complete before the one before it had left")) u_assert_out (
    .clk, .rst, .holds(!(acc_done_q && acc_valid && !last_beat))
  );
`endif

endmodule

`default_nettype wire
