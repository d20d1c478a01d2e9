// SPDX-License-Identifier: Apache-2.0
// rvg_assert: ends the simulation in the first cycle in which a promise does not hold.
//
// The library instantiates it under RVG_ASSERT, which simulations define and synthesis does not. TEXT names the module and
// what it promises. No assert statement: its message has a scope, which would make every instance code of its own
// (sim/network.vlt); the layer's name comes from Verilator's class instead.

`default_nettype none

module rvg_assert #(
  parameter TEXT = ""
) (
  input wire logic clk,
  input wire logic rst,
  input wire logic holds
);

  always_ff @(posedge clk) begin
    if (!rst && !holds) begin
`ifdef VERILATOR
      $c("VL_PRINTF(\"broken promise in %s: \", vlSelf->vlNamep);");
`endif
      $display("%s", TEXT);
      $stop;
    end
  end

endmodule

`default_nettype wire
