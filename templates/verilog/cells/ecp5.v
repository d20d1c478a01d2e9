// SPDX-License-Identifier: Apache-2.0
// The library's multipliers for Lattice ECP5: MULT18X18D with their input, pipeline and output registers.
//
// Source : Lattice FPGA-TN-02205, ECP5 and ECP5-5G sysDSP Usage Guide.
// Enables: none, the registers take a value every cycle: four multipliers share a block, which has four clock enables in
//          all. With three for each layer's products and three for its requantization, a chain finds no legal placement.
//          None either in the registers before and behind them, up to a sum over words: one net to all of them is slow.

// rvg_copies.sv: one register, by the name of its cell, of which no two are merged.
module rvg_register_cell (
  input  wire clk,
  input  wire rst,
  input  wire d,
  output wire q
);

  TRELLIS_FF #(.GSR("DISABLED"), .CEMUX("1"), .CLKMUX("CLK"), .LSRMUX("LSR"), .REGSET("RESET")) u_register (
    .CLK(clk), .CE(1'b1), .LSR(rst), .DI(d), .Q(q)
  );

endmodule

// rvg_multiply.sv: one block; up to 35 x 18 bits two, and an addition behind their registers; beyond that inference.
// Without its pipeline register (PIPELINE "NONE") two cycles.
module rvg_multiply_cell #(
  parameter A_W      = 9,
  parameter B_W      = 8,
  parameter P_W      = 17,
  parameter PIPELINE = "CLK0"
) (
  input  wire                  clk,
  input  wire [2:0]            en,
  input  wire signed [A_W-1:0] a,
  input  wire signed [B_W-1:0] b,
  output wire [P_W-1:0]        p
);

  localparam SWAP   = A_W < B_W;  // the wider operand first
  localparam WIDE   = SWAP ? B_W : A_W;
  localparam NARROW = SWAP ? A_W : B_W;

  wire signed [WIDE-1:0]   wide   = SWAP ? b : a;
  wire signed [NARROW-1:0] narrow = SWAP ? a : b;

  generate
    if (WIDE <= 18) begin : g_cell
      wire signed [17:0] a18 = wide;
      wire signed [17:0] b18 = narrow;
      wire [35:0]        p36;

      assign p = p36[P_W-1:0];

      MULT18X18D #(
        .REG_INPUTA_CLK("CLK0"), .REG_INPUTA_CE("CE0"), .REG_INPUTA_RST("RST0"),
        .REG_INPUTB_CLK("CLK0"), .REG_INPUTB_CE("CE0"), .REG_INPUTB_RST("RST0"),
        .REG_PIPELINE_CLK(PIPELINE), .REG_PIPELINE_CE("CE0"), .REG_PIPELINE_RST("RST0"),
        .REG_OUTPUT_CLK("CLK0"), .REG_OUTPUT_CE("CE0"), .REG_OUTPUT_RST("RST0"),
        .CLK0_DIV("ENABLED"), .SOURCEB_MODE("B_SHIFT"), .MULT_BYPASS("DISABLED"), .RESETMODE("SYNC"), .GSR("DISABLED")
      ) u_mult (
        .CLK0(clk), .CE0(1'b1), .RST0(1'b0),
        .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
        .A0(a18[0]), .A1(a18[1]), .A2(a18[2]), .A3(a18[3]), .A4(a18[4]), .A5(a18[5]), .A6(a18[6]), .A7(a18[7]), .A8(a18[8]),
        .A9(a18[9]), .A10(a18[10]), .A11(a18[11]), .A12(a18[12]), .A13(a18[13]), .A14(a18[14]), .A15(a18[15]), .A16(a18[16]), .A17(a18[17]),
        .B0(b18[0]), .B1(b18[1]), .B2(b18[2]), .B3(b18[3]), .B4(b18[4]), .B5(b18[5]), .B6(b18[6]), .B7(b18[7]), .B8(b18[8]),
        .B9(b18[9]), .B10(b18[10]), .B11(b18[11]), .B12(b18[12]), .B13(b18[13]), .B14(b18[14]), .B15(b18[15]), .B16(b18[16]), .B17(b18[17]),
        .P0(p36[0]), .P1(p36[1]), .P2(p36[2]), .P3(p36[3]), .P4(p36[4]), .P5(p36[5]), .P6(p36[6]), .P7(p36[7]), .P8(p36[8]),
        .P9(p36[9]), .P10(p36[10]), .P11(p36[11]), .P12(p36[12]), .P13(p36[13]), .P14(p36[14]), .P15(p36[15]), .P16(p36[16]), .P17(p36[17]),
        .P18(p36[18]), .P19(p36[19]), .P20(p36[20]), .P21(p36[21]), .P22(p36[22]), .P23(p36[23]), .P24(p36[24]), .P25(p36[25]), .P26(p36[26]),
        .P27(p36[27]), .P28(p36[28]), .P29(p36[29]), .P30(p36[30]), .P31(p36[31]), .P32(p36[32]), .P33(p36[33]), .P34(p36[34]), .P35(p36[35])
      );
    end else if (WIDE <= 35 && NARROW <= 18) begin : g_split
      // wide = high * 2^17 + low, low not negative
      localparam H_W = WIDE - 17 + NARROW;  // of high * narrow
      localparam L_W = 17 + NARROW;         // of low * narrow
      wire signed [H_W-1:0] high;
      wire signed [L_W-1:0] low;
      wire signed [H_W-1:0] upper = high + $signed(low[L_W-1:17]);

      rvg_multiply_cell #(.A_W(WIDE - 17), .B_W(NARROW), .P_W(H_W), .PIPELINE(PIPELINE)) u_high (
        .clk(clk), .en(en), .a(wide[WIDE-1:17]), .b(narrow), .p(high)
      );
      rvg_multiply_cell #(.A_W(18), .B_W(NARROW), .P_W(L_W), .PIPELINE(PIPELINE)) u_low (
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

