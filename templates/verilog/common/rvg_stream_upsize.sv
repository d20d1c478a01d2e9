// SPDX-License-Identifier: Apache-2.0
// rvg_stream_upsize: gathers RATIO beats into one, first beat in the low bits.
//
// Data    : IN_W bits -> IN_W * RATIO bits.
// Latency : 1 cycle after the last of RATIO beats.  Throughput: 1 input beat/cycle.

`default_nettype none

module rvg_stream_upsize #(
  parameter int IN_W  = 8,
  parameter int RATIO = 4
) (
  input  wire logic                  clk,
  input  wire logic                  rst,

  input  wire logic [IN_W-1:0]       s_axis_tdata,
  input  wire logic                  s_axis_tvalid,
  output      logic                  s_axis_tready,

  output      logic [IN_W*RATIO-1:0] m_axis_tdata,
  output      logic                  m_axis_tvalid,
  input  wire logic                  m_axis_tready
);

  localparam int COUNT_W = RATIO > 1 ? $clog2(RATIO) : 1;
  localparam logic [COUNT_W-1:0] LAST = COUNT_W'(RATIO - 1);

  if (IN_W < 1 || RATIO < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // A gathered beat moves to the slice behind, so that gathering goes on meanwhile.
  logic [IN_W*RATIO-1:0] gather_q;
  logic [COUNT_W-1:0]    count_q;
  logic                  full_q;
  logic                  slice_ready;

  assign s_axis_tready = !full_q || slice_ready;

  always_ff @(posedge clk) begin
    if (full_q && slice_ready) full_q <= 1'b0;
    if (s_axis_tvalid && s_axis_tready) begin
      for (int i = 0; i < RATIO; i++) begin  // enables: of a place counted in bits, tools make a shifter of the beat
        if (count_q == COUNT_W'(i)) gather_q[IN_W*i +: IN_W] <= s_axis_tdata;
      end
      count_q <= count_q == LAST ? '0 : count_q + 1'b1;
      full_q  <= count_q == LAST;
    end

    if (rst) begin
      count_q <= '0;
      full_q  <= 1'b0;
    end
  end

  rvg_stream_reg #(.WIDTH(IN_W*RATIO)) u_slice (
    .clk, .rst,
    .s_axis_tdata(gather_q), .s_axis_tvalid(full_q), .s_axis_tready(slice_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
