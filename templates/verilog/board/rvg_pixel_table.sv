// SPDX-License-Identifier: Apache-2.0
// rvg_pixel_table: pixels of bytes -> the network's input, by a table for each channel.
//
//   lane c of the output = table c [lane c of the input]
//
// Golden : repvgg_hw/golden.py, input_table(): mean, deviation and scale are in the table, exactly
// In     : LANES channels of uint8 per beat, channel 0 low, and a bit that goes along.
// Tables : outside, as ROMs with registered read: table_en, table_addr and table_data of all channels side by side.
// Rate   : one beat per cycle. Cuts every combinational path, ready included.  Latency: 2 cycles.

`default_nettype none

module rvg_pixel_table #(
  parameter int LANES = 3,
  parameter int Y_W   = 8
) (
  input  wire logic                 clk,
  input  wire logic                 rst,

  input  wire logic [8*LANES-1:0]   s_axis_tdata,
  input  wire logic                 s_axis_tlast,
  input  wire logic                 s_axis_tvalid,
  output      logic                 s_axis_tready,

  output      logic                 table_en,
  output      logic [8*LANES-1:0]   table_addr,
  input  wire logic [Y_W*LANES-1:0] table_data,

  output      logic [Y_W*LANES-1:0] m_axis_tdata,
  output      logic                 m_axis_tlast,
  output      logic                 m_axis_tvalid,
  input  wire logic                 m_axis_tready
);

  if (LANES < 1 || Y_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic valid_q, last_q, ready;

  assign s_axis_tready = !valid_q || ready;
  assign table_en      = s_axis_tvalid && s_axis_tready;
  assign table_addr    = s_axis_tdata;

  always_ff @(posedge clk) begin
    if (s_axis_tready) begin
      valid_q <= s_axis_tvalid;
      last_q  <= s_axis_tlast;
    end
    if (rst) valid_q <= 1'b0;
  end

  rvg_stream_reg #(.WIDTH(Y_W*LANES + 1)) u_reg (
    .clk, .rst,
    .s_axis_tdata({last_q, table_data}), .s_axis_tvalid(valid_q), .s_axis_tready(ready),
    .m_axis_tdata({m_axis_tlast, m_axis_tdata}), .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
