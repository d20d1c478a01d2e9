// SPDX-License-Identifier: Apache-2.0
// rvg_uart_rx: a serial line of 8 data bits, no parity, one stop bit -> bytes.
//
// In     : rxd, low bit first, CLOCKS cycles a bit; asynchronous to clk.
// Out    : a pulse of valid with each byte, from the middle of its stop bit on. A byte whose stop bit is low is dropped,
//          and so is a start bit that has gone again in its middle.
// Rate   : back to back, as long as the sender's clock is within 4 % of CLOCKS.

`default_nettype none

module rvg_uart_rx #(
  parameter int CLOCKS = 50
) (
  input  wire logic       clk,
  input  wire logic       rst,
  input  wire logic       rxd,
  output      logic [7:0] data,
  output      logic       valid
);

  localparam int COUNT_W = $clog2(CLOCKS);

  if (CLOCKS < 8) begin : g_check_clocks
    rvg_error_bit_of_less_than_8_cycles u_error ();
  end

  logic [2:0]         line_q;  // two registers against metastability, one to see an edge by
  logic [COUNT_W-1:0] count_q;
  logic [3:0]         bit_q;   // 0: the start bit, 1 to 8: data, 9: the stop bit
  logic               busy_q;

  always_ff @(posedge clk) begin
    line_q <= {line_q[1:0], rxd};
    valid  <= 1'b0;
    if (!busy_q) begin
      count_q <= COUNT_W'(CLOCKS / 2 - 1);
      bit_q   <= '0;
      busy_q  <= !line_q[1] && line_q[2];
    end else if (count_q != '0) begin
      count_q <= count_q - 1'b1;
    end else begin
      count_q <= COUNT_W'(CLOCKS - 1);
      bit_q   <= bit_q + 1'b1;
      if (bit_q == 4'd0) busy_q <= !line_q[1];
      else if (bit_q == 4'd9) begin
        busy_q <= 1'b0;
        valid  <= line_q[1];
      end else data <= {line_q[1], data[7:1]};
    end
    if (rst) begin
      line_q <= '1;
      busy_q <= 1'b0;
      valid  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
