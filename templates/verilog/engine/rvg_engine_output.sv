// SPDX-License-Identifier: Apache-2.0
// rvg_engine_output: the array's sums into pixels: A^T s A, exact division, bias, requantization, ReLU.
//
//   y = (A^T s A) / L^2,  pixel = min(clamp(((y + bias) * mult + 2^(shift-1)) >> shift, 0, 255), out_max)
//
// Golden : repvgg_hw/winograd/golden.py, output_transform() and exact_divide(); repvgg_hw/golden.py, requantize_relu()
// Order  : rvg_engine_drain. One row of sums of LANES channels a cycle through the first pass, then the tile's columns
//          through the second, while the next tile's rows follow.
// In     : instructions; affine, PO x {mult uint[MULT_W], bias int[ACC_W]}, bias low, one beat for each set of outputs;
//          sums_done, when the sums of a set are complete in the half of the array's slots that is the next one's.
// Out    : pixels, valid only: one column of a tile, channel by channel M1 pixels, top pixel low, of column px_x of the
//          strip and row px_y of tiles; at stride 2 the first M2 of each M1. Columns beyond the map are sent, too;
//          px_last is the last column of a batch. half_free when a set was drained.
// Room   : a batch, the strip's tiles of LANES channels, begins only with room_ok, in the cycle of room_take.
// Widths : sums int[SUM_W], SUM_W = ACC_W + 2*max(SHIFT1, SHIFT2), L = 2^SHIFT1 or 2^SHIFT2 times an odd number; y and
//          y + bias fit int[ACC_W]. All is modulo a power of two, so nothing overflows.
// Rate   : N cycles for each tile and batch; 2 cycles between instructions.
// Latency: from a tile's last row in drain_row to its first column of pixels: 15 cycles.

