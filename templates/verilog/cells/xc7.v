// SPDX-License-Identifier: Apache-2.0
// The library's multipliers for AMD 7 series: DSP48E1 slices with their A, B, M and P registers.
//
// Source : AMD UG479, 7 Series DSP48E1 Slice.

// One slice: p = (z) + a * b, with one or two registers of operands.
//
//   z[2:0]  what is added: 000 nothing, 001 pcin, 010 p, 011 c
//   c       with CREG through a register, at the product's time; `clear` makes it zero
//   en      of the first operand register (with two), the last one, the product, p
module rvg_slice #(
  parameter A_W      = 9,
  parameter B_W      = 8,
  parameter OPERANDS = 1,
  parameter CREG     = 0
) (
  input  wire                  clk,
  input  wire [3:0]            en,
  input  wire [2:0]            z,
  input  wire signed [A_W-1:0] a,
  input  wire signed [B_W-1:0] b,
  input  wire [47:0]           c,
  input  wire                  clear,
  input  wire [47:0]           pcin,
  output wire [47:0]           pcout,
  output wire [47:0]           p
);

  localparam SWAP = A_W < B_W;  // the wider operand at port A

  wire signed [29:0] a30 = SWAP ? b : a;
  wire signed [17:0] b18 = SWAP ? a : b;

  DSP48E1 #(
    .AREG(OPERANDS), .ACASCREG(OPERANDS), .BREG(OPERANDS), .BCASCREG(OPERANDS), .MREG(1), .PREG(1),
    .A_INPUT("DIRECT"), .B_INPUT("DIRECT"), .USE_MULT("MULTIPLY"), .USE_SIMD("ONE48"), .USE_DPORT("FALSE"),
    .ADREG(0), .DREG(0), .CREG(CREG), .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0)
  ) u_dsp (
    .CLK(clk), .CEA1(en[0]), .CEA2(en[1]), .CEB1(en[0]), .CEB2(en[1]), .CEM(en[2]), .CEP(en[3]),
    .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0), .RSTP(1'b0),
    .A(a30), .B(b18), .C(c), .D(25'b0), .P(p), .PCIN(pcin), .PCOUT(pcout),
    .INMODE(5'b00000), .ALUMODE(4'b0000), .OPMODE({z, 4'b0101}), .CARRYINSEL(3'b000), .CARRYIN(1'b0),
    .ACIN(30'b0), .BCIN(18'b0),
    .CEAD(1'b0), .CED(1'b0), .CEC(en[2]), .CEALUMODE(1'b0), .CECTRL(1'b0), .CECARRYIN(1'b0), .CEINMODE(1'b0),
    .RSTD(1'b0), .RSTC(clear), .RSTALUMODE(1'b0), .RSTCTRL(1'b0), .RSTALLCARRYIN(1'b0), .RSTINMODE(1'b0)
  );

endmodule

// rvg_copies.sv: one register, by the name of its cell, of which no two are merged.
module rvg_register_cell (
  input  wire clk,
  input  wire rst,
  input  wire d,
  output wire q
);

  FDRE u_register (.C(clk), .CE(1'b1), .R(rst), .D(d), .Q(q));

endmodule

// rvg_multiply.sv: one slice; up to 42 x 18 bits two, and an addition behind their registers; beyond that inference.
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

  localparam SWAP   = A_W < B_W;
  localparam WIDE   = SWAP ? B_W : A_W;
  localparam NARROW = SWAP ? A_W : B_W;

  wire signed [WIDE-1:0]   wide   = SWAP ? b : a;
  wire signed [NARROW-1:0] narrow = SWAP ? a : b;

  generate
    if (WIDE <= 25 && NARROW <= 18) begin : g_cell
      wire [47:0] p48, pcout;

      assign p = p48[P_W-1:0];

      rvg_slice #(.A_W(WIDE), .B_W(NARROW)) u_slice (
        .clk(clk), .en({en, 1'b0}), .z(3'b000), .a(wide), .b(narrow), .c(48'b0), .clear(1'b0), .pcin(48'b0), .pcout(pcout), .p(p48)
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

// rvg_product_chain.sv: N slices, each adding to what the one before hands over by the cascade.
module rvg_product_chain_cell #(
  parameter N      = 3,
  parameter A_W    = 9,
  parameter B_W    = 8,
  parameter TERM_W = 16,
  parameter SUM_W  = 18,
  parameter START  = 0
) (
  input  wire             clk,
  input  wire [N+1:0]     en,
  input  wire [N*A_W-1:0] a,  // of one beat: here it is the late ones that count
  input  wire [N*B_W-1:0] b,
  input  wire [N*A_W-1:0] a_late,
  input  wire [N*B_W-1:0] b_late,
  output wire [SUM_W-1:0] sum
);

  genvar i;
  generate
    if (A_W > 25 || B_W > 18) begin : g_wide  // a pair of weights: two slices for each product, summed in logic
      wire [SUM_W-1:0] products;
      assign sum = products + START;

      rvg_product_tree #(.N(N), .A_W(A_W), .B_W(B_W), .TERM_W(TERM_W), .SUM_W(SUM_W)) u_tree (
        .clk(clk), .en(en), .a(a), .b(b), .sum(products)
      );
    end else begin : g_cascade
      wire [48*(N+1)-1:0] cascade;
      wire [48*N-1:0]     p;

      assign cascade[47:0] = 48'b0;
      assign sum           = p[48*(N-1) +: SUM_W];

      for (i = 0; i < N; i = i + 1) begin : g_slice
        rvg_slice #(.A_W(A_W), .B_W(B_W), .OPERANDS(i == 0 ? 1 : 2)) u_slice (
          .clk(clk), .en(i == 0 ? {en[2:0], 1'b0} : en[(i == 0 ? 0 : i - 1) +: 4]),
          .z(i > 0 ? 3'b001 : START == 0 ? 3'b000 : 3'b011),
          .a(a_late[A_W*i +: A_W]), .b(b_late[B_W*i +: B_W]),
          .c(i == 0 ? START : 48'b0), .clear(1'b0),
          .pcin(cascade[48*i +: 48]), .pcout(cascade[48*(i+1) +: 48]), .p(p[48*i +: 48])
        );
      end
    end
  endgenerate

endmodule

// rvg_multiply_accumulate.sv: one slice, which adds to its own sum.
module rvg_multiply_accumulate_cell #(
  parameter A_W    = 9,
  parameter B_W    = 8,
  parameter TERM_W = 16,
  parameter SUM_W  = 24
) (
  input  wire             clk,
  input  wire [3:0]       en,
  input  wire             first,
  input  wire [A_W-1:0]   a,
  input  wire [B_W-1:0]   b,
  output wire [SUM_W-1:0] sum
);

  wire [47:0] p, pcout;

  assign sum = p[SUM_W-1:0];

  rvg_slice #(.A_W(A_W), .B_W(B_W), .OPERANDS(2)) u_slice (
    .clk(clk), .en(en), .z({1'b0, !first, 1'b0}), .a(a), .b(b), .c(48'b0), .clear(1'b0), .pcin(48'b0), .pcout(pcout), .p(p)
  );

endmodule

// rvg_product_add.sv: N slices in a cascade. Its adder has one place beside the product: the addend stands at port C of the
// first slice, or at that of the last one with what comes from the slice before, added in logic.
module rvg_product_add_cell #(
  parameter N     = 1,
  parameter A_W   = 9,
  parameter B_W   = 8,
  parameter SUM_W = 24,
  parameter AT    = 1
) (
  input  wire             clk,
  input  wire [N+1:0]     en,
  input  wire [N*A_W-1:0] a,  // of one beat: here it is the late ones that count
  input  wire [N*B_W-1:0] b,
  input  wire [N*A_W-1:0] a_late,
  input  wire [N*B_W-1:0] b_late,
  input  wire [SUM_W-1:0] c,
  input  wire             clear,
  output wire [SUM_W-1:0] sum
);

  wire [48*(N+1)-1:0] cascade;
  wire [48*N-1:0]     p;

  assign cascade[47:0] = 48'b0;
  assign sum           = p[48*(N-1) +: SUM_W];

  genvar i;
  generate
    for (i = 0; i < N; i = i + 1) begin : g_slice
      localparam ADDS  = i == AT - 1;
      localparam LOGIC = ADDS && i > 0;

      wire [47:0] addend;

      if (LOGIC) begin : g_logic
        reg [SUM_W-1:0] c_q;

        always @(posedge clk) if (en[AT]) c_q <= clear ? {SUM_W{1'b0}} : c;
        assign addend = c_q + p[48*(i - 1) +: SUM_W];
      end else begin : g_port
        assign addend = ADDS ? c : 48'b0;
      end

      rvg_slice #(.A_W(A_W), .B_W(B_W), .OPERANDS(i == 0 ? 1 : 2), .CREG(ADDS && !LOGIC)) u_slice (
        .clk(clk), .en(i == 0 ? {en[2:0], 1'b0} : en[(i == 0 ? 0 : i - 1) +: 4]),
        .z(ADDS ? 3'b011 : i == 0 ? 3'b000 : 3'b001), .a(a_late[A_W*i +: A_W]), .b(b_late[B_W*i +: B_W]),
        .c(addend), .clear(ADDS && !LOGIC && clear),
        .pcin(cascade[48*i +: 48]), .pcout(cascade[48*(i+1) +: 48]), .p(p[48*i +: 48])
      );
    end
  endgenerate

endmodule
