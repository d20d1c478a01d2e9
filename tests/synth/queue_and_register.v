// SPDX-License-Identifier: Apache-2.0
// A queue in LUT RAM and a register behind it, a stream between them: see test_streams_kept.py.

module queue (
  input clk, input push, input [5:0] write, input [5:0] read, input [7:0] data, output [7:0] word
);
  reg [7:0] words [0:63];
  always @(posedge clk) if (push) words[write] <= data;
  assign word = words[read];
endmodule

module top (
  input clk, input push, input take, input [5:0] write, input [5:0] read, input [7:0] s_axis_tdata,
  output reg [7:0] m_axis_tdata
);
  wire [7:0] between_tdata;
  queue u_queue (
    .clk(clk), .push(push), .write(write), .read(read), .data(s_axis_tdata), .word(between_tdata)
  );
  always @(posedge clk) if (take) m_axis_tdata <= between_tdata;
endmodule
