// SPDX-License-Identifier: Apache-2.0
// rvg_engine_registers_pkg: byte offsets of the engine's registers, first bits and widths of their fields.
//
// Golden : repvgg_hw/plan/engine/registers.py, REGISTERS, says what each is for; a test holds them equal.

`default_nettype none

package rvg_engine_registers_pkg;

  localparam int ID            = 'h00;
  localparam int VERSION       = 'h04;
  localparam int ENGINE        = 'h08;
  localparam int CONTROL       = 'h0c;
  localparam int STATUS        = 'h10;
  localparam int ENABLE        = 'h14;
  localparam int IMAGE         = 'h18;
  localparam int MAPS          = 'h1c;
  localparam int INPUT         = 'h20;
  localparam int OUTPUT        = 'h24;
  localparam int INPUT_STRIDE  = 'h28;
  localparam int OUTPUT_STRIDE = 'h2c;
  localparam int FRAMES        = 'h30;
  localparam int WATCHDOG      = 'h34;
  localparam int CYCLES_LOW    = 'h38;
  localparam int CYCLES_HIGH   = 'h3c;
  localparam int FRAMES_DONE   = 'h40;
  localparam int WEIGHT_READ   = 'h44;
  localparam int DATA_READ     = 'h48;
  localparam int DATA_WRITE    = 'h4c;

  localparam int CONTROL_START    = 0;  localparam int CONTROL_START_W    = 1;
  localparam int CONTROL_ABORT    = 1;  localparam int CONTROL_ABORT_W    = 1;
  localparam int STATUS_BUSY      = 0;  localparam int STATUS_BUSY_W      = 1;
  localparam int STATUS_DONE      = 1;  localparam int STATUS_DONE_W      = 1;
  localparam int STATUS_INTERRUPT = 2;  localparam int STATUS_INTERRUPT_W = 1;
  localparam int STATUS_ERROR     = 8;  localparam int STATUS_ERROR_W     = 8;
  localparam int ENABLE_INTERRUPT = 0;  localparam int ENABLE_INTERRUPT_W = 1;

endpackage

`default_nettype wire
