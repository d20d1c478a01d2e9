// SPDX-License-Identifier: Apache-2.0
// rvg_engine_array: N x N x PI x PO products a cycle, summed over the inputs' channels for each tile of a strip.
//
//   sum[slot, o, p] (+)= sum over i < PI of word[p, i] * set[o, p, i]      o < PO, p < N*N
//
// Golden : repvgg_hw/winograd/golden.py, the sums in winograd_conv()
// Words  : lane p*PI + i, one in each cycle with in_valid, to slot in_slot of 2*T_MAX; in_first begins the slot's sum,
//          in_last is the last word of a set of outputs.
// Weights: set_data, lane (o*N*N + p)*PI + i, is copied with set_take and used from the next cycle on.
// Sums   : modulo 2^SUM_W, in RAM made of LUTs. Drain: row drain_row of slot drain_slot, for LANES channels from channel
//          drain_batch*LANES on, is in drain_sums 2 cycles later, lane channel*N + column. No handshake.
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
  input  wire logic [SLOT_W-1:0]           in_slot,
  input  wire logic                        in_first,
  input  wire logic                        in_last,
  output      logic                        sums_done,

  input  wire logic [SLOT_W-1:0]           drain_slot,
  input  wire logic [ROW_W-1:0]            drain_row,
  input  wire logic [BATCH_W-1:0]          drain_batch,
  output      logic [LANES*N*SUM_W-1:0]    drain_sums
);

  localparam int LATENCY = rvg_pkg::dot_latency(PI);
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

  // ---- a word's way through the multipliers
  logic [LATENCY-1:0]        valid_q, first_q, last_q;
  logic [LATENCY*SLOT_W-1:0] slot_q;
  logic [LATENCY-1:0]        enable;
  logic [SLOT_W-1:0]         slot;   // of the products that are ready
  logic                      add, first;

  assign enable = {valid_q[LATENCY-2:0], in_valid};
  assign add    = valid_q[LATENCY-1];
  assign first  = first_q[LATENCY-1];
  assign slot   = slot_q[SLOT_W*(LATENCY-1) +: SLOT_W];

  always_ff @(posedge clk) begin
    valid_q   <= enable;
    first_q   <= {first_q[LATENCY-2:0], in_first};
    last_q    <= {last_q[LATENCY-2:0], in_last};
    slot_q    <= {slot_q[SLOT_W*(LATENCY-1)-1:0], in_slot};
    sums_done <= add && last_q[LATENCY-1];
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

        logic [SUM_W-1:0] term;

        rvg_dot_product #(.N(PI), .X_W(DATA_W), .X_SIGNED(1'b1), .W_W(WEIGHT_W), .SUM_W(SUM_W)) u_dot (
          .clk, .enable, .x(in_word[PI*DATA_W*p +: PI*DATA_W]), .w(set_q[PI*WEIGHT_W*L +: PI*WEIGHT_W]), .sum(term)
        );

        rvg_engine_accumulators #(.W(SUM_W), .DEPTH(2*T_MAX)) u_sums (
          .clk, .add, .first, .slot, .term, .drain_slot, .drained(lines[SUM_W*(P*b + p) +: SUM_W])
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

endmodule

`default_nettype wire
