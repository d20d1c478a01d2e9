// SPDX-License-Identifier: Apache-2.0
// rvg_global_sum: exact sum of every channel over the whole map.
//
//   sum[c] = sum over r, x of map[c, r, x]
//
// Golden : repvgg_hw/golden.py, global_sum()
// In     : LANES channels per beat, channels innermost, WORDS beats per pixel, PIXELS pixels per frame.
// Out    : WORDS beats of LANES sums, during the frame's last pixel. FIFO_DEPTH of them wait for a slower consumer, and
//          one before the adder; while FIFO_DEPTH wait, no beat of the map is taken, whichever pixel it belongs to.
// Widths : x uint[X_W], sum uint[SUM_W], which must hold PIXELS * (2^X_W - 1).
// Latency: 2 cycles: the sum so far is read, and added to.  Throughput: 1 beat/cycle.
// Not here: the division by PIXELS; it is folded into the linear layer's scale.

`default_nettype none

module rvg_global_sum #(
  parameter int LANES      = 1,
  parameter int WORDS      = 4,
  parameter int PIXELS     = 49,
  parameter int X_W        = 8,
  parameter int SUM_W      = 14,
  parameter int FIFO_DEPTH = 2
) (
  input  wire logic                   clk,
  input  wire logic                   rst,

  input  wire logic [LANES*X_W-1:0]   s_axis_tdata,
  input  wire logic                   s_axis_tvalid,
  output      logic                   s_axis_tready,

  output      logic [LANES*SUM_W-1:0] m_axis_tdata,
  output      logic                   m_axis_tvalid,
  input  wire logic                   m_axis_tready
);

  localparam int WORD_W  = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int PIXEL_W = PIXELS > 1 ? $clog2(PIXELS) : 1;

  if (LANES < 1 || WORDS < 1 || PIXELS < 1 || X_W < 1 || FIFO_DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if ((64'd1 << SUM_W) <= 64'(PIXELS) * ((64'd1 << X_W) - 64'd1)) begin : g_check_width
    rvg_error_sum_too_narrow u_error ();
  end

  // ---- the sum so far, read beside the beat; after a frame's last pixel begins the next one's first
  logic [LANES*SUM_W-1:0] so_far, total;
  logic [LANES*X_W-1:0]   x_q;
  logic [WORD_W-1:0]      word_q;
  logic [PIXEL_W-1:0]     pixel_q;
  logic                   sum_ready, accept, last_word, first_pixel, last_pixel, add_q, sum_valid_q;

  assign last_word     = word_q == WORD_W'(WORDS - 1);
  assign first_pixel   = PIXELS == 1 || pixel_q == '0;
  assign last_pixel    = PIXELS == 1 || pixel_q == PIXEL_W'(PIXELS - 1);
  assign s_axis_tready = sum_ready;
  assign accept        = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (accept) begin
      x_q    <= s_axis_tdata;
      word_q <= last_word ? '0 : word_q + 1'b1;
      if (last_word) pixel_q <= last_pixel ? '0 : pixel_q + 1'b1;
    end
    if (sum_ready) begin
      add_q       <= s_axis_tvalid;
      sum_valid_q <= s_axis_tvalid && last_pixel;
    end
    if (rst) begin
      word_q      <= '0;
      pixel_q     <= '0;
      add_q       <= 1'b0;
      sum_valid_q <= 1'b0;
    end
  end

  // ---- a cycle later it is added to, and kept. One word's next beat may come in that very cycle.
  for (genvar i = 0; i < LANES; i++) begin : g_lane
    assign total[SUM_W*i +: SUM_W] = so_far[SUM_W*i +: SUM_W] + SUM_W'(x_q[X_W*i +: X_W]);
  end

  if (WORDS == 1) begin : g_one
    logic [LANES*SUM_W-1:0] sum_q;
    logic                   first_q;

    assign so_far = first_q ? '0 : sum_q;

    always_ff @(posedge clk) begin
      if (accept) first_q <= first_pixel;
      if (add_q && sum_ready) sum_q <= total;
    end
  end else begin : g_several
    // Not in block RAM, which is slow to read: the adder follows.
    (* ram_style = "distributed" *)
    logic [LANES*SUM_W-1:0] sums [0:WORDS-1];
    logic [LANES*SUM_W-1:0] read_q;
    logic [WORD_W-1:0]      sum_word_q;

    assign so_far = read_q;

    always_ff @(posedge clk) begin
      if (accept) begin
        read_q     <= first_pixel ? '0 : sums[word_q];
        sum_word_q <= word_q;
      end
      if (add_q && sum_ready) sums[sum_word_q] <= total;
    end
  end

  rvg_fifo #(.WIDTH(LANES*SUM_W), .DEPTH(FIFO_DEPTH)) u_fifo (
    .clk, .rst,
    .s_axis_tdata(total), .s_axis_tvalid(sum_valid_q), .s_axis_tready(sum_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
