// SPDX-License-Identifier: Apache-2.0
// rvg_top_k: a frame's logits -> its result: the logits themselves, where LOGITS, and the K likeliest classes.
//
// Golden : repvgg_hw/golden.py, top_k()
// In     : one logit int[X_W] per beat, class 0 first, CLASSES per frame.
// Out    : words of 32 bits: the logits, sign-extended; then the indices of the K largest, the largest first, among
//          equals the lower index first; tlast on a frame's last word.
// Rate   : a frame takes CLASSES + K cycles. Cuts every combinational path, ready included.

`default_nettype none

module rvg_top_k #(
  parameter int CLASSES = 10,
  parameter int K       = 1,
  parameter bit LOGITS  = 1'b1,
  parameter int X_W     = 32
) (
  input  wire logic           clk,
  input  wire logic           rst,

  input  wire logic [X_W-1:0] s_axis_tdata,
  input  wire logic           s_axis_tvalid,
  output      logic           s_axis_tready,

  output      logic [31:0]    m_axis_tdata,
  output      logic           m_axis_tlast,
  output      logic           m_axis_tvalid,
  input  wire logic           m_axis_tready
);

  localparam int CLASS_W = CLASSES > 1 ? $clog2(CLASSES) : 1;
  localparam int SENT_W  = K > 1 ? $clog2(K) : 1;

  if (CLASSES < 1 || K < 1 || X_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (K > CLASSES) begin : g_check_k
    rvg_error_more_results_than_classes u_error ();
  end
  if (X_W > 32) begin : g_check_width
    rvg_error_logit_wider_than_a_word u_error ();
  end

  logic [CLASS_W-1:0]   class_q;
  logic [SENT_W-1:0]    sent_q;
  logic                 sending_q;  // the classes, after the last logit
  logic [K-1:0]         full_q, above;
  logic [X_W*K-1:0]     values_q;
  logic [CLASS_W*K-1:0] classes_q;
  logic                 take, emit, last_class, last_word, valid, ready;
  logic [31:0]          word;

  assign last_class    = class_q == CLASS_W'(CLASSES - 1);
  assign last_word     = sent_q == SENT_W'(K - 1);
  assign s_axis_tready = !sending_q && ready;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign valid         = sending_q || LOGITS && s_axis_tvalid;
  assign emit          = sending_q && ready;
  assign word          = sending_q ? 32'(classes_q[CLASS_W-1:0]) : 32'($signed(s_axis_tdata));

  // A place is free, or holds less: then the logit goes there, or before it.
  for (genvar j = 0; j < K; j++) begin : g_place
    assign above[j] = !full_q[j] || $signed(s_axis_tdata) > $signed(values_q[X_W*j +: X_W]);

    logic [X_W-1:0]     value;
    logic [CLASS_W-1:0] index;
    logic               full;

    if (j == 0) begin : g_first
      assign value = s_axis_tdata;
      assign index = class_q;
      assign full  = 1'b1;
    end else begin : g_next
      assign value = above[j-1] ? values_q[X_W*(j-1) +: X_W] : s_axis_tdata;
      assign index = above[j-1] ? classes_q[CLASS_W*(j-1) +: CLASS_W] : class_q;
      assign full  = !above[j-1] || full_q[j-1];
    end

    logic [CLASS_W-1:0] behind;
    if (j == K - 1) begin : g_end
      assign behind = classes_q[CLASS_W*j +: CLASS_W];
    end else begin : g_behind
      assign behind = classes_q[CLASS_W*(j+1) +: CLASS_W];
    end

    always_ff @(posedge clk) begin
      if (take && above[j]) begin
        values_q[X_W*j +: X_W]          <= value;
        classes_q[CLASS_W*j +: CLASS_W] <= index;
        full_q[j]                       <= full;
      end
      if (emit) classes_q[CLASS_W*j +: CLASS_W] <= behind;
      if (rst || emit && last_word) full_q[j] <= 1'b0;
    end
  end

  always_ff @(posedge clk) begin
    if (take) begin
      class_q   <= last_class ? '0 : class_q + 1'b1;
      sending_q <= last_class;
    end
    if (emit) begin
      sent_q    <= last_word ? '0 : sent_q + 1'b1;
      sending_q <= !last_word;
    end
    if (rst) begin
      class_q   <= '0;
      sent_q    <= '0;
      sending_q <= 1'b0;
    end
  end

  rvg_stream_reg #(.WIDTH(33)) u_reg (
    .clk, .rst,
    .s_axis_tdata({sending_q && last_word, word}), .s_axis_tvalid(valid), .s_axis_tready(ready),
    .m_axis_tdata({m_axis_tlast, m_axis_tdata}), .m_axis_tvalid, .m_axis_tready
  );

endmodule

`default_nettype wire
