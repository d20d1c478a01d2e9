// SPDX-License-Identifier: Apache-2.0
// rvg_winograd_input_transform: windows of K x K pixels into the transform domain.
//
//   v = B^T d B,  K = M + 2 at stride 1, 2 M + 1 at stride 2
//
// Golden : repvgg_hw/winograd/golden.py, data_transform()
// In     : windows of IN_LANES channels, lane (row*K + column)*IN_LANES + channel; lane 0 in the low bits. A window stays
//          until its IN_LANES / PI parts have been taken, one after another: each is a word.
// Out    : PI channels per word, lane (row*K + column)*PI + channel.
// Widths : pixels X_W bits (signed if X_SIGNED), after the column pass int[MIDDLE_W], out int[DATA_W].
// Shared : one network of B^T per channel and pass: the window's columns go through the first one after
//          another, then the rows of the result through the second, while the next window's columns follow
//          (rvg_in_turn.sv).
// Room   : nothing stands still on its way. A part is taken, and handed over between the passes, where there is room for
//          it at the end of that way, whatever happens outside: WORDS are on their way at most, BEHIND of them in the
//          row pass and behind it. So no enable depends on what is at the other end.
// Rate   : one word in K + 1 cycles, if both networks take K - 3 cycles at most, together.
// Latency: 2 K + 5 cycles and those of both networks. Ready and valid come from registers alone.

