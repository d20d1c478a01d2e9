// SPDX-License-Identifier: Apache-2.0
// rvg_engine_array: N x N x PI x PO products a cycle, summed over the inputs' channels for each tile of a strip.
//
//   sum[tile, o, p] (+)= sum over i < PI of word[p, i] * set[o, p, i]      o < PO, p < N*N
//
// Golden : repvgg_hw/winograd/golden.py, the sums in winograd_conv()
// Words  : lane p*PI + i, one in each cycle with in_valid, to the sum of tile in_tile; in_first begins the tile's sum,
//          with in_ends it is complete, with in_last so are those of all tiles of a set of outputs. The next word of a tile
//          comes 4 cycles later or more, see rvg_engine_sequencer.
// Weights: set_data, lane (o*N*N + p)*PI + i, is copied with set_take and used from the next cycle on.
// Sums   : modulo 2^SUM_W, in RAM made of LUTs; complete ones in slot in_half*T_MAX + tile of 2*T_MAX. Drain: row drain_row
//          of slot drain_slot, for LANES channels from channel drain_batch*LANES on, is in drain_sums 2 cycles later, lane
//          channel*N + column. No handshake.
// Rate   : one word a cycle, one row drained a cycle, to and from different slots.
// Latency: a word's products are in its sums LATENCY + 1 cycles after in_valid, LATENCY that of rvg_dot_product;
//          sums_done comes in the cycle after that of the set's last word was added.

