// SPDX-License-Identifier: Apache-2.0
// rvg_copies: one bit in N registers that no tool merges, so that each drives what is near it.
//
//   on clk: q <= rst ? 0 : N times d
//
// For     : an enable of several hundred registers, which as one net takes longer than all logic between two registers.
// Latency : 1 cycle.
// Cells   : with RVG_CELLS the registers of an FPGA family, rvg_register_cell of cells/FAMILY.v: alike registers of RTL
//           are merged into one.

`default_nettype none

module rvg_copies #(
  parameter int N = 2
) (
  input  wire logic         clk,
  input  wire logic         rst,
  input  wire logic         d,
  output      logic [N-1:0] q
);

  if (N < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // One register alone has nothing to be merged with.
`ifdef RVG_CELLS
  localparam bit CELLS = N > 1;
`else
  localparam bit CELLS = 1'b0;
`endif

  if (CELLS) begin : g_cells
    for (genvar i = 0; i < N; i++) begin : g_copy
      rvg_register_cell u_cell (.clk, .rst, .d, .q(q[i]));
    end
  end else begin : g_rtl
    always_ff @(posedge clk) q <= rst ? '0 : {N{d}};
  end

endmodule

`default_nettype wire
