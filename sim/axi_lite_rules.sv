// SPDX-License-Identifier: Apache-2.0
// axi_lite_rules: ends the simulation where a port breaks a rule of AXI4-Lite (IHI 0022).
//
// Stays  : on each of the five channels what is offered stays, unchanged, until it is taken.
// Answers: none before what it answers: an address and data have been taken for each answer to a write, an address for
//          each to a read; OKAY, SLVERR or DECERR.

`default_nettype none

module axi_lite_rules #(
  parameter     PORT   = "",
  parameter int ADDR_W = 12
) (
  input wire logic              aclk,
  input wire logic              aresetn,
  input wire logic [ADDR_W-1:0] awaddr,
  input wire logic              awvalid,
  input wire logic              awready,
  input wire logic [31:0]       wdata,
  input wire logic [3:0]        wstrb,
  input wire logic              wvalid,
  input wire logic              wready,
  input wire logic [1:0]        bresp,
  input wire logic              bvalid,
  input wire logic              bready,
  input wire logic [ADDR_W-1:0] araddr,
  input wire logic              arvalid,
  input wire logic              arready,
  input wire logic [31:0]       rdata,
  input wire logic [1:0]        rresp,
  input wire logic              rvalid,
  input wire logic              rready
);

  localparam int W = ADDR_W > 36 ? ADDR_W : 36;

  logic [4:0]     waits_q;
  logic [W-1:0]   was_q [0:4];
  logic [W-1:0]   now [0:4];
  wire  [4:0]     valid = {rvalid, arvalid, bvalid, wvalid, awvalid};
  wire  [4:0]     ready = {rready, arready, bready, wready, awready};
  logic [31:0]    addresses_q, words_q, answers_q, asked_q, given_q;

  assign now[0] = W'(awaddr);
  assign now[1] = W'({wstrb, wdata});
  assign now[2] = W'(bresp);
  assign now[3] = W'(araddr);
  assign now[4] = W'({rresp, rdata});

  always_ff @(posedge aclk) begin
    waits_q <= aresetn ? valid & ~ready : '0;
    for (int i = 0; i < 5; i++) was_q[i] <= now[i];
    if (aresetn) begin
      for (int i = 0; i < 5; i++) begin
        if (waits_q[i] && (!valid[i] || now[i] != was_q[i])) broken("what was offered did not stay until it was taken");
      end
      if (bvalid && (answers_q >= addresses_q || answers_q >= words_q)) broken("an answer to a write that has not come");
      if (rvalid && given_q >= asked_q) broken("an answer to a read that has not come");
      if (bvalid && bresp == 2'b01 || rvalid && rresp == 2'b01) broken("EXOKAY as an answer");
      addresses_q <= addresses_q + 32'(awvalid && awready);
      words_q     <= words_q + 32'(wvalid && wready);
      answers_q   <= answers_q + 32'(bvalid && bready);
      asked_q     <= asked_q + 32'(arvalid && arready);
      given_q     <= given_q + 32'(rvalid && rready);
    end else begin
      addresses_q <= '0;
      words_q     <= '0;
      answers_q   <= '0;
      asked_q     <= '0;
      given_q     <= '0;
    end
  end

  task automatic broken(input string what);
    $display("broken rule of %s: %s", PORT, what);
    $stop;
  endtask

endmodule

`default_nettype wire
