// SPDX-License-Identifier: Apache-2.0
// axi_stream_rules: ends the simulation where a port breaks a rule of AXI4-Stream (IHI 0051), or sends gaps.
//
// Stays  : a beat that is not taken stays, all of it, until it is.
// Bytes  : every beat but a packet's last one is full, the last one from byte 0 on without a gap.
// During reset nothing is offered; what was offered before it need not stay.

`default_nettype none

module axi_stream_rules #(
  parameter     PORT  = "",
  parameter int BYTES = 4
) (
  input wire logic               aclk,
  input wire logic               aresetn,
  input wire logic [8*BYTES-1:0] tdata,
  input wire logic [BYTES-1:0]   tkeep,
  input wire logic               tlast,
  input wire logic               tvalid,
  input wire logic               tready
);

  logic        waits_q;
  logic [8*BYTES+BYTES:0] beat_q;
  wire  [8*BYTES+BYTES:0] beat = {tlast, tkeep, tdata};

  always_ff @(posedge aclk) begin
    waits_q <= aresetn && tvalid && !tready;
    beat_q  <= beat;
    if (aresetn) begin
      if (waits_q && (!tvalid || beat != beat_q)) broken("a beat did not stay until it was taken");
      if (tvalid && !tlast && !(&tkeep)) broken("a beat within a packet is not full");
      if (tvalid && tlast && (!tkeep[0] || (tkeep & (tkeep + 1'b1)) != '0)) broken("a beat's bytes are not consecutive");
    end
  end

  task automatic broken(input string what);
    $display("broken rule of %s: %s", PORT, what);
    $stop;
  endtask

endmodule

`default_nettype wire
