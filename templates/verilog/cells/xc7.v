// SPDX-License-Identifier: Apache-2.0
// rvg_multiply_cell for AMD 7 series: one DSP48E1 with its A, B, M and P registers.
//
//   p = a * b       modulo 2^P_W,  as rvg_multiply.sv: int[A_W] x int[B_W], 3 cycles
//
// Source : AMD UG479, 7 Series DSP48E1 Slice.
// Split  : up to 42 x 18 bits by two slices, and an addition behind their registers; beyond that by inference.

module rvg_multiply_cell #(
  parameter A_W = 9,
  parameter B_W = 8,
  parameter P_W = 17
) (
  input  wire                  clk,
  input  wire [2:0]            en,
  input  wire signed [A_W-1:0] a,
  input  wire signed [B_W-1:0] b,
  output wire [P_W-1:0]        p
);

  localparam SWAP   = A_W < B_W;  // the wider operand at port A
  localparam WIDE   = SWAP ? B_W : A_W;
  localparam NARROW = SWAP ? A_W : B_W;

  wire signed [WIDE-1:0]   wide   = SWAP ? b : a;
  wire signed [NARROW-1:0] narrow = SWAP ? a : b;

  generate
    if (WIDE <= 25 && NARROW <= 18) begin : g_cell
      wire signed [29:0]       a30    = wide;
      wire signed [17:0]       b18    = narrow;
      wire [47:0]              p48;

      assign p = p48[P_W-1:0];

      DSP48E1 #(
        .AREG(1), .ACASCREG(1), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1), .A_INPUT("DIRECT"), .B_INPUT("DIRECT"),
        .ADREG(0), .DREG(0), .CREG(0), .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0),
        .USE_MULT("MULTIPLY"), .USE_SIMD("ONE48"), .USE_DPORT("FALSE")
      ) u_dsp (
        .CLK(clk), .CEA1(1'b0), .CEA2(en[0]), .CEB1(1'b0), .CEB2(en[0]), .CEM(en[1]), .CEP(en[2]),
        .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0), .RSTP(1'b0),
        .A(a30), .B(b18), .C(48'b0), .D(25'b0), .P(p48),
        .INMODE(5'b00000), .ALUMODE(4'b0000), .OPMODE(7'b0000101), .CARRYINSEL(3'b000), .CARRYIN(1'b0),
        .ACIN(30'b0), .BCIN(18'b0), .PCIN(48'b0),
        .CEAD(1'b0), .CED(1'b0), .CEC(1'b0), .CEALUMODE(1'b0), .CECTRL(1'b0), .CECARRYIN(1'b0), .CEINMODE(1'b0),
        .RSTD(1'b0), .RSTC(1'b0), .RSTALUMODE(1'b0), .RSTCTRL(1'b0), .RSTALLCARRYIN(1'b0), .RSTINMODE(1'b0)
      );
    end else if (WIDE <= 42 && NARROW <= 18) begin : g_split
      // wide = high * 2^17 + low, low not negative
      localparam H_W = WIDE - 17 + NARROW;  // of high * narrow
      localparam L_W = 17 + NARROW;         // of low * narrow
      wire signed [H_W-1:0] high;
      wire signed [L_W-1:0] low;
      wire signed [H_W-1:0] upper = high + $signed(low[L_W-1:17]);

      rvg_multiply_cell #(.A_W(WIDE - 17), .B_W(NARROW), .P_W(H_W)) u_high (
        .clk(clk), .en(en), .a(wide[WIDE-1:17]), .b(narrow), .p(high)
      );
      rvg_multiply_cell #(.A_W(18), .B_W(NARROW), .P_W(L_W)) u_low (
        .clk(clk), .en(en), .a({1'b0, wide[16:0]}), .b(narrow), .p(low)
      );

      wire [H_W+16:0] all = {upper, low[16:0]};
      assign p = all[P_W-1:0];
    end else begin : g_inferred
      reg signed [A_W-1:0] a_q;
      reg signed [B_W-1:0] b_q;
      reg signed [P_W-1:0] m_q, p_q;

      assign p = p_q;

      always @(posedge clk) begin
        if (en[0]) begin
          a_q <= a;
          b_q <= b;
        end
        if (en[1]) m_q <= a_q * b_q;
        if (en[2]) p_q <= m_q;
      end
    end
  endgenerate

endmodule
