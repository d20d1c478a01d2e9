// SPDX-License-Identifier: Apache-2.0
// stream_sink: takes beats, inside the simulation; with +stalls=SEED, SEED not 0, at random moments only.

`default_nettype none

module stream_sink (
  input  wire logic clk,
  input  wire logic rst,
  output      logic tready
);

  logic [31:0] lfsr_q, stalls;

  initial if (!$value$plusargs("stalls=%d", stalls)) stalls = 0;

  always_ff @(posedge clk) begin
    lfsr_q <= {lfsr_q[30:0], lfsr_q[31] ^ lfsr_q[21] ^ lfsr_q[1] ^ lfsr_q[0]};
    tready <= stalls == 0 || lfsr_q[1];
    if (rst) begin
      lfsr_q <= stalls * 32'd2246822519 + 32'd1;
      tready <= 1'b0;
    end
  end

endmodule

`default_nettype wire
