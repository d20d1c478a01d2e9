// SPDX-License-Identifier: Apache-2.0
// rvg_engine_check: whether an instruction is one that this engine can begin.
//
// Golden : repvgg_hw/plan/engine/instruction.py, for which fields there are; limits are the engine's parameters.
// Legal  : counts are at least 1 and at most what the engine has; tiles are those of tiles_x and tiles_y; addresses and what is
//          added to them are whole beats; the linear layer's sums are in the pool. What is not seen here, such as words
//          that exceed the data memory or weights that are too few, makes the run wait, and the watchdog ends it.
// Latency: 1 cycle: `legal` is of the instruction that was there a cycle ago.

`default_nettype none

module rvg_engine_check #(
  parameter int PI         = 1,
  parameter int PO         = 2,
  parameter int T_MAX      = 4,
  parameter int LINE_DEPTH = 64,
  parameter int OUT_WORDS  = 16,
  parameter int C_MAX      = 64,
  parameter int BD         = 8,
  parameter int BW         = 8
) (
  input  wire logic          clk,

  input  wire logic [1023:0] instruction,
  output      logic          legal
);

  localparam int D_W = $clog2(BD);
  localparam int W_W = $clog2(BW);

  if (PI < 1 || PO < 1 || LINE_DEPTH < 1 || OUT_WORDS < 1 || C_MAX < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (T_MAX < 1 || T_MAX > 16) begin : g_check_tiles
    rvg_error_strip_of_1_to_16_tiles u_error ();
  end
  if (BD < 2 || BW < 2 || 1 << D_W != BD || 1 << W_W != BW) begin : g_check_beats
    rvg_error_bytes_of_a_beat_are_a_power_of_two u_error ();
  end

  function automatic logic fits(input logic [15:0] value, input int most);
    fits = value != '0 && 32'(value) <= most;
  endfunction

  function automatic logic data_beats(input logic [D_W-1:0] low);
    data_beats = low == '0;
  endfunction

  wire [7:0] op      = instruction[rvg_engine_pkg::OP +: 8];
  wire [7:0] tiles_x = instruction[rvg_engine_pkg::TILES_X +: 8];
  wire [7:0] tiles_y = instruction[rvg_engine_pkg::TILES_Y +: 8];

  logic [12:0] area;  // of up to 16 x 16 tiles; a product without a multiplier
  logic        shape, loads, stores, weights, linear;
  logic        shape_q, loads_q, stores_q, weights_q, linear_q;
  logic [7:0]  op_q;

  always_comb begin
    area = '0;
    for (int b = 0; b < 5; b++) area = area + (tiles_y[b] ? 13'(tiles_x) << b : 13'd0);
  end

  assign shape = fits(16'(tiles_x), T_MAX) && fits(16'(tiles_y), T_MAX)
    && fits(16'(instruction[rvg_engine_pkg::TILES +: 8]), T_MAX) && area == 13'(instruction[rvg_engine_pkg::TILES +: 8])
    && instruction[rvg_engine_pkg::WORDS +: 16] != '0 && instruction[rvg_engine_pkg::GROUPS +: 16] != '0
    && instruction[rvg_engine_pkg::REPEATS +: 16] != '0
    && fits(16'(instruction[rvg_engine_pkg::IN_LANES +: 8]), PI) && fits(16'(instruction[rvg_engine_pkg::OUT_LANES +: 8]), PO)
    && instruction[rvg_engine_pkg::SHIFT +: 6] != '0
    && instruction[rvg_engine_pkg::STORE_ROWS +: 16] != '0 && instruction[rvg_engine_pkg::STORE_COLUMNS +: 16] != '0;

  assign loads = fits(instruction[rvg_engine_pkg::LOAD_LINE_BEATS +: 16], LINE_DEPTH)
    && data_beats(instruction[rvg_engine_pkg::LOAD_ADDR +: D_W]) && data_beats(instruction[rvg_engine_pkg::LOAD_PLANE +: D_W])
    && data_beats(instruction[rvg_engine_pkg::LOAD_STEP +: D_W]) && data_beats(instruction[rvg_engine_pkg::LOAD_PITCH +: D_W]);

  assign stores = instruction[rvg_engine_pkg::POOL] || fits(instruction[rvg_engine_pkg::STORE_LINE_BEATS +: 16], OUT_WORDS)
    && data_beats(instruction[rvg_engine_pkg::STORE_ADDR +: D_W]) && data_beats(instruction[rvg_engine_pkg::STORE_PLANE +: D_W])
    && data_beats(instruction[rvg_engine_pkg::STORE_PITCH +: D_W]);

  assign weights = instruction[rvg_engine_pkg::WEIGHT_ADDR +: W_W] == '0
    && instruction[rvg_engine_pkg::WEIGHT_BEATS +: 24] != '0 && instruction[rvg_engine_pkg::WEIGHT_BEATS + 24 +: 8] == '0;

  assign linear = fits(instruction[rvg_engine_pkg::CHANNELS +: 16], C_MAX) && instruction[rvg_engine_pkg::BLOCKS +: 16] != '0
    && data_beats(instruction[rvg_engine_pkg::STORE_ADDR +: D_W]);

  // Registers in the middle: half of the way from an instruction's bits to whether it is begun.
  always_ff @(posedge clk) begin
    op_q      <= op;
    shape_q   <= shape;
    loads_q   <= loads;
    stores_q  <= stores;
    weights_q <= weights;
    linear_q  <= linear;
  end

  always_comb begin
    case (op_q)
      rvg_engine_pkg::OP_END:    legal = 1'b1;
      rvg_engine_pkg::OP_CONV:   legal = shape_q && loads_q && stores_q && weights_q;
      rvg_engine_pkg::OP_LINEAR: legal = linear_q && weights_q;
      default:                   legal = 1'b0;
    endcase
  end

  wire unused = &{1'b0, instruction};

endmodule

`default_nettype wire
