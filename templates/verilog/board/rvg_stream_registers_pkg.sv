// SPDX-License-Identifier: Apache-2.0
// rvg_stream_registers_pkg: byte offsets of the registers, first bits and widths of their fields, codes of errors.
//
// Golden : repvgg_hw/plan/stream/registers.py, REGISTERS, says what each is for; this is what
//          repvgg_hw/board/register_map.py, sv_package(), prints of it; a test holds them equal.

`default_nettype none

package rvg_stream_registers_pkg;

  localparam logic [31:0] MAGIC   = 32'h53475652;
  localparam logic [31:0] NUMBER  = 32'd1;  // what VERSION reads

  localparam int ID           = 'h00;
  localparam int VERSION      = 'h04;
  localparam int NETWORK      = 'h08;
  localparam int CONTROL      = 'h0c;
  localparam int STATUS       = 'h10;
  localparam int ENABLE       = 'h14;
  localparam int FRAMES       = 'h18;
  localparam int WATCHDOG     = 'h1c;
  localparam int FRAME_BYTES  = 'h20;
  localparam int RESULT_BYTES = 'h24;
  localparam int RESULT       = 'h28;
  localparam int CYCLES_LOW   = 'h2c;
  localparam int CYCLES_HIGH  = 'h30;
  localparam int FRAMES_DONE  = 'h34;

  localparam int CONTROL_START    = 0;  localparam int CONTROL_START_W    = 1;
  localparam int CONTROL_ABORT    = 1;  localparam int CONTROL_ABORT_W    = 1;
  localparam int STATUS_BUSY      = 0;  localparam int STATUS_BUSY_W      = 1;
  localparam int STATUS_DONE      = 1;  localparam int STATUS_DONE_W      = 1;
  localparam int STATUS_INTERRUPT = 2;  localparam int STATUS_INTERRUPT_W = 1;
  localparam int STATUS_ERROR     = 8;  localparam int STATUS_ERROR_W     = 8;
  localparam int ENABLE_INTERRUPT = 0;  localparam int ENABLE_INTERRUPT_W = 1;
  localparam int RESULT_TOP       = 0;  localparam int RESULT_TOP_W       = 8;
  localparam int RESULT_LOGITS    = 8;  localparam int RESULT_LOGITS_W    = 16;

  localparam logic [7:0] ERROR_NONE     = 8'd0;
  localparam logic [7:0] ERROR_ABORT    = 8'd1;
  localparam logic [7:0] ERROR_WATCHDOG = 8'd9;
  localparam logic [7:0] ERROR_BUSY     = 8'd11;
  localparam logic [7:0] ERROR_SHORT    = 8'd16;
  localparam logic [7:0] ERROR_LONG     = 8'd17;
  localparam logic [7:0] ERROR_KEEP     = 8'd18;

endpackage

`default_nettype wire
