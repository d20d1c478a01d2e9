// SPDX-License-Identifier: Apache-2.0
// rvg_assert_stream: a beat that is not taken stays, unchanged, until it is.

`default_nettype none

module rvg_assert_stream #(
  parameter     TEXT  = "",
  parameter int WIDTH = 8
) (
  input wire logic             clk,
  input wire logic             rst,
  input wire logic [WIDTH-1:0] tdata,
  input wire logic             tvalid,
  input wire logic             tready
);

  logic             waits_q;
  logic [WIDTH-1:0] tdata_q;

  rvg_assert #(.TEXT(TEXT)) u_stays (.clk, .rst, .holds(!waits_q || tvalid && tdata == tdata_q));

  always_ff @(posedge clk) begin
    waits_q <= tvalid && !tready && !rst;
    if (tvalid && !tready && !waits_q) tdata_q <= tdata;  // wide: copied once for each wait
  end

endmodule

`default_nettype wire
