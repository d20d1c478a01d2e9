// SPDX-License-Identifier: Apache-2.0
// rvg_linear: the last layer: integer logits from the pooled sums.
//
//   logit[k] = bias[k] + sum over c of w[k, c] * x[c]
//
// Golden : repvgg_hw/golden.py, linear()
// In     : PI sums per beat, C_IN per frame.
// Out    : one logit int[ACC_W] per beat, C_OUT per frame, tlast on the last.
// Rate   : max(C_IN/PI * C_OUT/PO, C_OUT) cycles per frame.
// Tables : outside. Weights in order of use: for each PO outputs, for each PI inputs: PO x PI weights.
//          Biases: OUT_LANES x int[ACC_W] per word, in order.

`default_nettype none

module rvg_linear #(
  parameter int C_IN       = 8,
  parameter int C_OUT      = 10,
  parameter int PI         = 1,
  parameter int PO         = 1,
  parameter int OUT_LANES  = 1,
  parameter int X_W        = 14,
  parameter int W_W        = 8,
  parameter int ACC_W      = 32,
  parameter int FIFO_DEPTH = 16,
  localparam int WORDS         = C_IN / PI,
  localparam int REPEATS       = C_OUT / PO,
  localparam int WEIGHT_ADDRS  = WORDS * REPEATS,
  localparam int WEIGHT_ADDR_W = WEIGHT_ADDRS > 1 ? $clog2(WEIGHT_ADDRS) : 1,
  localparam int BIAS_ADDRS    = C_OUT / OUT_LANES,
  localparam int BIAS_ADDR_W   = BIAS_ADDRS > 1 ? $clog2(BIAS_ADDRS) : 1
) (
  input  wire logic                       clk,
  input  wire logic                       rst,

  input  wire logic [PI*X_W-1:0]          s_axis_tdata,
  input  wire logic                       s_axis_tvalid,
  output      logic                       s_axis_tready,

  output      logic                       weight_en,
  output      logic [WEIGHT_ADDR_W-1:0]   weight_addr,
  input  wire logic [PI*PO*W_W-1:0]       weight_data,
  output      logic                       bias_en,
  output      logic [BIAS_ADDR_W-1:0]     bias_addr,
  input  wire logic [OUT_LANES*ACC_W-1:0] bias_data,

  output      logic [ACC_W-1:0]           m_axis_tdata,
  output      logic                       m_axis_tvalid,
  output      logic                       m_axis_tlast,
  input  wire logic                       m_axis_tready
);

  if (C_IN < 1 || C_OUT < 1 || PI < 1 || PO < 1 || OUT_LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (WORDS * PI != C_IN || REPEATS * PO != C_OUT) begin : g_check_folding
    rvg_error_pi_must_divide_c_in_and_po_c_out u_error ();
  end

  logic [PI*X_W-1:0]          word_tdata;
  logic                       word_tvalid, word_tready;
  logic [OUT_LANES*ACC_W-1:0] acc;
  logic                       start_ok, start, acc_valid;

  rvg_replay #(.WIDTH(PI*X_W), .WORDS(WORDS), .REPEATS(REPEATS)) u_replay (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(word_tdata), .m_axis_tvalid(word_tvalid), .m_axis_tready(word_tready)
  );

  rvg_mac_array #(
    .N(PI), .PO(PO), .WORDS(WORDS), .ADDRS(WEIGHT_ADDRS), .OUT_LANES(OUT_LANES),
    .X_W(X_W), .X_SIGNED(1'b0), .W_W(W_W), .ACC_W(ACC_W)
  ) u_macs (
    .clk, .rst,
    .s_axis_tdata(word_tdata), .s_axis_tvalid(word_tvalid), .s_axis_tready(word_tready),
    .weight_en, .weight_addr, .weight_data, .start_ok, .start, .acc_valid, .acc
  );

  // ---- bias
  logic [OUT_LANES*ACC_W-1:0] acc_q, biased_q;
  logic                       acc_valid_q, biased_valid_q;

  assign bias_en = acc_valid;

  always_ff @(posedge clk) begin
    acc_valid_q    <= acc_valid;
    biased_valid_q <= acc_valid_q;
    if (acc_valid) begin
      acc_q     <= acc;
      bias_addr <= bias_addr == BIAS_ADDR_W'(BIAS_ADDRS - 1) ? '0 : bias_addr + 1'b1;
    end
    if (rst) begin
      acc_valid_q    <= 1'b0;
      biased_valid_q <= 1'b0;
      bias_addr      <= '0;
    end
  end

  for (genvar i = 0; i < OUT_LANES; i++) begin : g_lane
    always_ff @(posedge clk) begin
      if (acc_valid_q) biased_q[ACC_W*i +: ACC_W] <= acc_q[ACC_W*i +: ACC_W] + bias_data[ACC_W*i +: ACC_W];
    end
  end

  // ---- one logit per beat
  logic [OUT_LANES*ACC_W-1:0] fifo_tdata;
  logic                       fifo_tvalid, fifo_tready;

  rvg_credit_fifo #(.WIDTH(OUT_LANES*ACC_W), .DEPTH(FIFO_DEPTH), .SET(PO/OUT_LANES)) u_fifo (
    .clk, .rst, .start_ok, .start, .in_valid(biased_valid_q), .in_data(biased_q),
    .m_axis_tdata(fifo_tdata), .m_axis_tvalid(fifo_tvalid), .m_axis_tready(fifo_tready)
  );

  rvg_width_converter #(.LANE_W(ACC_W), .IN_LANES(OUT_LANES), .OUT_LANES(1)) u_serialize (
    .clk, .rst,
    .s_axis_tdata(fifo_tdata), .s_axis_tvalid(fifo_tvalid), .s_axis_tready(fifo_tready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  localparam int COUNT_W = C_OUT > 1 ? $clog2(C_OUT) : 1;
  logic [COUNT_W-1:0] index_q;

  assign m_axis_tlast = index_q == COUNT_W'(C_OUT - 1);

  always_ff @(posedge clk) begin
    if (m_axis_tvalid && m_axis_tready) index_q <= m_axis_tlast ? '0 : index_q + 1'b1;
    if (rst) index_q <= '0;
  end

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_linear: a beat did not stay until it was taken"), .WIDTH(ACC_W + 1)
  ) u_assert_stays (
    .clk, .rst, .tdata({m_axis_tlast, m_axis_tdata}), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