// rvg_product_chain.sv: no cascade, for which ECP5 has a cell of its own; products are summed by pairs in logic, and
// the operands need not wait.
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
  input  wire [N*A_W-1:0] a,
  input  wire [N*B_W-1:0] b,
  input  wire [N*A_W-1:0] a_late,
  input  wire [N*B_W-1:0] b_late,
  output wire [SUM_W-1:0] sum
);

  wire [SUM_W-1:0] products;
  assign sum = products + START;

  rvg_product_tree #(.N(N), .A_W(A_W), .B_W(B_W), .TERM_W(TERM_W), .SUM_W(SUM_W)) u_tree (
    .clk(clk), .en({(N+2){1'b1}}), .a(a), .b(b), .sum(products)
  );

endmodule

// rvg_multiply_accumulate.sv: one block, of whose registers that in the middle is spared, and a sum in logic.
module rvg_multiply_accumulate_cell #(
  parameter A_W    = 9,
  parameter B_W    = 8,
  parameter TERM_W = 16,
  parameter SUM_W  = 24
) (
  input  wire                    clk,
  input  wire [3:0]              en,
  input  wire                    first,
  input  wire signed [A_W-1:0]   a,
  input  wire signed [B_W-1:0]   b,
  output reg  signed [SUM_W-1:0] sum
);

  reg signed [A_W-1:0]     a_q;
  reg signed [B_W-1:0]     b_q;
  wire signed [TERM_W-1:0] product;
  wire signed [SUM_W-1:0]  before = first ? {SUM_W{1'b0}} : sum;

  rvg_multiply_cell #(.A_W(A_W), .B_W(B_W), .P_W(TERM_W), .PIPELINE("NONE")) u_multiply (
    .clk(clk), .en(3'b111), .a(a_q), .b(b_q), .p(product)
  );

  always @(posedge clk) begin
    a_q <= a;
    b_q <= b;
    if (en[3]) sum <= before + product;
  end

endmodule

// rvg_product_add.sv: multipliers, and sums in logic, a register behind each. Of the multipliers' registers that in the
// middle is spared where a product would come too late.
module rvg_product_add_cell #(
  parameter N     = 1,
  parameter A_W   = 9,
  parameter B_W   = 8,
  parameter SUM_W = 24,
  parameter AT    = 1
) (
  input  wire             clk,
  input  wire [N+1:0]     en,
  input  wire [N*A_W-1:0] a,
  input  wire [N*B_W-1:0] b,
  input  wire [N*A_W-1:0] a_late,
  input  wire [N*B_W-1:0] b_late,
  input  wire [SUM_W-1:0] c,
  input  wire             clear,
  output wire [SUM_W-1:0] sum
);

  localparam TERM_W = A_W + B_W < SUM_W ? A_W + B_W : SUM_W;

  reg [SUM_W-1:0] c_q;

  always @(posedge clk) if (en[AT]) c_q <= clear ? {SUM_W{1'b0}} : c;

  genvar i;
  generate
    if (AT == 1) begin : g_with_first
      for (i = 0; i < N; i = i + 1) begin : g_product
        wire signed [TERM_W-1:0] product;
        wire signed [SUM_W-1:0]  wide = product;
        reg [SUM_W-1:0]          s_q;

        rvg_multiply_cell #(.A_W(A_W), .B_W(B_W), .P_W(TERM_W), .PIPELINE(i == 0 ? "NONE" : "CLK0")) u_multiply (
          .clk(clk), .en(3'b111), .a(a[A_W*i +: A_W]), .b(b[B_W*i +: B_W]), .p(product)
        );

        if (i == 0) begin : g_first
          always @(posedge clk) if (en[2]) s_q <= c_q + wide;
        end else begin : g_next
          always @(posedge clk) if (en[i+2]) s_q <= g_product[i-1].s_q + wide;
        end
      end

      assign sum = g_product[N-1].s_q;
    end else begin : g_with_last
      localparam LEVELS = $clog2(N);
      localparam READY  = N == 3 ? 2 : 3;          // cycles to a product
      localparam LEFT   = N + 1 - READY - LEVELS;  // and from the products' sum to the addend

      wire [N*TERM_W-1:0] products;
      wire [SUM_W-1:0]    early, late;
      reg [SUM_W-1:0]     sum_q;

      for (i = 0; i < N; i = i + 1) begin : g_product
        rvg_multiply_cell #(.A_W(A_W), .B_W(B_W), .P_W(TERM_W), .PIPELINE(N == 3 ? "NONE" : "CLK0")) u_multiply (
          .clk(clk), .en(3'b111), .a(a[A_W*i +: A_W]), .b(b[B_W*i +: B_W]), .p(products[TERM_W*i +: TERM_W])
        );
      end

      rvg_adder_tree #(.N(N), .TERM_W(TERM_W), .W(SUM_W)) u_tree (
        .clk(clk), .enable(en[READY +: LEVELS]), .terms(products), .sum(early)
      );

      if (LEFT == 0) begin : g_in_time
        assign late = early;
      end else begin : g_wait
        rvg_delay #(.W(SUM_W), .CYCLES(LEFT)) u_delay (.clk(clk), .en(en[N -: LEFT]), .d(early), .q(late));
      end

      always @(posedge clk) if (en[N+1]) sum_q <= c_q + late;
      assign sum = sum_q;
    end
  endgenerate

endmodule
