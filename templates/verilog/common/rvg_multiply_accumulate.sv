// SPDX-License-Identifier: Apache-2.0
// rvg_multiply_accumulate: one product per cycle, summed where it is made.
//
//   sum = (first ? 0 : sum) + a * b       modulo 2^SUM_W
//
// Widths : a int[A_W], b int[B_W], product int[TERM_W], modulo 2^TERM_W, sum int[SUM_W].
// Latency: 4 cycles: two registers of operands, for a memory's output is slow, product, sum. en[i] marks that the
//          operands of i cycles ago are worth computing; `first` belongs to those of 3 cycles ago.
// Cells  : with RVG_CELLS one multiplier of an FPGA family, rvg_multiply_accumulate_cell of cells/FAMILY.v, with its
//          registers, and with its adder where it has one: then the sum takes no logic.

`default_nettype none

module rvg_multiply_accumulate #(
  parameter int A_W    = 9,
  parameter int B_W    = 8,
  parameter int TERM_W = 16,
  parameter int SUM_W  = 24
) (
  input  wire logic             clk,
  input  wire logic [3:0]       en,
  input  wire logic             first,
  input  wire logic [A_W-1:0]   a,
  input  wire logic [B_W-1:0]   b,
  output      logic [SUM_W-1:0] sum
);

  if (A_W < 1 || B_W < 1 || TERM_W < 1 || SUM_W > 48) begin : g_check_width
    rvg_error_parameter_out_of_range u_error ();
  end
  if (TERM_W > A_W + B_W || TERM_W > SUM_W) begin : g_check_term
    rvg_error_result_wider_than_the_product u_error ();
  end

  // The ports of the smaller multipliers of AMD's families; a wider product takes several, and no adder of theirs.
  if ((A_W > 25 || B_W > 18) && (A_W > 18 || B_W > 25)) begin : g_wide
    logic signed [TERM_W-1:0] product;

    rvg_multiply #(.A_W(A_W), .B_W(B_W), .P_W(TERM_W)) u_multiply (.clk, .en(en[2:0]), .a, .b, .p(product));

    always_ff @(posedge clk) begin
      if (en[3]) sum <= (first ? '0 : sum) + SUM_W'(product);
    end
  end else begin : g_fits
`ifdef RVG_CELLS
    rvg_multiply_accumulate_cell #(.A_W(A_W), .B_W(B_W), .TERM_W(TERM_W), .SUM_W(SUM_W)) u_cell (
      .clk, .en, .first, .a, .b, .sum
    );
`else
    logic signed [A_W-1:0]    a_1, a_q;
    logic signed [B_W-1:0]    b_1, b_q;
    logic signed [TERM_W-1:0] m_q;

    always_ff @(posedge clk) begin
      if (en[0]) begin
        a_1 <= a;
        b_1 <= b;
      end
      if (en[1]) begin
        a_q <= a_1;
        b_q <= b_1;
      end
      if (en[2]) m_q <= a_q * b_q;
      if (en[3]) sum <= (first ? '0 : sum) + SUM_W'(m_q);
    end
`endif
  end

endmodule

`default_nettype wire
