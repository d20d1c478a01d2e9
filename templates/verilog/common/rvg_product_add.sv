// SPDX-License-Identifier: Apache-2.0
// rvg_product_add: sum of N products and of one addend, which comes late: a sum that grows in a memory.
//
//   sum = (clear ? 0 : c) + sum over i < N of a[i] * b[i]       modulo 2^SUM_W
//
// Widths : a N x int[A_W], b N x int[B_W], which fit the ports of a multiplier of AMD's; c, sum int[SUM_W].
// Latency: LATENCY = 2 + N cycles from the operands, as of rvg_product_chain; c and clear are those of AT cycles after
//          the operands, so that a sum may be read, added to and written again within LATENCY - AT + 1 cycles: N + 2 up
//          to two products, 3 beyond. en[i] marks that the operands of i cycles ago are worth computing.
// Cells  : with RVG_CELLS the multipliers of an FPGA family, rvg_product_add_cell of cells/FAMILY.v, with their registers
//          and their adders where they have some: the addend meets the first product at the multiplier's port C. Beyond
//          two products it comes with the last one: on UltraScale+ beside the cascade, on 7 series in logic.

`default_nettype none

module rvg_product_add #(
  parameter int N        = 1,
  parameter int A_W      = 9,
  parameter int B_W      = 8,
  parameter int SUM_W    = 24,
  localparam int AT      = rvg_pkg::addend_at(N),
  localparam int LATENCY = rvg_pkg::chain_latency(N)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] en,
  input  wire logic [N*A_W-1:0]   a,
  input  wire logic [N*B_W-1:0]   b,
  input  wire logic [SUM_W-1:0]   c,
  input  wire logic               clear,
  output      logic [SUM_W-1:0]   sum
);

  if (N < 1 || A_W < 1 || B_W < 1 || SUM_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (((A_W > 25 || B_W > 18) && (A_W > 18 || B_W > 25)) || SUM_W > 48 || N > rvg_pkg::CHAIN) begin : g_check_width
    rvg_error_parameter_out_of_range u_error ();
  end

  // ---- operands of products 2 and higher wait; the last cycle of it is a second register of the multiplier
  logic [N*A_W-1:0] a_late;
  logic [N*B_W-1:0] b_late;

  for (genvar i = 0; i < N; i++) begin : g_wait
    if (i < 2) begin : g_none
      assign a_late[A_W*i +: A_W] = a[A_W*i +: A_W];
      assign b_late[B_W*i +: B_W] = b[B_W*i +: B_W];
    end else begin : g_delay
      rvg_delay #(.W(A_W + B_W), .CYCLES(i - 1)) u_delay (
        .clk, .en(en[i-2:0]), .d({a[A_W*i +: A_W], b[B_W*i +: B_W]}),
        .q({a_late[A_W*i +: A_W], b_late[B_W*i +: B_W]})
      );
    end
  end

`ifdef RVG_CELLS
  rvg_product_add_cell #(.N(N), .A_W(A_W), .B_W(B_W), .SUM_W(SUM_W), .AT(AT)) u_cell (
    .clk, .en, .a, .b, .a_late, .b_late, .c, .clear, .sum
  );
`else
  // ---- multipliers, one behind the other
  localparam int TERM_W = A_W + B_W < SUM_W ? A_W + B_W : SUM_W;

  logic [SUM_W-1:0] c_q;

  always_ff @(posedge clk) if (en[AT]) c_q <= clear ? '0 : c;

  for (genvar i = 0; i < N; i++) begin : g_product
    logic signed [A_W-1:0]    a_1, a_q;
    logic signed [B_W-1:0]    b_1, b_q;
    logic signed [TERM_W-1:0] m_q;
    logic [SUM_W-1:0]         base, p_q;

    if (i == 0) begin : g_one_register
      assign a_1 = a_late[A_W-1:0];
      assign b_1 = b_late[B_W-1:0];
    end else begin : g_two_registers
      always_ff @(posedge clk) begin
        if (en[i-1]) begin
          a_1 <= a_late[A_W*i +: A_W];
          b_1 <= b_late[B_W*i +: B_W];
        end
      end
    end

    if (i == 0) begin : g_first
      assign base = AT == 1 ? c_q : '0;
    end else begin : g_next
      assign base = g_product[i-1].p_q + (AT == i + 1 ? c_q : '0);
    end

    always_ff @(posedge clk) begin
      if (en[i]) begin
        a_q <= a_1;
        b_q <= b_1;
      end
      if (en[i+1]) m_q <= a_q * b_q;
      if (en[i+2]) p_q <= base + SUM_W'(m_q);
    end
  end

  assign sum = g_product[N-1].p_q;
`endif

endmodule

`default_nettype wire
