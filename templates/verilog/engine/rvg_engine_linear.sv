// SPDX-License-Identifier: Apache-2.0
// rvg_engine_linear: the linear layer: logits from the pool's sums, weights from a stream.
//
//   logit[k] = bias[k] + sum over c of w[k, c] * sum[c]      modulo 2^32
//
// Golden : repvgg_hw/golden.py, linear()
// In     : s_axis, instructions (rvg_engine_pkg, op linear, store_addr absolute), each begun when `go` says that the
//          sums are complete. weight, for each block of BW classes: 4 beats of biases, BW x int32; then for each
//          channel a beat of BW x int8, one weight for each class of the block.
// Out    : cmd {last, beats, address} and m_axis: int32 logits, classes in order, BW of each block, so those that fill
//          the last block as well; bytes of the last beat that no block fills are anything. `done` when the port
//          has acknowledged the last command.
// Sums   : sum_data one cycle after sum_en, uint[POOL_W].
// Rate   : one beat of weights a cycle from max(5, 3 + beats of a command) channels on. With fewer, a block's biases
//          wait for the first product of the block before, and its last weights until that one has left.
// Latency: 6 cycles from a block's last weights to the first beat of its logits.

`default_nettype none

module rvg_engine_linear #(
  parameter int BW     = 8,
  parameter int BD     = 8,
  parameter int C_MAX  = 16,
  parameter int POOL_W = 24,
  localparam int ADDR_W = C_MAX > 1 ? $clog2(C_MAX) : 1
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [1023:0]     s_axis_tdata,
  input  wire logic              s_axis_tvalid,
  output      logic              s_axis_tready,
  input  wire logic              go,
  output      logic              done,

  input  wire logic [8*BW-1:0]   weight_tdata,
  input  wire logic              weight_tvalid,
  output      logic              weight_tready,

  output      logic              sum_en,
  output      logic [ADDR_W-1:0] sum_addr,
  input  wire logic [POOL_W-1:0] sum_data,

  output      logic [56:0]       cmd_tdata,
  output      logic              cmd_tvalid,
  input  wire logic              cmd_tready,
  output      logic [8*BD-1:0]   m_axis_tdata,
  output      logic              m_axis_tvalid,
  input  wire logic              m_axis_tready,
  input  wire logic              write_done
);

  localparam int STAGES    = rvg_pkg::STAGES;
  localparam int SUM_W     = 32;
  localparam int A_W       = POOL_W + 1 < SUM_W ? POOL_W + 1 : SUM_W;  // a sign that modulo 2^32 nobody sees
  localparam int PRODUCT_W = POOL_W + 8 < SUM_W ? POOL_W + 8 : SUM_W;
  localparam int BLOCK_W   = SUM_W*BW;                          // bits of a block's logits
  localparam int OUT_W     = BLOCK_W > 8*BD ? BLOCK_W : 8*BD;   // of what leaves with a command
  localparam int PARTS     = OUT_W / BLOCK_W;
  localparam int BEATS     = OUT_W / (8*BD);
  localparam int PART_W    = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int BEAT_W    = $clog2(BEATS + 1);

  if (BW < 4 || BW % 4 != 0 || BD < 1 || C_MAX < 1 || POOL_W < 1) begin : g_check_widths
    rvg_error_beats_of_weights_hold_whole_biases u_error ();
  end
  if (PARTS * BLOCK_W != OUT_W || BEATS * 8*BD != OUT_W) begin : g_check_port
    rvg_error_blocks_and_beats_must_divide_each_other u_error ();
  end

  // ---- what comes next: 4 beats of biases, then the weights of each channel
  localparam logic [1:0] IDLE    = 2'd0;
  localparam logic [1:0] BIAS    = 2'd1;
  localparam logic [1:0] WEIGHTS = 2'd2;
  localparam logic [1:0] LEAVE   = 2'd3;

  logic [1:0]  state_q, beat_q;
  logic [15:0] channel_q, channel_last_q, blocks_q;  // blocks after this one
  logic        accept, channel_first, channel_last, block_last;
  logic        first_waits_q;                        // the biases are not yet added
  logic        out_taken_q;                          // the way out is a block's that has not left

  assign channel_first = channel_q == '0;
  assign channel_last  = channel_q == channel_last_q;
  assign block_last    = blocks_q == '0;
  assign s_axis_tready = state_q == IDLE && go;
  assign weight_tready = state_q == BIAS ? !first_waits_q : state_q == WEIGHTS && !(channel_last && out_taken_q);
  assign accept        = weight_tvalid && weight_tready;
  assign sum_en        = accept && state_q == WEIGHTS;
  assign sum_addr      = ADDR_W'(channel_q);

  always_ff @(posedge clk) begin
    case (state_q)
      IDLE: begin
        if (s_axis_tvalid && s_axis_tready) state_q <= BIAS;
        beat_q         <= '0;
        channel_q      <= '0;
        channel_last_q <= s_axis_tdata[rvg_engine_pkg::CHANNELS +: 16] - 1'b1;
        blocks_q       <= s_axis_tdata[rvg_engine_pkg::BLOCKS +: 16] - 1'b1;
      end
      BIAS: begin
        if (accept) beat_q <= beat_q + 1'b1;
        if (accept && beat_q == '1) state_q <= WEIGHTS;
      end
      WEIGHTS: begin
        if (accept) channel_q <= channel_last ? '0 : channel_q + 1'b1;
        if (accept && channel_last) begin
          state_q  <= block_last ? LEAVE : BIAS;
          blocks_q <= blocks_q - 1'b1;
        end
      end
      default: if (done) state_q <= IDLE;
    endcase
    if (rst) state_q <= IDLE;
  end

  // ---- products and sums. valid_q[0]: the sum has come; valid_q[STAGES]: the product, to be added
  logic [STAGES:0]    valid_q;
  logic [STAGES:0]    first_q, last_q, final_q;  // of the block, of the block, of the layer
  logic [8*BW-1:0]    weight_q;
  logic [BLOCK_W-1:0] bias_q, logits_q;
  logic               whole_q, whole_final_q;    // a block's sums are whole

  always_ff @(posedge clk) begin
    valid_q  <= {valid_q[STAGES-1:0], sum_en};
    first_q  <= {first_q[STAGES-1:0], channel_first};
    last_q   <= {last_q[STAGES-1:0], channel_last};
    final_q  <= {final_q[STAGES-1:0], block_last};
    weight_q <= weight_tdata;
    if (accept && state_q == BIAS) begin
      bias_q[8*BW*32'(beat_q) +: 8*BW] <= weight_tdata;
    end
    if (sum_en && channel_first)                    first_waits_q <= 1'b1;
    else if (valid_q[STAGES] && first_q[STAGES])    first_waits_q <= 1'b0;
    whole_q       <= valid_q[STAGES] && last_q[STAGES];
    whole_final_q <= final_q[STAGES];
    if (rst) begin
      valid_q       <= '0;
      whole_q       <= 1'b0;
      first_waits_q <= 1'b0;
    end
  end

  for (genvar k = 0; k < BW; k++) begin : g_class
    logic signed [PRODUCT_W-1:0] product;
    logic [SUM_W-1:0]            term;

    rvg_multiply #(.A_W(A_W), .B_W(8), .P_W(PRODUCT_W)) u_multiply (
      .clk, .en(valid_q[STAGES-1:0]), .a(A_W'({1'b0, sum_data})), .b(weight_q[8*k +: 8]), .p(product)
    );

    assign term = SUM_W'(product);

    always_ff @(posedge clk) begin
      if (valid_q[STAGES]) begin
        logits_q[SUM_W*k +: SUM_W] <= (first_q[STAGES] ? bias_q[SUM_W*k +: SUM_W] : logits_q[SUM_W*k +: SUM_W])
                                      + term;
      end
    end
  end

  // ---- the way out: blocks fill it, beats leave it
  logic [OUT_W-1:0]  out_q;
  logic [PART_W-1:0] part_q;
  logic [BEAT_W-1:0] left_q;  // beats
  logic [31:0]       address_q;
  logic              full, sending_q, final_sent_q;

  assign full         = whole_q && (part_q == PART_W'(PARTS - 1) || whole_final_q);
  assign m_axis_tdata = out_q[8*BD-1:0];
  assign m_axis_tvalid = left_q != '0;
  assign done         = final_sent_q && write_done;

  always_ff @(posedge clk) begin
    if (s_axis_tvalid && s_axis_tready) begin
      address_q <= s_axis_tdata[rvg_engine_pkg::STORE_ADDR +: 32];
      part_q    <= '0;
    end
    if (m_axis_tvalid && m_axis_tready) begin
      out_q  <= out_q >> 8*BD;
      left_q <= left_q - 1'b1;
    end
    if (whole_q) begin
      for (int i = 0; i < PARTS; i++) begin
        if (part_q == PART_W'(i)) out_q[BLOCK_W*i +: BLOCK_W] <= logits_q;
      end
      part_q <= full ? '0 : part_q + 1'b1;
    end
    if (cmd_tready) cmd_tvalid <= 1'b0;
    if (full) begin
      cmd_tdata    <= {whole_final_q, 24'(BEATS), address_q};
      cmd_tvalid   <= 1'b1;
      left_q       <= BEAT_W'(BEATS);
      address_q    <= address_q + 32'(BEATS*BD);
      sending_q    <= 1'b1;
      final_sent_q <= whole_final_q;
    end
    if (sum_en && channel_last)                                         out_taken_q <= 1'b1;
    else if (whole_q && !full)                                          out_taken_q <= 1'b0;
    else if (sending_q && left_q == '0 && (!cmd_tvalid || cmd_tready))  out_taken_q <= 1'b0;
    if (sending_q && left_q == '0 && (!cmd_tvalid || cmd_tready) && !full) sending_q <= 1'b0;
    if (done) final_sent_q <= 1'b0;
    if (rst) begin
      cmd_tvalid   <= 1'b0;
      left_q       <= '0;
      sending_q    <= 1'b0;
      out_taken_q  <= 1'b0;
      final_sent_q <= 1'b0;
    end
  end

  wire unused = &{1'b0, s_axis_tdata};

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_linear: an instruction is not for the linear layer")) u_assert_op (
    .clk, .rst,
    .holds(!(s_axis_tvalid && s_axis_tready) || s_axis_tdata[rvg_engine_pkg::OP +: 8] == rvg_engine_pkg::OP_LINEAR)
  );
  rvg_assert #(.TEXT("rvg_engine_linear: logits came before those before them left")) u_assert_out (
    .clk, .rst, .holds(!whole_q || left_q == '0 && !cmd_tvalid)
  );
  rvg_assert #(.TEXT("rvg_engine_linear: there are more channels than sums")) u_assert_channels (
    .clk, .rst, .holds(!sum_en || 32'(channel_q) < C_MAX)
  );
  rvg_assert_stream #(
    .TEXT("rvg_engine_linear: a command did not stay until it was taken"), .WIDTH(57)
  ) u_assert_command (
    .clk, .rst, .tdata(cmd_tdata), .tvalid(cmd_tvalid), .tready(cmd_tready)
  );
  rvg_assert_stream #(
    .TEXT("rvg_engine_linear: a beat did not stay until it was taken"), .WIDTH(8*BD)
  ) u_assert_beat (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
