// SPDX-License-Identifier: Apache-2.0
// rvg_output_map: the output of a network that ends with a map: a byte for each channel, and tlast.
//
// Golden : repvgg_hw/golden.py, forward(), of a network without a linear layer
// In     : LANES channels of uint[X_W] per beat, channels innermost, raster order, BEATS beats per frame.
// Out    : the same beats, each channel zero-extended to 8 bits: a frame's bytes are the map (H, W, C); tlast
//          on a frame's last beat.
// Rate   : one beat per cycle. Cuts every combinational path, ready included.

`default_nettype none

module rvg_output_map #(
  parameter int LANES = 1,
  parameter int X_W   = 8,
  parameter int BEATS = 64
) (
  input  wire logic                 clk,
  input  wire logic                 rst,

  input  wire logic [LANES*X_W-1:0] s_axis_tdata,
  input  wire logic                 s_axis_tvalid,
  output      logic                 s_axis_tready,

  output      logic [LANES*8-1:0]   m_axis_tdata,
  output      logic                 m_axis_tvalid,
  output      logic                 m_axis_tlast,
  input  wire logic                 m_axis_tready
);

  localparam int COUNT_W = BEATS > 1 ? $clog2(BEATS) : 1;

  if (LANES < 1 || X_W < 1 || BEATS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (X_W > 8) begin : g_check_width
    rvg_error_channel_wider_than_a_byte u_error ();
  end

  logic [LANES*X_W-1:0] beat_tdata;
  logic [COUNT_W-1:0]   beat_q;

  rvg_stream_reg #(.WIDTH(LANES*X_W)) u_reg (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(beat_tdata), .m_axis_tvalid, .m_axis_tready
  );

  for (genvar i = 0; i < LANES; i++) begin : g_lane
    assign m_axis_tdata[8*i +: 8] = 8'(beat_tdata[X_W*i +: X_W]);
  end

  assign m_axis_tlast = beat_q == COUNT_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (m_axis_tvalid && m_axis_tready) beat_q <= m_axis_tlast ? '0 : beat_q + 1'b1;
    if (rst) beat_q <= '0;
  end

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_output_map: a beat did not stay until it was taken"), .WIDTH(LANES*8 + 1)
  ) u_assert_stays (
    .clk, .rst, .tdata({m_axis_tlast, m_axis_tdata}), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
