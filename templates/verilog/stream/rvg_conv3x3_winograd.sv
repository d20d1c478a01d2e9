// SPDX-License-Identifier: Apache-2.0
// rvg_conv3x3_winograd: one whole layer, as rvg_conv3x3.sv, by Winograd's F(M x M, 3x3): exact, so nobody can tell.
//
//   y[o, r, c] = requant(bias[o] + sum over i, ky, kx of w[o, i, ky, kx] * x[i, r*STRIDE + ky - 1, c*STRIDE + kx - 1])
//
// Golden : repvgg_hw/golden.py, conv_layer(); repvgg_hw/winograd/golden.py, winograd_conv()
// In     : IN_LANES channels per beat, channels innermost, raster order, C_IN x HEIGHT x WIDTH per frame.
// Out    : OUT_LANES channels per beat, same order, C_OUT x ceil(HEIGHT/STRIDE) x ceil(WIDTH/STRIDE).
// Rate   : (K/ (3 M))^2 of the products of rvg_conv3x3.sv, K = M + 2 at stride 1, 2 M + 1 at stride 2 (in phases).
// Tables : outside, so that alike layers are one circuit. Transformed weights in order of use: for group, for each PO
//          of its outputs, for each PI of its inputs: PO x (row, column, PI) weights. Biases and multipliers:
//          rvg_requant_relu.sv with LANES = LANES.
// Shared : the input transform by all output channels; the output transform by PO / LANES output channels in turn.
// Widths : repvgg_hw/winograd/bounds.py, widths()

