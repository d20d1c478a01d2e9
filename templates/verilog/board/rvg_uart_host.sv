// SPDX-License-Identifier: Apache-2.0
// rvg_uart_host: what a host says over a serial line -> runs of one frame, and their results back.
//
// "I"            : answered with NETWORK, 4 bytes, the low one first.
// "C" and a frame: FRAME_BYTES bytes of pixels, rows, columns, channels; answered with the frame's result, each word 4 bytes,
//                  the low one first.
// Results wait until the frame has come whole: who plays the host may write first, then read.
// Other bytes are ignored. After SILENCE cycles without a byte within a frame the run is stopped and what came is forgotten;
// so is a frame whose run ends with an error, without an answer. While an answer is on its way bytes are ignored.
// Pixels : a beat a byte, tlast on the frame's last. One that is not taken before the next one comes is lost: `overrun`
//          rises and stays until reset.

`default_nettype none

module rvg_uart_host #(
  parameter logic [31:0] NETWORK     = 32'h0,
  parameter int          FRAME_BYTES = 64,
  parameter int          SILENCE     = 1000
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [7:0]  rx_data,
  input  wire logic        rx_valid,
  output      logic [7:0]  tx_tdata,
  output      logic        tx_tvalid,
  input  wire logic        tx_tready,

  output      logic        start,
  output      logic        stop,
  input  wire logic        done,
  input  wire logic [7:0]  code,
  output      logic        overrun,

  output      logic [7:0]  m_axis_pixel_tdata,
  output      logic        m_axis_pixel_tlast,
  output      logic        m_axis_pixel_tvalid,
  input  wire logic        m_axis_pixel_tready,

  input  wire logic [31:0] s_axis_result_tdata,
  input  wire logic        s_axis_result_tvalid,
  output      logic        s_axis_result_tready
);

  localparam int BYTE_W    = $clog2(FRAME_BYTES + 1);
  localparam int SILENCE_W = $clog2(SILENCE + 1);

  if (FRAME_BYTES < 1 || SILENCE < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic                 frame_q;     // a frame is coming
  logic                 running_q;   // a run is at work, its frame whole or not
  logic                 forget_q;    // it is stopped: no answer
  logic [BYTE_W-1:0]    bytes_q;     // of the frame, that have come
  logic [SILENCE_W-1:0] silence_q;
  logic [31:0]          word_q;      // on its way to the host
  logic [2:0]           left_q;      // bytes of it
  logic                 command, last;

  assign command              = rx_valid && !running_q && left_q == '0;
  assign last                 = bytes_q == BYTE_W'(FRAME_BYTES - 1);
  assign tx_tdata             = word_q[7:0];
  assign tx_tvalid            = left_q != '0;
  assign s_axis_result_tready = left_q == '0 && !frame_q;

  always_ff @(posedge clk) begin
    start <= command && rx_data == "C";
    stop  <= 1'b0;

    // ---- to the host
    if (tx_tvalid && tx_tready) begin
      word_q <= word_q >> 8;
      left_q <= left_q - 1'b1;
    end
    if (s_axis_result_tvalid && s_axis_result_tready) begin
      word_q <= s_axis_result_tdata;
      left_q <= forget_q ? 3'd0 : 3'd4;
    end else if (command && rx_data == "I") begin
      word_q <= NETWORK;
      left_q <= 3'd4;
    end

    // ---- from the host
    if (m_axis_pixel_tready) m_axis_pixel_tvalid <= 1'b0;
    if (command && rx_data == "C") begin
      frame_q   <= 1'b1;
      running_q <= 1'b1;
      forget_q  <= 1'b0;
      bytes_q   <= '0;
      silence_q <= '0;
    end else if (frame_q && rx_valid) begin
      m_axis_pixel_tdata  <= rx_data;
      m_axis_pixel_tlast  <= last;
      m_axis_pixel_tvalid <= 1'b1;
      if (m_axis_pixel_tvalid && !m_axis_pixel_tready) overrun <= 1'b1;
      bytes_q   <= bytes_q + 1'b1;
      frame_q   <= !last;
      silence_q <= '0;
    end else if (frame_q) begin
      silence_q <= silence_q + 1'b1;
      if (silence_q == SILENCE_W'(SILENCE - 1)) begin
        stop     <= 1'b1;
        frame_q  <= 1'b0;
        forget_q <= 1'b1;
      end
    end
    if (done) begin
      running_q <= 1'b0;
      if (code != 8'd0) begin
        frame_q             <= 1'b0;
        m_axis_pixel_tvalid <= 1'b0;
      end
    end

    if (rst) begin
      start               <= 1'b0;
      frame_q             <= 1'b0;
      running_q           <= 1'b0;
      left_q              <= '0;
      overrun             <= 1'b0;
      m_axis_pixel_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