`default_nettype none

module rvg_winograd_input_transform #(
  parameter int M        = 2,
  parameter int STRIDE   = 1,
  parameter int PI       = 1,
  parameter int IN_LANES = PI,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int MIDDLE_W = 10,
  parameter int DATA_W   = 11,
  localparam int K       = STRIDE == 1 ? M + 2 : 2*M + 1
) (
  input  wire logic                     clk,
  input  wire logic                     rst,

  input  wire logic [K*K*IN_LANES*X_W-1:0] s_axis_tdata,
  input  wire logic                        s_axis_tvalid,
  output      logic                        s_axis_tready,

  output      logic [K*K*PI*DATA_W-1:0]    m_axis_tdata,
  output      logic                        m_axis_tvalid,
  input  wire logic                        m_axis_tready
);

  localparam int PARTS  = IN_LANES / PI;      // of a window
  localparam int PART_W = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int STEP_W = $clog2(K);
  localparam int LINE_X = K * PI * X_W;       // one row or column of pixels
  localparam int LINE_M = K * PI * MIDDLE_W;  // one row of the intermediate result
  localparam int LINE_V = K * PI * DATA_W;    // one row of the result
  localparam int BEHIND = 2;                  // a result that leaves, and one that is gathered
  localparam int WORDS  = BEHIND + 1;         // one between the passes

  if (PI < 1 || IN_LANES < 1 || X_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (PARTS * PI != IN_LANES) begin : g_check_lanes
    rvg_error_pi_must_divide_in_lanes u_error ();
  end
  if (MIDDLE_W <= X_W || DATA_W < MIDDLE_W) begin : g_check_widths
    rvg_error_every_pass_widens u_error ();
  end

  // ---- which part of the window
  logic [PART_W-1:0] part_q;
  logic              last_part_q;
  logic              columns_busy_q;
  logic              take;    // the part at hand
  logic              leave;   // a word
  logic [1:0]        words_q;
  logic              full_q;  // WORDS of them

  assign take          = s_axis_tvalid && !columns_busy_q && !full_q;
  assign s_axis_tready = last_part_q && !columns_busy_q && !full_q;
  assign leave         = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge clk) begin
    if (take != leave) begin
      words_q <= take ? words_q + 1'b1 : words_q - 1'b1;
      full_q  <= take && words_q == 2'(WORDS - 1);
    end
    if (rst) begin
      words_q <= '0;
      full_q  <= 1'b0;
    end
  end

  always_ff @(posedge clk) begin
    if (take) begin
      part_q      <= last_part_q ? '0 : part_q + 1'b1;
      last_part_q <= PARTS == 1 || (!last_part_q && part_q == PART_W'(PARTS > 1 ? PARTS - 2 : 0));
    end
    if (rst) begin
      part_q      <= '0;
      last_part_q <= PARTS == 1;
    end
  end

  // ---- column pass: one column of the part per cycle
  logic [LINE_X-1:0]     pixels_q;  // the column in the networks
  logic [K*LINE_X-1:0]   columns;   // those of the part that is taken
  logic [K*LINE_M-1:0]   middle_q;
  logic [K*PI*MIDDLE_W-1:0] column;
  logic [PI*K*MIDDLE_W-1:0] column_x, column_y;  // in and out of the networks, channel by channel
  logic [STEP_W-1:0]     column_q;
  logic                  middle_full_q, rows_busy_q;
  logic                  column_end, hand_over;
  logic                  pixels_valid_q, pixels_last_q;  // in the networks
  logic                  column_there, column_last;      // behind them
  logic [1:0]            behind_q;
  logic                  behind_full_q;                  // BEHIND of them

  for (genvar c = 0; c < PI; c++) begin : g_column
    for (genvar i = 0; i < K; i++) begin : g_row
      wire [X_W-1:0] pixel = pixels_q[X_W*(PI*i + c) +: X_W];

      assign column_x[MIDDLE_W*(K*c + i) +: MIDDLE_W] = {{(MIDDLE_W-X_W){X_SIGNED && pixel[X_W-1]}}, pixel};
      assign column[MIDDLE_W*(PI*i + c) +: MIDDLE_W]  = column_y[MIDDLE_W*(K*c + i) +: MIDDLE_W];
    end
  end

  rvg_winograd_data #(
    .M(M), .STRIDE(STRIDE), .IN_W(X_SIGNED ? X_W : X_W + 1), .W(MIDDLE_W), .X(K), .Y(K), .N(PI), .T(2)
  ) u_columns (
    .clk, .rst, .x(column_x), .tags({pixels_last_q, pixels_valid_q}),
    .y(column_y), .y_tags({column_last, column_there})
  );

  assign column_end = column_q == STEP_W'(K - 1);
  assign hand_over  = middle_full_q && !rows_busy_q && !behind_full_q;

  rvg_in_turn #(.W(LINE_X), .N(K)) u_pixels (
    .clk, .load(take), .d(columns), .q(pixels_q)
  );

  for (genvar i = 0; i < K; i++) begin : g_shift
    for (genvar j = 0; j < K; j++) begin : g_column
      wire [IN_LANES*X_W-1:0] pixel = s_axis_tdata[IN_LANES*X_W*(K*i + j) +: IN_LANES*X_W];

      assign columns[LINE_X*j + PI*X_W*i +: PI*X_W] = pixel[PI*X_W*part_q +: PI*X_W];
    end

    always_ff @(posedge clk) begin
      if (column_there) begin
        middle_q[LINE_M*i +: LINE_M] <=
          {column[PI*MIDDLE_W*i +: PI*MIDDLE_W], middle_q[LINE_M*i + PI*MIDDLE_W +: LINE_M - PI*MIDDLE_W]};
      end
    end
  end

  always_ff @(posedge clk) begin
    if (take) columns_busy_q <= 1'b1;
    if (hand_over) middle_full_q <= 1'b0;
    if (column_there && column_last) middle_full_q <= 1'b1;
    if (columns_busy_q) begin
      column_q <= column_end ? '0 : column_q + 1'b1;
      if (column_end) columns_busy_q <= 1'b0;
    end
    pixels_valid_q <= columns_busy_q;
    pixels_last_q  <= column_end;
    if (hand_over != leave) begin
      behind_q      <= hand_over ? behind_q + 1'b1 : behind_q - 1'b1;
      behind_full_q <= hand_over && behind_q == 2'(BEHIND - 1);
    end
    if (rst) begin
      column_q       <= '0;
      columns_busy_q <= 1'b0;
      middle_full_q  <= 1'b0;
      pixels_valid_q <= 1'b0;
      behind_q       <= '0;
      behind_full_q  <= 1'b0;
    end
  end

  // ---- row pass: one row of the intermediate result per cycle, the result is gathered and leaves
  logic [LINE_M-1:0]       values_q;  // the row in the networks
  logic [LINE_V-1:0]       line;
  logic [PI*K*DATA_W-1:0]  line_x, line_y;  // in and out of the networks, channel by channel
  logic [STEP_W-1:0]       row_q;
  logic                    row_end;
  logic                    values_valid_q, values_last_q;  // in the networks
  logic                    line_there, line_last;          // behind them
  logic [K*LINE_V-1:0]     gathered_q;                     // fills from above
  logic                    gathered_all_q;

  for (genvar c = 0; c < PI; c++) begin : g_line
    for (genvar j = 0; j < K; j++) begin : g_column
      wire signed [MIDDLE_W-1:0] value = values_q[MIDDLE_W*(PI*j + c) +: MIDDLE_W];

      assign line_x[DATA_W*(K*c + j) +: DATA_W] = DATA_W'(value);
      assign line[DATA_W*(PI*j + c) +: DATA_W]  = line_y[DATA_W*(K*c + j) +: DATA_W];
    end
  end

  rvg_winograd_data #(
    .M(M), .STRIDE(STRIDE), .IN_W(MIDDLE_W), .W(DATA_W), .X(K), .Y(K), .N(PI), .T(2)
  ) u_rows (
    .clk, .rst, .x(line_x), .tags({values_last_q, values_valid_q}), .y(line_y), .y_tags({line_last, line_there})
  );

  assign row_end = row_q == STEP_W'(K - 1);

  rvg_in_turn #(.W(LINE_M), .N(K)) u_values (
    .clk, .load(hand_over), .d(middle_q), .q(values_q)
  );

  always_ff @(posedge clk) begin
    if (hand_over) rows_busy_q <= 1'b1;
    if (rows_busy_q) begin
      row_q <= row_end ? '0 : row_q + 1'b1;
      if (row_end) rows_busy_q <= 1'b0;
    end
    values_valid_q <= rows_busy_q;
    values_last_q  <= row_end;
    if (line_there) gathered_q <= {line, gathered_q[K*LINE_V-1:LINE_V]};
    if (m_axis_tready) m_axis_tvalid <= 1'b0;
    if (gathered_all_q && !m_axis_tvalid) begin
      m_axis_tdata   <= gathered_q;
      m_axis_tvalid  <= 1'b1;
      gathered_all_q <= 1'b0;
    end
    if (line_there && line_last) gathered_all_q <= 1'b1;
    if (rst) begin
      row_q          <= '0;
      rows_busy_q    <= 1'b0;
      values_valid_q <= 1'b0;
      gathered_all_q <= 1'b0;
      m_axis_tvalid  <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_winograd_input_transform: a window was transformed over one that waits")) u_assert_middle (
    .clk, .rst, .holds(!(column_there && middle_full_q))
  );
  rvg_assert #(.TEXT("rvg_winograd_input_transform: a window was handed over to rows that are at work")) u_assert_rows (
    .clk, .rst, .holds(!(hand_over && rows_busy_q))
  );
  rvg_assert #(.TEXT("rvg_winograd_input_transform: a word was gathered over one that waits")) u_assert_gathered (
    .clk, .rst, .holds(!(line_there && gathered_all_q))
  );
  rvg_assert_stream #(
    .TEXT("rvg_winograd_input_transform: a beat did not stay until it was taken"), .WIDTH(K*K*PI*DATA_W)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