`default_nettype none

module rvg_conv3x3_winograd #(
  parameter int C_IN      = 4,
  parameter int C_OUT     = 8,
  parameter int HEIGHT    = 8,
  parameter int WIDTH     = 8,
  parameter int STRIDE    = 1,
  parameter int GROUPS    = 1,
  parameter int PI        = 1,
  parameter int PO        = 1,
  parameter int LANES     = 1,  // channels in the output transform at once
  parameter int ROWS      = 1,  // rows of each of their tiles that enter it per cycle
  parameter int IN_LANES  = PI,
  parameter int OUT_LANES = 1,
  parameter int BUFFERS   = 3,  // tile rows in the raster buffer
  parameter int M         = 2,
  parameter int L_SHIFT   = 1,  // of the transform's denominator L = 2^L_SHIFT * odd
  parameter int X_W       = 8,
  parameter bit X_SIGNED  = 1'b0,
  parameter int MIDDLE_W  = 10,
  parameter int DATA_W    = 11,
  parameter int W_W       = 12,
  parameter int ACC_W     = 24,
  parameter int Y_W       = 8,
  parameter int FETCH_ROWS = STRIDE == 1 ? M + 2 : 2*M + 1,  // of a window's column at once
  localparam int K             = STRIDE == 1 ? M + 2 : 2*M + 1,
  localparam int WORDS         = C_IN / GROUPS / PI,
  localparam int REPEATS       = C_OUT / GROUPS / PO,
  localparam int WEIGHT_ADDRS  = GROUPS * WORDS * REPEATS,
  localparam int WEIGHT_ADDR_W = WEIGHT_ADDRS > 1 ? $clog2(WEIGHT_ADDRS) : 1,
  localparam int AFFINE_ADDRS  = C_OUT / LANES,
  localparam int AFFINE_ADDR_W = AFFINE_ADDRS > 1 ? $clog2(AFFINE_ADDRS) : 1,
  localparam int AFFINE_W      = LANES * (ACC_W + rvg_pkg::MULT_W)
) (
  input  wire logic                             clk,
  input  wire logic                             rst,

  input  wire logic [IN_LANES*X_W-1:0]          s_axis_tdata,
  input  wire logic                             s_axis_tvalid,
  output      logic                             s_axis_tready,

  output      logic                             weight_en,
  output      logic [WEIGHT_ADDR_W-1:0]         weight_addr,
  input  wire logic [K*K*PI*PO*W_W-1:0]         weight_data,
  output      logic                             affine_en,
  output      logic [AFFINE_ADDR_W-1:0]         affine_addr,
  input  wire logic [AFFINE_W-1:0]              affine_data,
  input  wire logic [rvg_pkg::SHIFT_W-1:0]      shift,

  output      logic [OUT_LANES*Y_W-1:0]         m_axis_tdata,
  output      logic                             m_axis_tvalid,
  input  wire logic                             m_axis_tready
);

  localparam int OUT_HEIGHT = (HEIGHT - 1) / STRIDE + 1;
  localparam int OUT_WIDTH  = (WIDTH - 1) / STRIDE + 1;
  localparam int SUM_W      = ACC_W + 2*L_SHIFT;
  localparam int PIXEL_W    = $clog2(M);
  localparam int FILLED     = (K + ROWS - 1) / ROWS;
  localparam int SPACING    = (FILLED > M ? FILLED : M) * PO / LANES;  // cycles of the output transform for PO channels

  if (C_IN < 1 || C_OUT < 1 || GROUPS < 1 || PI < 1 || PO < 1 || LANES < 1 || OUT_LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (WORDS * PI * GROUPS != C_IN || REPEATS * PO * GROUPS != C_OUT) begin : g_check_folding
    rvg_error_pi_and_po_must_divide_the_channels_of_a_group u_error ();
  end
  if (IN_LANES < 1 || C_IN % IN_LANES != 0) begin : g_check_in_lanes
    rvg_error_in_lanes_must_divide_the_channels u_error ();
  end
  if (STRIDE != 1 && STRIDE != 2) begin : g_check_stride
    rvg_error_stride_must_be_1_or_2 u_error ();
  end

  logic [K*K*IN_LANES*X_W-1:0] window_tdata;
  logic [K*K*PI*DATA_W-1:0] data_tdata, word_tdata;
  logic                     window_tvalid, window_tready, data_tvalid, data_tready, word_tvalid, word_tready;
  logic [PO*K*K*SUM_W-1:0]  sums;
  logic [LANES*M*ACC_W-1:0] acc;
  logic [LANES*M*Y_W-1:0]   y;
  logic                     start_ok, start, sums_valid, acc_valid;
  logic [M-1:0]             y_valid;

  rvg_window_buffer #(
    .BEAT_W(IN_LANES*X_W), .WORDS(C_IN/IN_LANES), .HEIGHT(HEIGHT), .WIDTH(WIDTH), .KERNEL(K), .STEP(STRIDE*M),
    .TILES_Y((OUT_HEIGHT + M - 1)/M), .TILES_X((OUT_WIDTH + M - 1)/M), .READ_ROWS(FETCH_ROWS)
  ) u_window (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(window_tdata), .m_axis_tvalid(window_tvalid), .m_axis_tready(window_tready)
  );

  rvg_winograd_input_transform #(
    .M(M), .STRIDE(STRIDE), .PI(PI), .IN_LANES(IN_LANES), .X_W(X_W), .X_SIGNED(X_SIGNED), .MIDDLE_W(MIDDLE_W),
    .DATA_W(DATA_W)
  ) u_input (
    .clk, .rst, .s_axis_tdata(window_tdata), .s_axis_tvalid(window_tvalid), .s_axis_tready(window_tready),
    .m_axis_tdata(data_tdata), .m_axis_tvalid(data_tvalid), .m_axis_tready(data_tready)
  );

  rvg_replay #(.WIDTH(K*K*PI*DATA_W), .WORDS(WORDS), .REPEATS(REPEATS)) u_replay (
    .clk, .rst,
    .s_axis_tdata(data_tdata), .s_axis_tvalid(data_tvalid), .s_axis_tready(data_tready),
    .m_axis_tdata(word_tdata), .m_axis_tvalid(word_tvalid), .m_axis_tready(word_tready)
  );

  rvg_winograd_mac #(
    .POSITIONS(K*K), .PI(PI), .PO(PO), .WORDS(WORDS), .SPACING(SPACING), .ADDRS(WEIGHT_ADDRS),
    .DATA_W(DATA_W), .WEIGHT_W(W_W), .SUM_W(SUM_W)
  ) u_macs (
    .clk, .rst,
    .s_axis_tdata(word_tdata), .s_axis_tvalid(word_tvalid), .s_axis_tready(word_tready),
    .weight_en, .weight_addr, .weight_data, .start_ok, .start, .sums_valid, .sums
  );

  rvg_winograd_output_transform #(
    .M(M), .STRIDE(STRIDE), .SHIFT(L_SHIFT), .PO(PO), .LANES(LANES), .ROWS(ROWS), .ACC_W(ACC_W)
  ) u_output (.clk, .rst, .sums_valid, .sums, .acc_valid, .acc);

  // ---- bias, scale, ReLU: the M pixels of a beat have the same channels, the M beats of a tile too
  logic [PIXEL_W-1:0] pixel_q;
  logic               pixel_last;

  assign affine_en  = acc_valid;
  assign pixel_last = pixel_q == PIXEL_W'(M - 1);

  always_ff @(posedge clk) begin
    if (acc_valid) begin
      pixel_q <= pixel_last ? '0 : pixel_q + 1'b1;
      if (pixel_last) affine_addr <= affine_addr == AFFINE_ADDR_W'(AFFINE_ADDRS - 1) ? '0 : affine_addr + 1'b1;
    end
    if (rst) begin
      pixel_q     <= '0;
      affine_addr <= '0;
    end
  end

  for (genvar i = 0; i < M; i++) begin : g_pixel
    logic [LANES*ACC_W-1:0] acc_i;
    logic [LANES*Y_W-1:0]   y_i;
    logic [1:0]             own_address;  // the address is counted here

    for (genvar l = 0; l < LANES; l++) begin : g_channel
      assign acc_i[ACC_W*l +: ACC_W]  = acc[ACC_W*(M*l + i) +: ACC_W];
      assign y[Y_W*(M*l + i) +: Y_W]  = y_i[Y_W*l +: Y_W];
    end

    rvg_requant_relu #(.LANES(LANES), .ADDRS(1), .ACC_W(ACC_W), .Y_W(Y_W)) u_requant (
      .clk, .rst, .acc_valid, .acc(acc_i), .affine_en(own_address[0]), .affine_addr(own_address[1]), .affine_data,
      .shift, .y_valid(y_valid[i]), .y(y_i)
    );

    wire unused = &{1'b0, own_address, y_valid[i]};
  end

  rvg_tile_to_raster #(
    .M(M), .HEIGHT(OUT_HEIGHT), .WIDTH(OUT_WIDTH), .CHANNELS(C_OUT), .SET_CHANNELS(PO), .IN_LANES(LANES),
    .OUT_LANES(OUT_LANES), .BUFFERS(BUFFERS), .Y_W(Y_W)
  ) u_raster (
    .clk, .rst, .start_ok, .start, .in_valid(y_valid[0]), .in_data(y), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
