// SPDX-License-Identifier: Apache-2.0
// MULT18X18D: what netlists for Lattice ECP5 use of that multiplier, for simulation.
//
//   P = A * B       each operand signed where SIGNEDA, SIGNEDB say so
//
// Source : Lattice FPGA-TN-02205, ECP5 and ECP5-5G sysDSP Usage Guide: registers of inputs, pipeline and output, each
//          where its CLK parameter is not "NONE", with the clock enable that its CE parameter names.
// Not here: input C, shift chains, resets other than 0, clocks other than CLK0: an instance that uses them ends the
//          simulation.

`default_nettype none

module MULT18X18D #(
  parameter REG_INPUTA_CLK   = "NONE", parameter REG_INPUTA_CE   = "CE0", parameter REG_INPUTA_RST   = "RST0",
  parameter REG_INPUTB_CLK   = "NONE", parameter REG_INPUTB_CE   = "CE0", parameter REG_INPUTB_RST   = "RST0",
  parameter REG_INPUTC_CLK   = "NONE", parameter REG_INPUTC_CE   = "CE0", parameter REG_INPUTC_RST   = "RST0",
  parameter REG_PIPELINE_CLK = "NONE", parameter REG_PIPELINE_CE = "CE0", parameter REG_PIPELINE_RST = "RST0",
  parameter REG_OUTPUT_CLK   = "NONE", parameter REG_OUTPUT_CE   = "CE0", parameter REG_OUTPUT_RST   = "RST0",
  parameter CLK0_DIV = "ENABLED", parameter CLK1_DIV = "ENABLED", parameter CLK2_DIV = "ENABLED",
  parameter CLK3_DIV = "ENABLED", parameter HIGHSPEED_CLK = "NONE", parameter GSR = "ENABLED",
  parameter CAS_MATCH_REG = "FALSE", parameter SOURCEB_MODE = "B_SHIFT", parameter MULT_BYPASS = "DISABLED",
  parameter RESETMODE = "SYNC"
) (
  input wire logic A0, A1, A2, A3, A4, A5, A6, A7, A8,
  input wire logic A9, A10, A11, A12, A13, A14, A15, A16, A17,
  input wire logic B0, B1, B2, B3, B4, B5, B6, B7, B8,
  input wire logic B9, B10, B11, B12, B13, B14, B15, B16, B17,
  input wire logic C0, C1, C2, C3, C4, C5, C6, C7, C8,
  input wire logic C9, C10, C11, C12, C13, C14, C15, C16, C17,
  input  wire logic SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input  wire logic CLK0, CLK1, CLK2, CLK3, CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
  output wire logic P0, P1, P2, P3, P4, P5, P6, P7, P8,
  output wire logic P9, P10, P11, P12, P13, P14, P15, P16, P17,
  output wire logic P18, P19, P20, P21, P22, P23, P24, P25, P26,
  output wire logic P27, P28, P29, P30, P31, P32, P33, P34, P35
);

  wire [18:0] a = {SIGNEDA && A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [18:0] b = {SIGNEDB && B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire [3:0]  ce = {CE3, CE2, CE1, CE0};

  // "CE2" -> 2
  function automatic int number(input logic [23:0] name);
    number = 32'(name[7:0]) - 32'("0");
  endfunction

  logic signed [18:0] a_in, b_in;
  logic signed [35:0] product, piped, out;

  if (REG_INPUTA_CLK == "NONE") begin : g_a
    assign a_in = a;
  end else begin : g_a_reg
    always_ff @(posedge CLK0) if (ce[number(REG_INPUTA_CE)]) a_in <= a;
  end
  if (REG_INPUTB_CLK == "NONE") begin : g_b
    assign b_in = b;
  end else begin : g_b_reg
    always_ff @(posedge CLK0) if (ce[number(REG_INPUTB_CE)]) b_in <= b;
  end

  assign product = 36'(a_in * b_in);

  if (REG_PIPELINE_CLK == "NONE") begin : g_pipeline
    assign piped = product;
  end else begin : g_pipeline_reg
    always_ff @(posedge CLK0) if (ce[number(REG_PIPELINE_CE)]) piped <= product;
  end
  if (REG_OUTPUT_CLK == "NONE") begin : g_output
    assign out = piped;
  end else begin : g_output_reg
    always_ff @(posedge CLK0) if (ce[number(REG_OUTPUT_CE)]) out <= piped;
  end

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
  P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = out;

  initial begin
    if (MULT_BYPASS != "DISABLED" || SOURCEB_MODE != "B_SHIFT") $fatal(1, "MULT18X18D: a mode without a model");
    if ((REG_INPUTA_CLK != "NONE" && REG_INPUTA_CLK != "CLK0") || (REG_INPUTB_CLK != "NONE" && REG_INPUTB_CLK != "CLK0")
      || (REG_PIPELINE_CLK != "NONE" && REG_PIPELINE_CLK != "CLK0")
      || (REG_OUTPUT_CLK != "NONE" && REG_OUTPUT_CLK != "CLK0")) $fatal(1, "MULT18X18D: a clock without a model");
  end
  always_comb if (RST0 || SOURCEA || SOURCEB) $fatal(1, "MULT18X18D: a reset or a shift chain, without a model");

endmodule

`default_nettype wire