`default_nettype none

module rvg_engine_output #(
  parameter int N        = 5,
  parameter int PO       = 2,
  parameter int LANES    = 1,
  parameter int T_MAX    = 4,
  parameter int ACC_W    = 24,
  parameter int SHIFT1   = 1,
  parameter int SHIFT2   = 0,
  localparam int M1      = N - 2,
  localparam int M2      = (N - 1) / 2,
  localparam int SHIFT   = SHIFT1 > SHIFT2 ? SHIFT1 : SHIFT2,
  localparam int SUM_W   = ACC_W + 2*SHIFT,
  localparam int AFFINE_W = rvg_pkg::MULT_W + ACC_W,
  localparam int SLOT_W  = $clog2(2*T_MAX),
  localparam int ROW_W   = $clog2(N),
  localparam int BATCHES = PO / LANES,
  localparam int BATCH_W = BATCHES > 1 ? $clog2(BATCHES) : 1,
  localparam int LANES_W = $clog2(LANES + 1)
) (
  input  wire logic                     clk,
  input  wire logic                     rst,

  input  wire logic [1023:0]            cmd_tdata,       // instruction
  input  wire logic                     cmd_tvalid,
  output      logic                     cmd_tready,

  input  wire logic [PO*AFFINE_W-1:0]   affine_tdata,
  input  wire logic                     affine_tvalid,
  output      logic                     affine_tready,

  input  wire logic                     sums_done,
  output      logic                     half_free,
  output      logic [SLOT_W-1:0]        drain_slot,
  output      logic [ROW_W-1:0]         drain_row,
  output      logic [BATCH_W-1:0]       drain_batch,
  input  wire logic [LANES*N*SUM_W-1:0] drain_sums,      // of what was asked for 2 cycles before

  input  wire logic                     room_ok,
  output      logic                     room_take,
  output      logic [LANES_W-1:0]       batch_channels,  // valid channels of the batch that begins

  output      logic                     px_valid,
  output      logic [LANES*M1*8-1:0]    px_data,
  output      logic [15:0]              px_x,
  output      logic [7:0]               px_y,
  output      logic                     px_last
);

  localparam int LINE_W  = N * SUM_W;      // a row of sums of one channel
  localparam int STEP_W  = $clog2(N);
  localparam int REQUANT = 5 + rvg_pkg::STAGES;  // cycles of rvg_requant_relu
  localparam int STAGES  = 2 + REQUANT;          // from the choice of a column to its requantized pixels
  localparam int SHIFT_W = rvg_pkg::SHIFT_W;
  localparam int TAG_W   = 2 + 8 + 16 + 8 + SHIFT_W;

  if (N < 3 || PO < 1 || LANES < 1 || T_MAX < 1 || ACC_W < 8) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BATCHES * LANES != PO) begin : g_check_lanes
    rvg_error_lanes_must_divide_po u_error ();
  end
  if (ACC_W > 32 || SHIFT1 < 0 || SHIFT2 < 0) begin : g_check_width
    rvg_error_dividers_have_at_most_32_bits u_error ();
  end

  // ---- which row of which channels; a row's sums come 2 cycles later
  logic                      row_valid, tile_end, tile_stride2, tile_last;
  logic [SHIFT_W-1:0]        tile_shift;
  logic [7:0]                tile_out_max, tile_y;
  logic [15:0]               tile_x;
  logic [LANES*AFFINE_W-1:0] tile_affine;

  rvg_engine_drain #(.N(N), .PO(PO), .LANES(LANES), .T_MAX(T_MAX), .AFFINE_W(AFFINE_W)) u_drain (
    .clk, .rst, .cmd_tdata, .cmd_tvalid, .cmd_tready, .affine_tdata, .affine_tvalid, .affine_tready,
    .sums_done, .half_free, .room_ok, .room_take, .batch_channels, .drain_slot, .drain_row, .drain_batch,
    .row_valid, .tile_end, .tile_stride2, .tile_shift, .tile_out_max, .tile_x, .tile_y, .tile_last, .tile_affine
  );

  // ---- the tile whose rows are on their way, then the one whose columns are
  logic [1:0]                row_valid_q, row_stride2_q;
  logic [2:0]                tile_end_q;
  logic                      rows, rows_stride2, hand_over;
  logic                      arriving_stride2_q, arriving_last_q, stride2_q, last_q;
  logic [SHIFT_W-1:0]        arriving_shift_q, shift_q;
  logic [7:0]                arriving_out_max_q, arriving_y_q, out_max_q, y_q;
  logic [15:0]               arriving_x_q, x_q;
  logic [LANES*AFFINE_W-1:0] arriving_affine_q, affine_q;

  assign rows         = row_valid_q[1];
  assign rows_stride2 = row_stride2_q[1];
  assign hand_over    = tile_end_q[2];

  always_ff @(posedge clk) begin
    row_valid_q   <= {row_valid_q[0], row_valid};
    row_stride2_q <= {row_stride2_q[0], tile_stride2};
    tile_end_q    <= {tile_end_q[1:0], tile_end};
    if (tile_end) begin
      {arriving_stride2_q, arriving_last_q, arriving_shift_q} <= {tile_stride2, tile_last, tile_shift};
      {arriving_out_max_q, arriving_y_q, arriving_x_q}        <= {tile_out_max, tile_y, tile_x};
      arriving_affine_q                                       <= tile_affine;
    end
    if (hand_over) begin
      {stride2_q, last_q, shift_q} <= {arriving_stride2_q, arriving_last_q, arriving_shift_q};
      {out_max_q, y_q, x_q}        <= {arriving_out_max_q, arriving_y_q, arriving_x_q};
      affine_q                     <= arriving_affine_q;
    end
    if (rst) begin
      row_valid_q <= '0;
      tile_end_q  <= '0;
    end
  end

  // ---- columns, one a cycle; what belongs to each of them goes along: `tag`
  logic [STEP_W-1:0]       column_q;
  logic                    columns_q, last_column;
  logic [STAGES-1:0]       valid_q;
  logic [STAGES*TAG_W-1:0] tags_q;
  logic [TAG_W-1:0]        tag;

  assign last_column = column_q == (stride2_q ? STEP_W'(M2 - 1) : STEP_W'(M1 - 1));
  assign tag         = {column_q == '0, last_q && last_column, y_q, x_q + 16'(column_q), out_max_q, shift_q};

  always_ff @(posedge clk) begin
    if (columns_q) column_q <= column_q + 1'b1;
    if (columns_q && last_column) columns_q <= 1'b0;
    if (hand_over) begin
      column_q  <= '0;
      columns_q <= 1'b1;
    end
    valid_q <= {valid_q[STAGES-2:0], columns_q};
    tags_q  <= {tags_q[(STAGES-1)*TAG_W-1:0], tag};
    if (rst) begin
      columns_q <= 1'b0;
      valid_q   <= '0;
    end
  end

  logic [LANES*M1*ACC_W-1:0] acc;

  for (genvar l = 0; l < LANES; l++) begin : g_lane
    rvg_engine_tile #(.N(N), .ACC_W(ACC_W), .SHIFT1(SHIFT1), .SHIFT2(SHIFT2)) u_tile (
      .clk, .rst, .rows, .rows_stride2, .sums(drain_sums[LINE_W*l +: LINE_W]),
      .hand_over, .columns(columns_q), .column(column_q), .columns_stride2(stride2_q),
      .acc(acc[M1*ACC_W*l +: M1*ACC_W])
    );
  end

  // ---- requantization: bias and multiplier, and shift, change with a tile's first column where they are used
  localparam int ROUND = REQUANT - 2;  // the stage before the one in which the shift is used first

  logic [LANES*M1*AFFINE_W-1:0] affine;
  logic [LANES*AFFINE_W-1:0]    batch_q;
  logic [SHIFT_W-1:0]           round_q;
  logic                         y_valid;
  logic [LANES*M1*8-1:0]        y;
  logic                         no_read, no_address;
  logic [TAG_W-1:0]             tag_round, tag_y;
  logic [7:0]                   out_max;

  assign tag_round = tags_q[TAG_W*ROUND +: TAG_W];
  assign tag_y     = tags_q[TAG_W*(STAGES-1) +: TAG_W];
  assign out_max   = tag_y[SHIFT_W +: 8];

  always_ff @(posedge clk) begin
    if (valid_q[1] && tags_q[2*TAG_W-1]) batch_q <= affine_q;
    if (valid_q[ROUND] && tag_round[TAG_W-1]) round_q <= tag_round[SHIFT_W-1:0];
  end

  for (genvar l = 0; l < LANES; l++) begin : g_affine
    assign affine[M1*AFFINE_W*l +: M1*AFFINE_W] = {M1{batch_q[AFFINE_W*l +: AFFINE_W]}};
  end

  rvg_requant_relu #(.LANES(LANES*M1), .ADDRS(1), .ACC_W(ACC_W), .Y_W(8)) u_requant (
    .clk, .rst, .acc_valid(valid_q[1]), .acc, .affine_en(no_read), .affine_addr(no_address), .affine_data(affine), .shift(round_q),
    .y_valid, .y
  );

  for (genvar i = 0; i < LANES*M1; i++) begin : g_pixel
    always_ff @(posedge clk) px_data[8*i +: 8] <= y[8*i +: 8] < out_max ? y[8*i +: 8] : out_max;
  end

  always_ff @(posedge clk) begin
    px_valid               <= y_valid;
    {px_last, px_y, px_x}  <= tag_y[TAG_W-2:SHIFT_W+8];
    if (rst) px_valid <= 1'b0;
  end

  wire unused = &{1'b0, no_read, no_address, tag_round, tag_y};

endmodule

`default_nettype wire
