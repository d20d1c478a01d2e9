// SPDX-License-Identifier: Apache-2.0
// rvg_frame_check: does tlast come on the last beat of every frame, and only there?
//
// Watches a stream, changes nothing. `error` stays high after the first beat whose tlast is wrong,
// until reset: pixels and frames are then out of step, and every result after it is meaningless.

`default_nettype none

module rvg_frame_check #(
  parameter int BEATS = 64
) (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic tvalid,
  input  wire logic tready,
  input  wire logic tlast,
  output      logic error
);

  localparam int COUNT_W = BEATS > 1 ? $clog2(BEATS) : 1;

  if (BEATS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [COUNT_W-1:0] beat_q;
  logic               last;

  assign last = beat_q == COUNT_W'(BEATS - 1);

  always_ff @(posedge clk) begin
    if (tvalid && tready) begin
      beat_q <= last ? '0 : beat_q + 1'b1;
      error  <= error || tlast != last;
    end
    if (rst) begin
      beat_q <= '0;
      error  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
