// SPDX-License-Identifier: Apache-2.0
// rvg_product_chain: sum of N products, each multiplier adding its own to what comes from the one before.
//
//   sum = START + sum over i < N of a[i] * b[i]
//
// Widths : a N x int[A_W], b N x int[B_W], products int[TERM_W], sum int[SUM_W], modulo 2^SUM_W. A partial sum is no
//          wider than its terms can be: no register holds a copy of a sign.
// Latency: LATENCY = 2 + N cycles, one result per cycle: the operands of product i wait i cycles. en[i] marks that the
//          operands of i cycles ago are worth computing.
// Cells  : with RVG_CELLS the multipliers of an FPGA family, rvg_product_chain_cell of cells/FAMILY.v, with their
//          registers, and with their cascade where they have one: then the sum takes no logic. The last cycle of
//          waiting is a second operand register of the multiplier.

`default_nettype none

module rvg_product_chain #(
  parameter int N        = 3,
  parameter int A_W      = 9,
  parameter int B_W      = 8,
  parameter int TERM_W   = 16,
  parameter int SUM_W    = 18,
  parameter int START    = 0,
  localparam int LATENCY = rvg_pkg::chain_latency(N)
) (
  input  wire logic               clk,
  input  wire logic [LATENCY-1:0] en,
  input  wire logic [N*A_W-1:0]   a,
  input  wire logic [N*B_W-1:0]   b,
  output      logic [SUM_W-1:0]   sum
);

  if (N < 2 || A_W < 1 || B_W < 1) begin : g_check_terms
    rvg_error_needs_two_terms_of_one_bit u_error ();
  end
  if (TERM_W > A_W + B_W || SUM_W > TERM_W + $clog2(N)) begin : g_check_width
    rvg_error_result_wider_than_the_product u_error ();
  end
  if (TERM_W > SUM_W) begin : g_check_sum
    rvg_error_term_wider_than_the_sum u_error ();
  end

  // ---- operands of products 2 and higher wait
  logic [N*A_W-1:0] a_late;
  logic [N*B_W-1:0] b_late;

  assign a_late[2*A_W-1:0] = a[2*A_W-1:0];
  assign b_late[2*B_W-1:0] = b[2*B_W-1:0];

  for (genvar i = 2; i < N; i++) begin : g_wait
    logic [(N-i)*A_W-1:0] a_q;  // of products i and higher, i - 1 cycles late
    logic [(N-i)*B_W-1:0] b_q;

    if (i == 2) begin : g_first
      always_ff @(posedge clk) begin
        if (en[i-2]) begin
          a_q <= a[N*A_W-1:i*A_W];
          b_q <= b[N*B_W-1:i*B_W];
        end
      end
    end else begin : g_next
      always_ff @(posedge clk) begin
        if (en[i-2]) begin
          a_q <= g_wait[i-1].a_q[(N-i+1)*A_W-1:A_W];
          b_q <= g_wait[i-1].b_q[(N-i+1)*B_W-1:B_W];
        end
      end
    end

    assign a_late[A_W*i +: A_W] = a_q[A_W-1:0];
    assign b_late[B_W*i +: B_W] = b_q[B_W-1:0];
  end

`ifdef RVG_CELLS
  rvg_product_chain_cell #(.N(N), .A_W(A_W), .B_W(B_W), .TERM_W(TERM_W), .SUM_W(SUM_W), .START(START)) u_cell (
    .clk, .en, .a, .b, .a_late, .b_late, .sum
  );
`else
  // ---- multipliers, one behind the other
  function automatic int width_at(input int i);
    width_at = TERM_W + $clog2(i + 1) < SUM_W ? TERM_W + $clog2(i + 1) : SUM_W;
  endfunction

  for (genvar i = 0; i < N; i++) begin : g_product
    localparam int OWN_W = width_at(i);

    logic signed [A_W-1:0]    a_1, a_q;
    logic signed [B_W-1:0]    b_1, b_q;
    logic signed [TERM_W-1:0] m_q;
    logic signed [OWN_W-1:0]  p_q;

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

    always_ff @(posedge clk) begin
      if (en[i]) begin
        a_q <= a_1;
        b_q <= b_1;
      end
      if (en[i+1]) m_q <= a_q * b_q;
    end

    if (i == 0) begin : g_first
      always_ff @(posedge clk) if (en[i+2]) p_q <= m_q + OWN_W'(START);
    end else begin : g_next
      always_ff @(posedge clk) if (en[i+2]) p_q <= OWN_W'(g_product[i-1].p_q) + OWN_W'(m_q);
    end
  end

  assign sum = g_product[N-1].p_q;
`endif

endmodule

`default_nettype wire
