// SPDX-License-Identifier: Apache-2.0
// rvg_stream_reg: one full register slice on a valid/ready stream.
//
// Cuts every combinational path, ready included, and still moves one beat per
// cycle. Holds at most two beats.
//
// Data    : WIDTH bits, opaque.
// Latency : 1 cycle.  Throughput: 1 beat/cycle.

`default_nettype none

module rvg_stream_reg #(
  parameter int WIDTH = 8
) (
  input  wire logic             clk,
  input  wire logic             rst,  // synchronous, active high

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output      logic             s_axis_tready,

  output      logic [WIDTH-1:0] m_axis_tdata,
  output      logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  if (WIDTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [WIDTH-1:0] skid_data_q;
  logic             skid_valid_q;

  // Ready comes from a register alone, never from m_axis_tready in this cycle.
  assign s_axis_tready = !skid_valid_q;

  always_ff @(posedge clk) begin
    if (m_axis_tready || !m_axis_tvalid) begin
      m_axis_tdata  <= skid_valid_q ? skid_data_q : s_axis_tdata;
      m_axis_tvalid <= skid_valid_q || s_axis_tvalid;
      skid_valid_q  <= 1'b0;
    end else if (s_axis_tvalid && s_axis_tready) begin
      skid_data_q   <= s_axis_tdata;
      skid_valid_q  <= 1'b1;
    end

    if (rst) begin  // control only; data needs no reset
      m_axis_tvalid <= 1'b0;
      skid_valid_q  <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_stream_reg: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
