// SPDX-License-Identifier: Apache-2.0
// rvg_reset: a reset from outside, active low, to the one that the units take.
//
// rst    : high as soon as rst_n is low, whatever the clock does; low at the STAGES-th rising edge after rst_n is high again,
//          so that it never ends near an edge, however rst_n comes.

`default_nettype none

module rvg_reset #(
  parameter int STAGES = 3
) (
  input  wire logic clk,
  input  wire logic rst_n,
  output      logic rst
);

  if (STAGES < 2) begin : g_check_stages
    rvg_error_reset_of_less_than_two_stages u_error ();
  end

  (* ASYNC_REG = "TRUE" *) logic [STAGES-1:0] stages_q;

  assign rst = stages_q[STAGES-1];

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) stages_q <= '1;
    else        stages_q <= {stages_q[STAGES-2:0], 1'b0};
  end

endmodule

`default_nettype wire
