// SPDX-License-Identifier: Apache-2.0
// stream_sink: takes beats, inside the simulation, except in the cycle after `pause`.

`default_nettype none

module stream_sink (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic pause,
  output      logic tready
);

  always_ff @(posedge clk) begin
    tready <= !pause;
    if (rst) tready <= 1'b0;
  end

endmodule

`default_nettype wire
