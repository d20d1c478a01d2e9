// SPDX-License-Identifier: Apache-2.0
// rvg_uart_tx: bytes -> a serial line of 8 data bits, no parity, one stop bit.
//
// Out    : txd, low bit first, CLOCKS cycles a bit, high while idle.
// Rate   : a byte in 10 CLOCKS cycles, back to back.

`default_nettype none

module rvg_uart_tx #(
  parameter int CLOCKS = 50
) (
  input  wire logic       clk,
  input  wire logic       rst,
  input  wire logic [7:0] s_axis_tdata,
  input  wire logic       s_axis_tvalid,
  output      logic       s_axis_tready,
  output      logic       txd
);

  localparam int COUNT_W = $clog2(CLOCKS);

  if (CLOCKS < 8) begin : g_check_clocks
    rvg_error_bit_of_less_than_8_cycles u_error ();
  end

  logic [COUNT_W-1:0] count_q;
  logic [3:0]         bits_q;   // that are still to be ended; 0: idle
  logic [8:0]         shift_q;  // data and the stop bit

  assign s_axis_tready = bits_q == '0;

  always_ff @(posedge clk) begin
    if (bits_q == '0) begin
      count_q <= COUNT_W'(CLOCKS - 1);
      if (s_axis_tvalid) begin
        bits_q  <= 4'd10;
        txd     <= 1'b0;
        shift_q <= {1'b1, s_axis_tdata};
      end
    end else if (count_q != '0) begin
      count_q <= count_q - 1'b1;
    end else begin
      count_q <= COUNT_W'(CLOCKS - 1);
      bits_q  <= bits_q - 1'b1;
      {shift_q, txd} <= {1'b1, shift_q};
    end
    if (rst) begin
      bits_q <= '0;
      txd    <= 1'b1;
    end
  end

endmodule

`default_nettype wire