`default_nettype none

module rvg_engine_array #(
  parameter int N        = 5,
  parameter int PI       = 1,
  parameter int PO       = 2,
  parameter int LANES    = 1,
  parameter int T_MAX    = 4,
  parameter int DATA_W   = 15,
  parameter int WEIGHT_W = 14,
  parameter int SUM_W    = 27,
  localparam int P       = N * N,
  localparam int TILE_W  = T_MAX > 1 ? $clog2(T_MAX) : 1,
  localparam int SLOT_W  = $clog2(2*T_MAX),
  localparam int ROW_W   = $clog2(N),
  localparam int BATCHES = PO / LANES,
  localparam int BATCH_W = BATCHES > 1 ? $clog2(BATCHES) : 1
) (
  input  wire logic                        clk,
  input  wire logic                        rst,

  input  wire logic                        set_take,
  input  wire logic [PO*P*PI*WEIGHT_W-1:0] set_data,

  input  wire logic                        in_valid,
  input  wire logic [P*PI*DATA_W-1:0]      in_word,
  input  wire logic [TILE_W-1:0]           in_tile,
  input  wire logic                        in_half,
  input  wire logic                        in_first,
  input  wire logic                        in_ends,
  input  wire logic                        in_last,
  output      logic                        sums_done,

  input  wire logic [SLOT_W-1:0]           drain_slot,
  input  wire logic [ROW_W-1:0]            drain_row,
  input  wire logic [BATCH_W-1:0]          drain_batch,
  output      logic [LANES*N*SUM_W-1:0]    drain_sums
);

  localparam int LATENCY = rvg_pkg::dot_latency(PI);
  localparam int AT      = rvg_pkg::addend_at(PI);  // from a word to its tile's sum, as it was
  localparam int LINE_W  = N * SUM_W;           // a row of one channel
  localparam int QUADS   = (N + 3) / 4;         // fours of rows
  localparam int GROUPS  = BATCHES * QUADS;
  localparam int GROUP_W = GROUPS > 1 ? $clog2(GROUPS) : 1;

  if (N < 3 || PI < 1 || PO < 1 || LANES < 1 || T_MAX < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BATCHES * LANES != PO) begin : g_check_lanes
    rvg_error_lanes_must_divide_po u_error ();
  end

  // ---- a word's way through the multipliers; [0] of each is that which comes in
  logic [LATENCY:0]            valid, first, ends, last, half;
  logic [LATENCY-1:0]          valid_q, first_q, ends_q, last_q, half_q;
  logic [(LATENCY+1)*TILE_W-1:0] tile;
  logic [LATENCY*TILE_W-1:0]   tile_q;
  logic [TILE_W-1:0]           add_tile;  // of the sum that is ready
  logic [SLOT_W-1:0]           add_slot;

  assign valid    = {valid_q, in_valid};
  assign first    = {first_q, in_first};
  assign ends     = {ends_q, in_ends};
  assign last     = {last_q, in_last};
  assign half     = {half_q, in_half};
  assign tile     = {tile_q, in_tile};
  assign add_tile = tile[TILE_W*LATENCY +: TILE_W];
  assign add_slot = SLOT_W'(add_tile) + (half[LATENCY] ? SLOT_W'(T_MAX) : '0);

  always_ff @(posedge clk) begin
    valid_q   <= valid[LATENCY-1:0];
    first_q   <= first[LATENCY-1:0];
    ends_q    <= ends[LATENCY-1:0];
    last_q    <= last[LATENCY-1:0];
    half_q    <= half[LATENCY-1:0];
    tile_q    <= tile[TILE_W*LATENCY-1:0];
    sums_done <= valid[LATENCY] && last[LATENCY];
    if (rst) begin
      valid_q   <= '0;
      sums_done <= 1'b0;
    end
  end

  // ---- the weights at work
  logic [PO*P*PI*WEIGHT_W-1:0] set_q;

  always_ff @(posedge clk) begin
    if (set_take) set_q <= set_data;
  end

  // ---- which row of which channels is drained: first one of four rows, then one of those of all batches
  logic [GROUP_W-1:0] group_q;

  always_ff @(posedge clk) group_q <= GROUP_W'(drain_batch) * GROUP_W'(QUADS) + GROUP_W'(drain_row >> 2);

  // ---- products and sums
  for (genvar l = 0; l < LANES; l++) begin : g_lane
    logic [BATCHES*N*LINE_W-1:0] lines;
    logic [GROUPS*LINE_W-1:0]    groups_q;
    logic [LINE_W-1:0]           line;

    for (genvar b = 0; b < BATCHES; b++) begin : g_batch
      for (genvar p = 0; p < P; p++) begin : g_position
        localparam int L = P*(LANES*b + l) + p;

        rvg_engine_accumulators #(.PI(PI), .DATA_W(DATA_W), .WEIGHT_W(WEIGHT_W), .W(SUM_W), .T_MAX(T_MAX)) u_sums (
          .clk, .enable(valid), .x(in_word[PI*DATA_W*p +: PI*DATA_W]), .w(set_q[PI*WEIGHT_W*L +: PI*WEIGHT_W]),
          .first(first[AT]), .tile(tile[TILE_W*AT +: TILE_W]), .add_tile, .add_slot, .ends(ends[LATENCY]),
          .drain_slot, .drained(lines[SUM_W*(P*b + p) +: SUM_W])
        );
      end

      for (genvar g = 0; g < QUADS; g++) begin : g_quad
        localparam int ROWS = N - 4*g < 4 ? N - 4*g : 4;

        logic [LINE_W-1:0] quad;

        always_comb begin
          quad = lines[LINE_W*(N*b + 4*g) +: LINE_W];
          for (int r = 1; r < ROWS; r++) begin
            if (drain_row[1:0] == 2'(r)) quad = lines[LINE_W*(N*b + 4*g + r) +: LINE_W];
          end
        end

        always_ff @(posedge clk) groups_q[LINE_W*(QUADS*b + g) +: LINE_W] <= quad;
      end
    end

    always_comb begin
      line = groups_q[LINE_W-1:0];
      for (int g = 1; g < GROUPS; g++) begin
        if (group_q == GROUP_W'(g)) line = groups_q[LINE_W*g +: LINE_W];
      end
    end

    always_ff @(posedge clk) drain_sums[LINE_W*l +: LINE_W] <= line;
  end

`ifdef RVG_ASSERT
  // A word that adds to a sum: those that came a few cycles before are of other tiles.
  localparam int LOOP = LATENCY - AT + 1;  // from a sum's reading to the first that gives the new one

  logic again;

  always_comb begin
    again = 1'b0;
    for (int k = 1; k < LOOP; k++) begin
      if (valid[AT+k] && tile[TILE_W*(AT + k) +: TILE_W] == tile[TILE_W*AT +: TILE_W]) again = 1'b1;
    end
  end

  rvg_assert #(.TEXT("rvg_engine_array: a tile's word came before the sum of the one before it was there")) u_assert_loop (
    .clk, .rst, .holds(!valid[AT] || first[AT] || !again)
  );
`endif

endmodule

`default_nettype wire
