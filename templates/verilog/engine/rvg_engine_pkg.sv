// SPDX-License-Identifier: Apache-2.0
// rvg_engine_pkg: bit offsets and widths of an instruction's fields and of an image's header; error codes.
//
// Golden : repvgg_hw/plan/engine/instruction.py, FIELDS, says what each field is; codes.py; a test holds them equal.

`default_nettype none

package rvg_engine_pkg;

  // ---- an instruction: 128 bytes, word by word
  localparam int INSTRUCTION_W = 1024;

  localparam int OP               =   0;  localparam int OP_W               = 8;
  localparam int STRIDE2          =   8;  localparam int STRIDE2_W          = 1;
  localparam int IN_SIGNED        =   9;  localparam int IN_SIGNED_W        = 1;
  localparam int LOAD_WHOLE       =  10;  localparam int LOAD_WHOLE_W       = 1;
  localparam int STORE_WHOLE      =  11;  localparam int STORE_WHOLE_W      = 1;
  localparam int POOL             =  12;  localparam int POOL_W             = 1;
  localparam int POOL_FIRST       =  13;  localparam int POOL_FIRST_W       = 1;
  localparam int FROM_INPUT       =  14;  localparam int FROM_INPUT_W       = 1;
  localparam int TO_OUTPUT        =  15;  localparam int TO_OUTPUT_W        = 1;
  localparam int SHIFT            =  16;  localparam int SHIFT_W            = 6;
  localparam int OUT_MAX          =  24;  localparam int OUT_MAX_W          = 8;
  localparam int DEPENDS          =  32;  localparam int DEPENDS_W          = 16;
  localparam int LOAD_ADDR        =  64;  localparam int LOAD_ADDR_W        = 32;
  localparam int LOAD_PLANE       =  96;  localparam int LOAD_PLANE_W       = 32;
  localparam int LOAD_STEP        = 128;  localparam int LOAD_STEP_W        = 32;
  localparam int LOAD_PITCH       = 160;  localparam int LOAD_PITCH_W       = 32;
  localparam int LOAD_LINE_BEATS  = 192;  localparam int LOAD_LINE_BEATS_W  = 16;
  localparam int TOP              = 208;  localparam int TOP_W              = 1;
  localparam int BOTTOM           = 216;  localparam int BOTTOM_W           = 8;
  localparam int X_FIRST          = 224;  localparam int X_FIRST_W          = 16;
  localparam int X_LIMIT          = 240;  localparam int X_LIMIT_W          = 16;
  localparam int TILES_X          = 256;  localparam int TILES_X_W          = 8;
  localparam int TILES_Y          = 264;  localparam int TILES_Y_W          = 8;
  localparam int TILES            = 272;  localparam int TILES_W            = 8;
  localparam int WORDS            = 288;  localparam int WORDS_W            = 16;
  localparam int GROUPS           = 304;  localparam int GROUPS_W           = 16;
  localparam int IN_LANES         = 320;  localparam int IN_LANES_W         = 8;
  localparam int OUT_LANES        = 328;  localparam int OUT_LANES_W        = 8;
  localparam int REPEATS          = 336;  localparam int REPEATS_W          = 16;
  localparam int WEIGHT_ADDR      = 352;  localparam int WEIGHT_ADDR_W      = 32;
  localparam int WEIGHT_BEATS     = 384;  localparam int WEIGHT_BEATS_W     = 32;
  localparam int STORE_ADDR       = 416;  localparam int STORE_ADDR_W       = 32;
  localparam int STORE_PLANE      = 448;  localparam int STORE_PLANE_W      = 32;
  localparam int STORE_PITCH      = 480;  localparam int STORE_PITCH_W      = 32;
  localparam int STORE_LINE_BEATS = 512;  localparam int STORE_LINE_BEATS_W = 16;
  localparam int STORE_ROWS       = 528;  localparam int STORE_ROWS_W       = 16;
  localparam int STORE_COLUMNS    = 544;  localparam int STORE_COLUMNS_W    = 16;
  localparam int CHANNELS         = 576;  localparam int CHANNELS_W         = 16;
  localparam int BLOCKS           = 592;  localparam int BLOCKS_W           = 16;

  localparam logic [7:0] OP_END    = 8'd0;
  localparam logic [7:0] OP_CONV   = 8'd1;
  localparam logic [7:0] OP_LINEAR = 8'd2;

  // ---- the header of an image: 128 bytes
  localparam logic [31:0] MAGIC   = 32'h45475652;  // RVGE, in memory's order
  localparam logic [31:0] VERSION = 32'd2;

  localparam int HEADER_MAGIC       = 0;
  localparam int HEADER_VERSION     = 32;
  localparam int HEADER_ENGINE      = 64;
  localparam int HEADER_BYTES       = 96;
  localparam int HEADER_PROGRAM     = 128;
  localparam int HEADER_COUNT       = 160;
  localparam int HEADER_MAPS        = 192;
  localparam int HEADER_INPUT       = 224;
  localparam int HEADER_OUTPUT      = 256;
  localparam int HEADER_FINGERPRINT = 288;

  // ---- what is wrong with an image, and the register ERROR
  localparam logic [2:0] FETCH_OK      = 3'd0;
  localparam logic [2:0] FETCH_MAGIC   = 3'd1;
  localparam logic [2:0] FETCH_VERSION = 3'd2;
  localparam logic [2:0] FETCH_ENGINE  = 3'd3;
  localparam logic [2:0] FETCH_PROGRAM = 3'd4;
  localparam logic [2:0] FETCH_ADDRESS = 3'd5;

  localparam logic [7:0] ERROR_NONE        = 8'd0;
  localparam logic [7:0] ERROR_ABORT       = 8'd1;
  localparam logic [7:0] ERROR_WEIGHT_READ = 8'd2;
  localparam logic [7:0] ERROR_DATA_READ   = 8'd3;
  localparam logic [7:0] ERROR_DATA_WRITE  = 8'd4;
  localparam logic [7:0] ERROR_MAGIC       = 8'd5;
  localparam logic [7:0] ERROR_VERSION     = 8'd6;
  localparam logic [7:0] ERROR_ENGINE      = 8'd7;
  localparam logic [7:0] ERROR_PROGRAM     = 8'd8;
  localparam logic [7:0] ERROR_WATCHDOG    = 8'd9;
  localparam logic [7:0] ERROR_BUS         = 8'd10;
  localparam logic [7:0] ERROR_BUSY        = 8'd11;
  localparam logic [7:0] ERROR_ADDRESS     = 8'd12;

endpackage

`default_nettype wire
