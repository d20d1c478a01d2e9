// SPDX-License-Identifier: Apache-2.0
// rvg_delay: so many registers in a row.
//
//   q = d of CYCLES cycles ago
//
// Data   : W bits, opaque.
// Latency: CYCLES, one value per cycle. en[i] marks that what came i cycles ago is worth keeping.

`default_nettype none

module rvg_delay #(
  parameter int W      = 8,
  parameter int CYCLES = 1
) (
  input  wire logic              clk,
  input  wire logic [CYCLES-1:0] en,
  input  wire logic [W-1:0]      d,
  output      logic [W-1:0]      q
);

  if (W < 1 || CYCLES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  for (genvar i = 0; i < CYCLES; i++) begin : g_stage
    logic [W-1:0] value_q;

    if (i == 0) begin : g_first
      always_ff @(posedge clk) if (en[i]) value_q <= d;
    end else begin : g_next
      always_ff @(posedge clk) if (en[i]) value_q <= g_stage[i-1].value_q;
    end
  end

  assign q = g_stage[CYCLES-1].value_q;

endmodule

`default_nettype wire
