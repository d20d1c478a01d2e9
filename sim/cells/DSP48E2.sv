// SPDX-License-Identifier: Apache-2.0
// DSP48E2: what netlists for AMD UltraScale+ use of that slice, for simulation: multiplier, adder, registers.
//
//   P = A[26:0] * B + W + Z       modulo 2^48;  W and Z chosen by OPMODE among 0, PCIN, P and C
//
// Source : AMD UG579, UltraScale Architecture DSP Slice.
// Equal  : Yosys' model of DSP48E1, where both have the same (tests/rtl/test_cells.py).
// Not here: pre-adder, pattern detector, SIMD, carries, subtraction, registers of OPMODE and the like: an instance that
//          uses them ends the simulation.

`default_nettype none

module DSP48E2 #(
  parameter int ACASCREG = 1, parameter int ADREG = 1, parameter int ALUMODEREG = 1, parameter AMULTSEL = "A",
  parameter int AREG = 1, parameter AUTORESET_PATDET = "NO_RESET", parameter AUTORESET_PRIORITY = "RESET",
  parameter A_INPUT = "DIRECT", parameter int BCASCREG = 1, parameter BMULTSEL = "B", parameter int BREG = 1,
  parameter B_INPUT = "DIRECT", parameter int CARRYINREG = 1, parameter int CARRYINSELREG = 1, parameter int CREG = 1,
  parameter int DREG = 1, parameter int INMODEREG = 1, parameter int MREG = 1, parameter int OPMODEREG = 1,
  parameter int PREG = 1, parameter USE_MULT = "MULTIPLY", parameter USE_SIMD = "ONE48"
) (
  input  wire logic               CLK,
  input  wire logic signed [29:0] A, ACIN,
  input  wire logic signed [17:0] B, BCIN,
  input  wire logic signed [47:0] C, PCIN,
  input  wire logic signed [26:0] D,
  input  wire logic [3:0]         ALUMODE,
  input  wire logic [4:0]         INMODE,
  input  wire logic [8:0]         OPMODE,
  input  wire logic [2:0]         CARRYINSEL,
  input  wire logic               CARRYIN,
  input  wire logic               CEA1, CEA2, CEB1, CEB2, CEC, CEM, CEP, CEAD, CED, CEALUMODE, CECTRL, CECARRYIN, CEINMODE,
  input  wire logic               RSTA, RSTB, RSTC, RSTM, RSTP, RSTD, RSTALUMODE, RSTCTRL, RSTALLCARRYIN, RSTINMODE,
  output      logic signed [47:0] P, PCOUT
);

  // ---- operands
  wire signed [29:0] a_from = A_INPUT == "CASCADE" ? ACIN : A;
  wire signed [17:0] b_from = B_INPUT == "CASCADE" ? BCIN : B;
  logic signed [29:0] a_1, a_2;
  logic signed [17:0] b_1, b_2;
  logic signed [47:0] c_in;

  if (AREG == 0) begin : g_a
    assign a_2 = a_from;
  end else begin : g_a_reg
    always_ff @(posedge CLK) begin
      if (RSTA) a_1 <= '0;
      else if (CEA1) a_1 <= a_from;
      if (RSTA) a_2 <= '0;
      else if (CEA2) a_2 <= AREG == 2 ? a_1 : a_from;
    end
  end
  if (BREG == 0) begin : g_b
    assign b_2 = b_from;
  end else begin : g_b_reg
    always_ff @(posedge CLK) begin
      if (RSTB) b_1 <= '0;
      else if (CEB1) b_1 <= b_from;
      if (RSTB) b_2 <= '0;
      else if (CEB2) b_2 <= BREG == 2 ? b_1 : b_from;
    end
  end
  if (CREG == 0) begin : g_c
    assign c_in = C;
  end else begin : g_c_reg
    always_ff @(posedge CLK) begin
      if (RSTC) c_in <= '0;
      else if (CEC) c_in <= C;
    end
  end

  // ---- product, which OPMODE[3:0] = 0101 brings to the adder
  wire signed [44:0]  product = $signed(a_2[26:0]) * b_2;
  logic signed [44:0] m;

  if (MREG == 0) begin : g_m
    assign m = product;
  end else begin : g_m_reg
    always_ff @(posedge CLK) begin
      if (RSTM) m <= '0;
      else if (CEM) m <= product;
    end
  end

  // ---- sum
  logic signed [47:0] w, z, sum, p_q;

  always_comb begin
    case (OPMODE[8:7])
      2'b01:   w = p_q;
      2'b11:   w = c_in;
      default: w = '0;
    endcase
    case (OPMODE[6:4])
      3'b001:  z = PCIN;
      3'b010:  z = p_q;
      3'b011:  z = c_in;
      default: z = '0;
    endcase
    sum = 48'(m) + w + z;
  end

  always_ff @(posedge CLK) begin
    if (RSTP) p_q <= '0;
    else if (CEP) p_q <= sum;
  end

  assign P     = PREG == 0 ? sum : p_q;
  assign PCOUT = P;

  initial begin
    if (AMULTSEL != "A" || BMULTSEL != "B" || USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
      $fatal(1, "DSP48E2: a mode without a model");
    if (ALUMODEREG != 0 || OPMODEREG != 0 || INMODEREG != 0) $fatal(1, "DSP48E2: a register of control without a model");
  end
  always_comb begin
    if (OPMODE[3:0] != 4'b0101 || OPMODE[8:7] == 2'b10 || OPMODE[6] || ALUMODE != '0 || INMODE != '0 || CARRYIN)
      $fatal(1, "DSP48E2: an operation without a model");
  end

endmodule

`default_nettype wire
