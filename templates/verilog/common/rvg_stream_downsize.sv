// SPDX-License-Identifier: Apache-2.0
// rvg_stream_downsize: splits one beat into RATIO beats, low bits first.
//
// Data    : OUT_W * RATIO bits -> OUT_W bits.
// Latency : 1 cycle.  Throughput: 1 output beat/cycle.

`default_nettype none

module rvg_stream_downsize #(
  parameter int OUT_W = 8,
  parameter int RATIO = 4
) (
  input  wire logic                   clk,
  input  wire logic                   rst,

  input  wire logic [OUT_W*RATIO-1:0] s_axis_tdata,
  input  wire logic                   s_axis_tvalid,
  output      logic                   s_axis_tready,

  output      logic [OUT_W-1:0]       m_axis_tdata,
  output      logic                   m_axis_tvalid,
  input  wire logic                   m_axis_tready
);

  localparam int COUNT_W = RATIO > 1 ? $clog2(RATIO) : 1;
  localparam logic [COUNT_W-1:0] LAST = COUNT_W'(RATIO - 1);

  if (OUT_W < 1 || RATIO < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [OUT_W*RATIO-1:0] slice_data;
  logic                   slice_valid, slice_ready;
  logic [COUNT_W-1:0]     count_q;

  rvg_stream_reg #(.WIDTH(OUT_W*RATIO)) u_slice (
    .clk, .rst,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(slice_data), .m_axis_tvalid(slice_valid), .m_axis_tready(slice_ready)
  );

  assign m_axis_tdata  = slice_data[OUT_W*count_q +: OUT_W];
  assign m_axis_tvalid = slice_valid;
  assign slice_ready   = m_axis_tready && count_q == LAST;

  always_ff @(posedge clk) begin
    if (m_axis_tvalid && m_axis_tready) count_q <= count_q == LAST ? '0 : count_q + 1'b1;
    if (rst) count_q <= '0;
  end

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_stream_downsize: a beat did not stay until it was taken"), .WIDTH(OUT_W)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
