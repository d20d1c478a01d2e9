// SPDX-License-Identifier: Apache-2.0
// rvg_conv3x3: one whole layer: 3x3 convolution, padding 1, bias, requantize, ReLU; direct products.
//
//   y[o, r, c] = requant(bias[o] + sum over i, ky, kx of w[o, i, ky, kx] * x[i, r*STRIDE + ky - 1, c*STRIDE + kx - 1])
//
// Golden : repvgg_hw/golden.py, conv_layer()
// In     : PI channels per beat, channels innermost, raster order, C_IN x HEIGHT x WIDTH per frame.
// Out    : OUT_LANES channels per beat, same order, C_OUT x ceil(HEIGHT/STRIDE) x ceil(WIDTH/STRIDE).
// Rate   : repvgg_hw/plan/stream/direct.py, ConvPlan.cycles per frame, frames back to back.
// Tables : outside, so that alike layers are one circuit. Weights in order of use: for group, for each PO of its
//          outputs, for each PI of its inputs: PO x (ky, kx, PI) weights, where PACKED as rvg_mac_array.sv
//          says. Biases and multipliers: rvg_requant_relu.sv.
// Not here: Winograd (rvg_conv3x3_winograd.sv); width conversion between layers (rvg_width_converter.sv).

`default_nettype none

module rvg_conv3x3 #(
  parameter int C_IN       = 3,
  parameter int C_OUT      = 8,
  parameter int HEIGHT     = 8,
  parameter int WIDTH      = 8,
  parameter int STRIDE     = 1,
  parameter int GROUPS     = 1,
  parameter int PI         = 1,
  parameter int PO         = 1,
  parameter int OUT_LANES  = 1,
  parameter int X_W        = 8,
  parameter bit X_SIGNED   = 1'b0,
  parameter int W_W        = 8,
  parameter int ACC_W      = 24,
  parameter int Y_W        = 8,
  parameter int FIFO_DEPTH = 16,
  parameter bit PACKED     = 1'b0,
  parameter int FETCH_ROWS = 3,
  localparam int WORDS         = C_IN / GROUPS / PI,
  localparam int REPEATS       = C_OUT / GROUPS / PO,
  localparam int WEIGHT_ADDRS  = GROUPS * WORDS * REPEATS,
  localparam int WEIGHT_ADDR_W = WEIGHT_ADDRS > 1 ? $clog2(WEIGHT_ADDRS) : 1,
  localparam int AFFINE_ADDRS  = C_OUT / OUT_LANES,
  localparam int AFFINE_ADDR_W = AFFINE_ADDRS > 1 ? $clog2(AFFINE_ADDRS) : 1,
  localparam int AFFINE_W      = OUT_LANES * (ACC_W + rvg_pkg::MULT_W)
) (
  input  wire logic                             clk,
  input  wire logic                             rst,

  input  wire logic [PI*X_W-1:0]                s_axis_tdata,
  input  wire logic                             s_axis_tvalid,
  output      logic                             s_axis_tready,

  output      logic                             weight_en,
  output      logic [WEIGHT_ADDR_W-1:0]         weight_addr,
  input  wire logic [9*PI*PO*W_W-1:0]           weight_data,
  output      logic                             affine_en,
  output      logic [AFFINE_ADDR_W-1:0]         affine_addr,
  input  wire logic [AFFINE_W-1:0]              affine_data,
  input  wire logic [rvg_pkg::SHIFT_W-1:0]      shift,

  output      logic [OUT_LANES*Y_W-1:0]         m_axis_tdata,
  output      logic                             m_axis_tvalid,
  input  wire logic                             m_axis_tready
);

  localparam int N = 9 * PI;

  if (C_IN < 1 || C_OUT < 1 || GROUPS < 1 || PI < 1 || PO < 1 || OUT_LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (WORDS * PI * GROUPS != C_IN || REPEATS * PO * GROUPS != C_OUT) begin : g_check_folding
    rvg_error_pi_and_po_must_divide_the_channels_of_a_group u_error ();
  end
  if (STRIDE != 1 && STRIDE != 2) begin : g_check_stride
    rvg_error_stride_must_be_1_or_2 u_error ();
  end

  logic [N*X_W-1:0]           window_tdata, word_tdata;
  logic                       window_tvalid, window_tready, word_tvalid, word_tready;
  logic [OUT_LANES*ACC_W-1:0] acc;
  logic [OUT_LANES*Y_W-1:0]   y;
  logic [AFFINE_W-1:0]        affine;
  logic [1:0]                 own_address;  // counted before the table
  logic                       start_ok, start, acc_valid, y_valid;

  rvg_window_buffer #(
    .BEAT_W(PI*X_W), .WORDS(C_IN/PI), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .KERNEL(3), .STEP(STRIDE),
    .TILES_Y((HEIGHT - 1)/STRIDE + 1), .TILES_X((WIDTH - 1)/STRIDE + 1), .READ_ROWS(FETCH_ROWS)
  ) u_window (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(window_tdata), .m_axis_tvalid(window_tvalid), .m_axis_tready(window_tready)
  );

  rvg_replay #(.WIDTH(N*X_W), .WORDS(WORDS), .REPEATS(REPEATS)) u_replay (
    .clk, .rst,
    .s_axis_tdata(window_tdata), .s_axis_tvalid(window_tvalid), .s_axis_tready(window_tready),
    .m_axis_tdata(word_tdata), .m_axis_tvalid(word_tvalid), .m_axis_tready(word_tready)
  );

  rvg_mac_array #(
    .N(N), .PO(PO), .WORDS(WORDS), .ADDRS(WEIGHT_ADDRS), .OUT_LANES(OUT_LANES),
    .X_W(X_W), .X_SIGNED(X_SIGNED), .W_W(W_W), .ACC_W(ACC_W), .PACKED(PACKED)
  ) u_macs (
    .clk, .rst,
    .s_axis_tdata(word_tdata), .s_axis_tvalid(word_tvalid), .s_axis_tready(word_tready),
    .weight_en, .weight_addr, .weight_data, .start_ok, .start, .acc_valid, .acc
  );

  rvg_read_ahead #(.WIDTH(AFFINE_W), .DEPTH(AFFINE_ADDRS)) u_affine (
    .clk, .rst, .take(acc_valid), .data(affine), .rom_en(affine_en), .rom_addr(affine_addr), .rom_data(affine_data)
  );

  rvg_requant_relu #(.LANES(OUT_LANES), .ADDRS(1), .ACC_W(ACC_W), .Y_W(Y_W)) u_requant (
    .clk, .rst, .acc_valid, .acc, .affine_en(own_address[0]), .affine_addr(own_address[1]), .affine_data(affine),
    .shift, .y_valid, .y
  );

  wire unused = &{1'b0, own_address};

  rvg_credit_fifo #(.WIDTH(OUT_LANES*Y_W), .DEPTH(FIFO_DEPTH), .SET(PO/OUT_LANES)) u_fifo (
    .clk, .rst, .start_ok, .start, .in_valid(y_valid), .in_data(y),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
