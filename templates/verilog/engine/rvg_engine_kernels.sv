// SPDX-License-Identifier: Apache-2.0
// rvg_engine_kernels: the weight region of convolutions, cut into what belongs to the outputs (bias and multiplier) and
// into sets of kernels as they were packed.
//
// In     : beats of BW bytes. For each group of an instruction, for each set of outputs of it: PO x {int32 bias, uint32
//          multiplier} in whole beats, then the sets of its WORDS words, SETS of them in a block of BLOCK_BEATS beats; the
//          last block may have fewer, and then only their beats. A set is PO x PI kernels of 9 bytes.
// Out    : kernels, kernel o*PI + i, 9 taps row by row, with the stride of their instruction;
//          affine, PO x {mult uint[MULT_W], bias int[ACC_W]}, bias low, one beat for each set of outputs.
// Room   : one block, of which a beat is overwritten as soon as the sets that it belongs to were taken; three affine beats.
// Rate   : one beat a cycle, as long as sets are taken when they are there.

`default_nettype none

module rvg_engine_kernels #(
  parameter int PI          = 1,
  parameter int PO          = 2,
  parameter int BW          = 8,
  parameter int SETS        = 4,
  parameter int BLOCK_BEATS = 9,
  parameter int ACC_W       = 24,
  localparam int AFFINE_W   = rvg_pkg::MULT_W + ACC_W,
  localparam int KERNELS_W  = PO*PI*72
) (
  input  wire logic                    clk,
  input  wire logic                    rst,

  input  wire logic [1023:0]           cmd_tdata,      // instruction
  input  wire logic                    cmd_tvalid,
  output      logic                    cmd_tready,

  input  wire logic [8*BW-1:0]         s_axis_tdata,
  input  wire logic                    s_axis_tvalid,
  output      logic                    s_axis_tready,

  output      logic [PO*AFFINE_W-1:0]  affine_tdata,
  output      logic                    affine_tvalid,
  input  wire logic                    affine_tready,

  output      logic [KERNELS_W-1:0]    kernels_tdata,
  output      logic                    kernels_stride2,
  output      logic                    kernels_tvalid,
  input  wire logic                    kernels_tready
);

  localparam int BEAT_W       = 8 * BW;
  localparam int SET_BYTES    = PO*PI*9;
  localparam int AFFINE_BEATS = (PO*8 + BW - 1) / BW;
  localparam int BEATS        = AFFINE_BEATS > BLOCK_BEATS ? AFFINE_BEATS : BLOCK_BEATS;
  localparam int COUNT_W      = $clog2(BEATS + 1);
  localparam int SET_W        = SETS > 1 ? $clog2(SETS) : 1;

  if (PI < 1 || PO < 1 || SETS < 1 || BW < 1 || ACC_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (BLOCK_BEATS * BW < SETS * SET_BYTES) begin : g_check_block
    rvg_error_block_smaller_than_its_sets u_error ();
  end
  if (ACC_W > 32) begin : g_check_bias
    rvg_error_bias_has_32_bits u_error ();
  end

  // ---- the instruction that is read, and where it stands
  logic                cmd_busy_q, stride2_q, in_block_q;
  logic [15:0]         words_q, left_q;                  // of a set of outputs; those of them not yet read
  logic [15:0]         set_q, set_last_q, group_q, group_last_q;
  logic [COUNT_W-1:0]  beat_q, block_last;
  logic                take, affine_end, ends, block_end, outputs_end, last_block;

  // ---- room
  logic                affine_full_q, beat_free, ahead_q, used_up;

  assign cmd_tready    = !cmd_busy_q;
  assign s_axis_tready = cmd_busy_q && (in_block_q ? beat_free && (!ends || !ahead_q || used_up) : !affine_full_q);
  assign take          = s_axis_tvalid && s_axis_tready;
  assign affine_end    = take && !in_block_q && beat_q == COUNT_W'(AFFINE_BEATS - 1);
  assign ends          = beat_q == block_last;
  assign block_end     = take && in_block_q && ends;
  assign last_block    = left_q <= 16'(SETS);
  assign outputs_end   = block_end && last_block;

  always_comb begin
    block_last = COUNT_W'(BLOCK_BEATS - 1);
    for (int k = 1; k < SETS; k++) begin
      if (left_q == 16'(k)) block_last = COUNT_W'((SET_BYTES*k + BW - 1) / BW - 1);
    end
  end

  always_ff @(posedge clk) begin
    if (cmd_tvalid && cmd_tready) begin
      cmd_busy_q   <= 1'b1;
      stride2_q    <= cmd_tdata[rvg_engine_pkg::STRIDE2];
      words_q      <= cmd_tdata[rvg_engine_pkg::WORDS +: 16];
      set_last_q   <= cmd_tdata[rvg_engine_pkg::REPEATS +: 16] - 1'b1;
      group_last_q <= cmd_tdata[rvg_engine_pkg::GROUPS +: 16] - 1'b1;
    end
    if (take) beat_q <= affine_end || block_end ? '0 : beat_q + 1'b1;
    if (affine_end) begin
      in_block_q <= 1'b1;
      left_q     <= words_q;
    end
    if (block_end) left_q <= left_q - 16'(SETS);
    if (outputs_end) begin
      in_block_q <= 1'b0;
      set_q      <= set_q == set_last_q ? '0 : set_q + 1'b1;
      if (set_q == set_last_q) begin
        group_q <= group_q == group_last_q ? '0 : group_q + 1'b1;
        if (group_q == group_last_q) cmd_busy_q <= 1'b0;
      end
    end
    if (rst) begin
      cmd_busy_q <= 1'b0;
      in_block_q <= 1'b0;
      beat_q     <= '0;
      set_q      <= '0;
      group_q    <= '0;
    end
  end

  // ---- bias and multiplier: collected, then into a FIFO, so that the outputs of two sets may wait
  logic [AFFINE_BEATS*BEAT_W-1:0] collected_q;
  logic [PO*AFFINE_W-1:0]         affine;
  logic                           affine_ready;

  for (genvar b = 0; b < AFFINE_BEATS; b++) begin : g_affine_beat
    always_ff @(posedge clk) begin
      if (take && !in_block_q && beat_q == COUNT_W'(b)) collected_q[BEAT_W*b +: BEAT_W] <= s_axis_tdata;
    end
  end

  for (genvar o = 0; o < PO; o++) begin : g_affine
    assign affine[AFFINE_W*o +: AFFINE_W] = {collected_q[64*o + 32 +: rvg_pkg::MULT_W], collected_q[64*o +: ACC_W]};
  end

  wire unused = &{1'b0, collected_q};  // a bias has fewer bits than its 32, and so has a multiplier

  always_ff @(posedge clk) begin
    if (affine_ready) affine_full_q <= 1'b0;
    if (affine_end) affine_full_q <= 1'b1;
    if (rst) affine_full_q <= 1'b0;
  end

  rvg_fifo #(.WIDTH(PO*AFFINE_W), .DEPTH(2)) u_affine (
    .clk, .rst, .s_axis_tdata(affine), .s_axis_tvalid(affine_full_q), .s_axis_tready(affine_ready),
    .m_axis_tdata(affine_tdata), .m_axis_tvalid(affine_tvalid), .m_axis_tready(affine_tready)
  );

  // ---- the block: sets leave it in order, at most one block after the one that is filled (`ahead_q`: just that)
  logic [BLOCK_BEATS*BEAT_W-1:0] block_q;
  logic [SET_W-1:0]              next_q;                 // set of the block that leaves next
  logic [SET_W-1:0]              last_set, last_set_q;   // of the block; of one that is full
  logic                          full_stride2_q, set_take;
  logic [SETS-1:0]               there, left_behind;     // by set: all its beats came; it was taken

  for (genvar b = 0; b < BLOCK_BEATS; b++) begin : g_beat
    always_ff @(posedge clk) begin
      if (take && in_block_q && beat_q == COUNT_W'(b)) block_q[BEAT_W*b +: BEAT_W] <= s_axis_tdata;
    end
  end

  for (genvar k = 0; k < SETS; k++) begin : g_set
    assign there[k]       = in_block_q && beat_q > COUNT_W'((SET_BYTES*k + SET_BYTES - 1) / BW);
    assign left_behind[k] = {1'b0, next_q} > (SET_W+1)'(k);
  end

  // A beat's last set; of beats of padding, the block's.
  logic [BLOCK_BEATS-1:0] free;

  for (genvar b = 0; b < BLOCK_BEATS; b++) begin : g_free
    localparam int LAST = (BW*b + BW - 1) / SET_BYTES;
    assign free[b] = left_behind[LAST < SETS ? LAST : SETS - 1];
  end

  assign last_set        = ahead_q ? last_set_q : last_block ? SET_W'(left_q - 1'b1) : SET_W'(SETS - 1);
  assign used_up         = set_take && next_q == last_set;
  assign beat_free       = !ahead_q || free[beat_q < COUNT_W'(BLOCK_BEATS) ? beat_q : '0] || used_up;
  assign kernels_tvalid  = ahead_q || there[next_q] && next_q != last_set;
  assign kernels_stride2 = ahead_q ? full_stride2_q : stride2_q;
  assign set_take        = kernels_tvalid && kernels_tready;

  always_comb begin
    kernels_tdata = block_q[KERNELS_W-1:0];
    for (int k = 1; k < SETS; k++) begin
      if (next_q == SET_W'(k)) kernels_tdata = block_q[KERNELS_W*k +: KERNELS_W];
    end
  end

  always_ff @(posedge clk) begin
    if (set_take) next_q <= used_up ? '0 : next_q + 1'b1;
    if (used_up) ahead_q <= 1'b0;
    if (block_end) begin
      ahead_q        <= 1'b1;
      last_set_q     <= last_block ? SET_W'(left_q - 1'b1) : SET_W'(SETS - 1);
      full_stride2_q <= stride2_q;
    end
    if (rst) begin
      next_q  <= '0;
      ahead_q <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_kernels: a block ended over one whose sets were not all taken")) u_assert_block (
    .clk, .rst, .holds(!block_end || !ahead_q || used_up)
  );
  rvg_assert_stream #(
    .TEXT("rvg_engine_kernels: a set of kernels did not stay until it was taken"), .WIDTH(KERNELS_W + 1)
  ) u_assert_stays (
    .clk, .rst, .tdata({kernels_stride2, kernels_tdata}), .tvalid(kernels_tvalid), .tready(kernels_tready)
  );
`endif

endmodule

`default_nettype wire
