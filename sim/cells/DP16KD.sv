// SPDX-License-Identifier: Apache-2.0
// DP16KD: what netlists for Lattice ECP5 use of that block RAM, for simulation.
//
// Two ports of 1, 2, 4, 9 or 18 bits on 2,048 bytes of nine; a narrow word is a part of a byte, without its ninth bit.
// Of 36 bits: port A writes and port B reads, the lower half at A's pins, the upper one at B's.
//
// Source : how contents lie in INITVAL, and addresses and data at pins, as Yosys has it (brams_16kd.txt, brams_map_16kd.v);
//          the modes by their names in Lattice FPGA-TN-02204, Memory Usage Guide, which was not read here.
// REGMODE: "OUTREG" puts a register behind a port's output, which takes it where OCE is 1.
// Not here: resets, chip selects, inverted clocks: an instance that uses them ends the simulation. An address that one
//          port writes and the other reads in one cycle gives the old word, which nobody may count on.

`default_nettype none

module DP16KD #(
  parameter int DATA_WIDTH_A = 18, parameter int DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG", parameter REGMODE_B = "NOREG", parameter RESETMODE = "SYNC",
  parameter ASYNC_RESET_RELEASE = "SYNC", parameter CSDECODE_A = "0b000", parameter CSDECODE_B = "0b000",
  parameter WRITEMODE_A = "NORMAL", parameter WRITEMODE_B = "NORMAL", parameter CLKAMUX = "CLKA",
  parameter CLKBMUX = "CLKB", parameter GSR = "ENABLED", parameter INIT_DATA = "STATIC",
  parameter [319:0] INITVAL_00 = '0, parameter [319:0] INITVAL_01 = '0, parameter [319:0] INITVAL_02 = '0, parameter [319:0] INITVAL_03 = '0,
  parameter [319:0] INITVAL_04 = '0, parameter [319:0] INITVAL_05 = '0, parameter [319:0] INITVAL_06 = '0, parameter [319:0] INITVAL_07 = '0,
  parameter [319:0] INITVAL_08 = '0, parameter [319:0] INITVAL_09 = '0, parameter [319:0] INITVAL_0A = '0, parameter [319:0] INITVAL_0B = '0,
  parameter [319:0] INITVAL_0C = '0, parameter [319:0] INITVAL_0D = '0, parameter [319:0] INITVAL_0E = '0, parameter [319:0] INITVAL_0F = '0,
  parameter [319:0] INITVAL_10 = '0, parameter [319:0] INITVAL_11 = '0, parameter [319:0] INITVAL_12 = '0, parameter [319:0] INITVAL_13 = '0,
  parameter [319:0] INITVAL_14 = '0, parameter [319:0] INITVAL_15 = '0, parameter [319:0] INITVAL_16 = '0, parameter [319:0] INITVAL_17 = '0,
  parameter [319:0] INITVAL_18 = '0, parameter [319:0] INITVAL_19 = '0, parameter [319:0] INITVAL_1A = '0, parameter [319:0] INITVAL_1B = '0,
  parameter [319:0] INITVAL_1C = '0, parameter [319:0] INITVAL_1D = '0, parameter [319:0] INITVAL_1E = '0, parameter [319:0] INITVAL_1F = '0,
  parameter [319:0] INITVAL_20 = '0, parameter [319:0] INITVAL_21 = '0, parameter [319:0] INITVAL_22 = '0, parameter [319:0] INITVAL_23 = '0,
  parameter [319:0] INITVAL_24 = '0, parameter [319:0] INITVAL_25 = '0, parameter [319:0] INITVAL_26 = '0, parameter [319:0] INITVAL_27 = '0,
  parameter [319:0] INITVAL_28 = '0, parameter [319:0] INITVAL_29 = '0, parameter [319:0] INITVAL_2A = '0, parameter [319:0] INITVAL_2B = '0,
  parameter [319:0] INITVAL_2C = '0, parameter [319:0] INITVAL_2D = '0, parameter [319:0] INITVAL_2E = '0, parameter [319:0] INITVAL_2F = '0,
  parameter [319:0] INITVAL_30 = '0, parameter [319:0] INITVAL_31 = '0, parameter [319:0] INITVAL_32 = '0, parameter [319:0] INITVAL_33 = '0,
  parameter [319:0] INITVAL_34 = '0, parameter [319:0] INITVAL_35 = '0, parameter [319:0] INITVAL_36 = '0, parameter [319:0] INITVAL_37 = '0,
  parameter [319:0] INITVAL_38 = '0, parameter [319:0] INITVAL_39 = '0, parameter [319:0] INITVAL_3A = '0, parameter [319:0] INITVAL_3B = '0,
  parameter [319:0] INITVAL_3C = '0, parameter [319:0] INITVAL_3D = '0, parameter [319:0] INITVAL_3E = '0, parameter [319:0] INITVAL_3F = '0
) (
  input wire logic DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
  input wire logic DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
  input wire logic ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input wire logic CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
  output wire logic DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
  output wire logic DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
  input wire logic DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
  input wire logic DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
  input wire logic ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input wire logic CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
  output wire logic DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
  output wire logic DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);

  localparam logic [64*320-1:0] CONTENTS = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

  logic [8:0]  bytes [0:2047];
  logic [17:0] read_a, read_b, out_a, out_b;

  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] in_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] in_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};

  wire [35:0] both_in = {in_b, in_a};

  function automatic logic [17:0] word(input logic [13:0] address, input int width);
    case (width)
      18:      word = {bytes[{address[13:4], 1'b1}], bytes[{address[13:4], 1'b0}]};
      9:       word = 18'(bytes[address[13:3]]);
      4:       word = 18'(bytes[address[13:3]][4*address[2] +: 4]);
      2:       word = 18'(bytes[address[13:3]][2*address[2:1] +: 2]);
      default: word = 18'(bytes[address[13:3]][address[2:0]]);
    endcase
  endfunction

  // A word of 18 bits is written by bytes, whose enables are the address' lowest bits.
  task automatic write(input logic [13:0] address, input int width, input logic [17:0] data);
    case (width)
      18: begin
        if (address[0]) bytes[{address[13:4], 1'b0}] <= data[8:0];
        if (address[1]) bytes[{address[13:4], 1'b1}] <= data[17:9];
      end
      9:       bytes[address[13:3]] <= data[8:0];
      4:       bytes[address[13:3]][4*address[2] +: 4] <= data[3:0];
      2:       bytes[address[13:3]][2*address[2:1] +: 2] <= data[1:0];
      default: bytes[address[13:3]][address[2:0]] <= data[0];
    endcase
  endtask

  // Words of 18 bits lie 20 bits apart.
  initial begin
    for (int i = 0; i < 1024; i++) {bytes[2*i+1], bytes[2*i]} = CONTENTS[20*i +: 18];
    if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB") $fatal(1, "DP16KD: a clock without a model");
    if (WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH") $fatal(1, "DP16KD: a mode without a model");
  end

  // Of 36 bits B's clock reads both halves. Whose register the half at A's pins obeys is open: it must not matter.
  logic [17:0] half_a;

  always @(posedge CLKA) begin
    if (CEA && (!WEA || WRITEMODE_A == "READBEFOREWRITE")) read_a <= word(address_a, DATA_WIDTH_A);
    if (OCEA) out_a <= DATA_WIDTH_B == 36 ? half_a : read_a;
    if (DATA_WIDTH_B == 36 && REGMODE_A == "OUTREG" && OCEA != OCEB) $fatal(1, "DP16KD: one word, two enables");
    if (CEA && WEA && DATA_WIDTH_A == 36) begin
      for (int i = 0; i < 4; i++) if (address_a[i]) bytes[{address_a[13:5], 2'(i)}] <= both_in[9*i +: 9];
    end else if (CEA && WEA) write(address_a, DATA_WIDTH_A, in_a);
  end

  always @(posedge CLKB) begin
    if (CEB && DATA_WIDTH_B == 36) {read_b, half_a} <= {bytes[{address_b[13:5], 2'd3}], bytes[{address_b[13:5], 2'd2}],
                                                        bytes[{address_b[13:5], 2'd1}], bytes[{address_b[13:5], 2'd0}]};
    else if (CEB && (!WEB || WRITEMODE_B == "READBEFOREWRITE")) read_b <= word(address_b, DATA_WIDTH_B);
    if (OCEB) out_b <= read_b;
    if (CEB && WEB) write(address_b, DATA_WIDTH_B, in_b);
  end

  always_comb begin
    if (RSTA || RSTB || CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2) $fatal(1, "DP16KD: a pin without a model");
  end

  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0}
    = REGMODE_A == "OUTREG" ? out_a : DATA_WIDTH_B == 36 ? half_a : read_a;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0}
    = REGMODE_B == "OUTREG" ? out_b : read_b;

  wire unused = &{1'b0, GSR == "", RESETMODE == "", ASYNC_RESET_RELEASE == "", CSDECODE_A == "", CSDECODE_B == "", INIT_DATA == ""};

endmodule

`default_nettype wire
