// SPDX-License-Identifier: Apache-2.0
// rvg_width_converter: from IN_LANES to OUT_LANES lanes per beat; any two numbers.
//
// Beats are gathered up to the least common multiple and split from there, so
// the total number of lanes of a frame must be a multiple of both.
//
// Data      : IN_LANES * LANE_W bits -> OUT_LANES * LANE_W bits, low lanes first.
// Throughput: 1 beat/cycle on the narrower side.

`default_nettype none

module rvg_width_converter #(
  parameter int LANE_W    = 8,
  parameter int IN_LANES  = 4,
  parameter int OUT_LANES = 4
) (
  input  wire logic                        clk,
  input  wire logic                        rst,

  input  wire logic [LANE_W*IN_LANES-1:0]  s_axis_tdata,
  input  wire logic                        s_axis_tvalid,
  output      logic                        s_axis_tready,

  output      logic [LANE_W*OUT_LANES-1:0] m_axis_tdata,
  output      logic                        m_axis_tvalid,
  input  wire logic                        m_axis_tready
);

  if (LANE_W < 1 || IN_LANES < 1 || OUT_LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  function automatic int gcd(input int a, input int b);
    int x, y, r;
    x = a;
    y = b;
    while (y != 0) begin
      r = x % y;
      x = y;
      y = r;
    end
    gcd = x;
  endfunction

  localparam int UP   = OUT_LANES / gcd(IN_LANES, OUT_LANES);
  localparam int DOWN = IN_LANES / gcd(IN_LANES, OUT_LANES);

  logic [LANE_W*IN_LANES*UP-1:0] wide_tdata;
  logic                          wide_tvalid, wide_tready;

  if (UP == 1) begin : g_no_upsize
    assign wide_tdata    = s_axis_tdata;
    assign wide_tvalid   = s_axis_tvalid;
    assign s_axis_tready = wide_tready;
  end else begin : g_upsize
    rvg_stream_upsize #(.IN_W(LANE_W*IN_LANES), .RATIO(UP)) u_upsize (
      .clk, .rst,
      .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
      .m_axis_tdata(wide_tdata), .m_axis_tvalid(wide_tvalid), .m_axis_tready(wide_tready)
    );
  end

  if (DOWN == 1) begin : g_no_downsize
    assign m_axis_tdata  = wide_tdata;
    assign m_axis_tvalid = wide_tvalid;
    assign wide_tready   = m_axis_tready;
  end else begin : g_downsize
    rvg_stream_downsize #(.OUT_W(LANE_W*OUT_LANES), .RATIO(DOWN)) u_downsize (
      .clk, .rst,
      .s_axis_tdata(wide_tdata), .s_axis_tvalid(wide_tvalid), .s_axis_tready(wide_tready),
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
    );
  end

endmodule

`default_nettype wire
