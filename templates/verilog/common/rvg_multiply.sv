// SPDX-License-Identifier: Apache-2.0
// rvg_multiply: one product, with the registers that multiplier blocks have: operands, product, result.
//
//   p = a * b       modulo 2^P_W
//
// Widths : a int[A_W], b int[B_W], p int[P_W]. P_W is no wider than the product: no register holds a copy of a sign.
// Latency: 3 cycles, one result per cycle. en[i] marks that the operands of i cycles ago are worth computing.
// Cells  : with RVG_CELLS one block of an FPGA family, rvg_multiply_cell of cells/FAMILY.v, registers inside; else left
//          to the tool's own inference.

`default_nettype none

module rvg_multiply #(
  parameter int A_W = 9,
  parameter int B_W = 8,
  parameter int P_W = 17
) (
  input  wire logic           clk,
  input  wire logic [2:0]     en,
  input  wire logic [A_W-1:0] a,
  input  wire logic [B_W-1:0] b,
  output      logic [P_W-1:0] p
);

  if (A_W < 1 || B_W < 1 || P_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (P_W > A_W + B_W) begin : g_check_width
    rvg_error_result_wider_than_the_product u_error ();
  end

`ifdef RVG_CELLS
  rvg_multiply_cell #(.A_W(A_W), .B_W(B_W), .P_W(P_W)) u_cell (.clk, .en, .a, .b, .p);
`else
  logic signed [A_W-1:0] a_q;
  logic signed [B_W-1:0] b_q;
  logic signed [P_W-1:0] m_q;

  always_ff @(posedge clk) begin
    if (en[0]) begin
      a_q <= a;
      b_q <= b;
    end
    if (en[1]) m_q <= a_q * b_q;
    if (en[2]) p   <= m_q;
  end
`endif

endmodule

`default_nettype wire
