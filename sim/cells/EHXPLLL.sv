// SPDX-License-Identifier: Apache-2.0
// EHXPLLL: a model of Lattice's ECP5 PLL for simulations of one clock: CLKOP is CLKI, locked after 16 of its cycles.
//
// Not here: frequencies: what a bench drives as CLKI is the clock of CLKOP; phases, other outputs.

`default_nettype none
/* verilator lint_off UNUSEDPARAM */  // a model of no frequency
/* verilator lint_off UNUSEDSIGNAL */
/* verilator lint_off PROCASSINIT */

module EHXPLLL #(
  parameter PLLRST_ENA      = "DISABLED",
  parameter INTFB_WAKE      = "DISABLED",
  parameter STDBY_ENABLE    = "DISABLED",
  parameter DPHASE_SOURCE   = "DISABLED",
  parameter OUTDIVIDER_MUXA = "DIVA",
  parameter OUTDIVIDER_MUXB = "DIVB",
  parameter OUTDIVIDER_MUXC = "DIVC",
  parameter OUTDIVIDER_MUXD = "DIVD",
  parameter CLKOP_ENABLE    = "ENABLED",
  parameter FEEDBK_PATH     = "CLKOP",
  parameter CLKI_DIV        = 1,
  parameter CLKFB_DIV       = 1,
  parameter CLKOP_DIV       = 8,
  parameter CLKOP_CPHASE    = 0,
  parameter CLKOP_FPHASE    = 0
) (
  input  wire logic CLKI,
  input  wire logic CLKFB,
  input  wire logic RST,
  input  wire logic STDBY,
  input  wire logic PHASESEL0,
  input  wire logic PHASESEL1,
  input  wire logic PHASEDIR,
  input  wire logic PHASESTEP,
  input  wire logic PHASELOADREG,
  input  wire logic PLLWAKESYNC,
  input  wire logic ENCLKOP,
  output      logic CLKOP,
  output      logic CLKINTFB,
  output      logic LOCK
);

  logic [4:0] count_q = '0;

  assign CLKOP    = CLKI;
  assign CLKINTFB = 1'b0;
  assign LOCK     = count_q[4];

  always_ff @(posedge CLKI) if (!count_q[4]) count_q <= count_q + 1'b1;

endmodule

`default_nettype wire
