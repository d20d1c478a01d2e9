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
// Latency: from a set's last word to its sums: 4 + max(1, ceil(log8 PI)) cycles.

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

  localparam int WORD_W  = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int GAP_W   = SPACING > 1 ? $clog2(SPACING) : 1;
  localparam int LATENCY = 1 + (PI > 8 ? ($clog2(PI) + 2) / 3 : 1);  // of rvg_dot_product

  // ---- issue: one word per cycle; a set begins where there is room for its result, and ends SPACING apart
  logic [WORD_W-1:0]   word_q;
  logic [GAP_W-1:0]    gap_q;  // cycles until a set may end
  logic [N*DATA_W-1:0] v_q;
  logic                v_valid_q, v_first_q, v_last_q;
  logic                accept, first, last;

  assign first         = word_q == '0;
  assign last          = word_q == WORD_W'(WORDS - 1);
  assign s_axis_tready = (!first || start_ok) && (!last || gap_q == '0);
  assign accept        = s_axis_tvalid && s_axis_tready;
  assign start         = accept && first;
  assign weight_en     = accept;

  always_ff @(posedge clk) begin
    v_valid_q <= accept;
    if (gap_q != '0) gap_q <= gap_q - 1'b1;
    if (accept) begin
      word_q      <= last ? '0 : word_q + 1'b1;
      weight_addr <= weight_addr == ADDR_W'(ADDRS - 1) ? '0 : weight_addr + 1'b1;
      v_q         <= s_axis_tdata;
      v_first_q   <= first;
      v_last_q    <= last;
      if (last) gap_q <= GAP_W'(SPACING - 1);
    end
    if (rst) begin
      v_valid_q   <= 1'b0;
      word_q      <= '0;
      gap_q       <= '0;
      weight_addr <= '0;
    end
  end

  // ---- products and their sums over the word's channels
  logic [PO*POSITIONS*SUM_W-1:0] products;
  logic [LATENCY-1:0]            first_q, last_q, alive_q;
  logic                          products_valid;

  for (genvar o = 0; o < PO; o++) begin : g_lane
    for (genvar p = 0; p < POSITIONS; p++) begin : g_position
      localparam int L = POSITIONS*o + p;

      rvg_dot_product #(.N(PI), .X_W(DATA_W), .X_SIGNED(1'b1), .W_W(WEIGHT_W), .SUM_W(SUM_W)) u_dot (
        .clk, .enable({alive_q[LATENCY-2:0], v_valid_q}),
        .x(v_q[PI*DATA_W*p +: PI*DATA_W]), .w(weight_data[PI*WEIGHT_W*L +: PI*WEIGHT_W]),
        .sum(products[SUM_W*L +: SUM_W])
      );

      // ---- and over the words of the set
      always_ff @(posedge clk) begin
        if (products_valid) begin
          sums[SUM_W*L +: SUM_W] <= (first_q[LATENCY-1] ? '0 : sums[SUM_W*L +: SUM_W]) + products[SUM_W*L +: SUM_W];
        end
      end
    end
  end

  assign products_valid = alive_q[LATENCY-1];

  // What is in flight at a reset must not come out after it.
  always_ff @(posedge clk) begin
    first_q    <= {first_q[LATENCY-2:0], v_first_q};
    last_q     <= {last_q[LATENCY-2:0], v_last_q};
    alive_q    <= {alive_q[LATENCY-2:0], v_valid_q};
    sums_valid <= products_valid && last_q[LATENCY-1];
    if (rst) begin
      alive_q    <= '0;
      sums_valid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
