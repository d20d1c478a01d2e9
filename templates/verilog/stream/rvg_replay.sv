// SPDX-License-Identifier: Apache-2.0
// rvg_replay: stores WORDS beats and sends them REPEATS times, while the next WORDS are stored.
//
//   in: w0 w1 .. wN-1   out: (w0 w1 .. wN-1) x REPEATS
//
// Data    : WIDTH bits, opaque.
// Latency : WORDS + 2 cycles.  Throughput: 1 beat/cycle out, without a gap between sets.
// Memory  : 2 x WORDS beats.

`default_nettype none

module rvg_replay #(
  parameter int WIDTH   = 8,
  parameter int WORDS   = 4,
  parameter int REPEATS = 2
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output      logic             s_axis_tready,

  output      logic [WIDTH-1:0] m_axis_tdata,
  output      logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  localparam int DEPTH    = 2 * WORDS;
  localparam int ADDR_W   = $clog2(DEPTH);
  localparam int WORD_W   = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int REPEAT_W = REPEATS > 1 ? $clog2(REPEATS) : 1;

  if (WIDTH < 1 || WORDS < 1 || REPEATS < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [1:0]          full_q;  // one flag per half
  logic                wr_half_q, rd_half_q;
  logic [WORD_W-1:0]   wr_word_q, rd_word_q;
  logic [REPEAT_W-1:0] repeat_q;
  logic                push, pop, enable, wr_last, rd_last, rd_release;

  assign s_axis_tready = !full_q[wr_half_q];
  assign push          = s_axis_tvalid && s_axis_tready;
  assign wr_last       = wr_word_q == WORD_W'(WORDS - 1);

  assign enable        = !m_axis_tvalid || m_axis_tready;
  assign pop           = full_q[rd_half_q] && enable;
  assign rd_last       = rd_word_q == WORD_W'(WORDS - 1);
  assign rd_release    = pop && rd_last && repeat_q == REPEAT_W'(REPEATS - 1);

  always_ff @(posedge clk) begin
    if (push) wr_word_q <= wr_last ? '0 : wr_word_q + 1'b1;
    if (push && wr_last) begin
      full_q[wr_half_q] <= 1'b1;
      wr_half_q         <= !wr_half_q;
    end

    if (pop) rd_word_q <= rd_last ? '0 : rd_word_q + 1'b1;
    if (pop && rd_last) repeat_q <= rd_release ? '0 : repeat_q + 1'b1;
    if (rd_release) begin
      full_q[rd_half_q] <= 1'b0;
      rd_half_q         <= !rd_half_q;
    end
    if (enable) m_axis_tvalid <= full_q[rd_half_q];

    if (rst) begin
      full_q        <= '0;
      wr_half_q     <= 1'b0;
      rd_half_q     <= 1'b0;
      wr_word_q     <= '0;
      rd_word_q     <= '0;
      repeat_q      <= '0;
      m_axis_tvalid <= 1'b0;
    end
  end

  rvg_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_ram (
    .clk,
    .wr_en(push), .wr_addr(wr_half_q ? ADDR_W'(wr_word_q) + ADDR_W'(WORDS) : ADDR_W'(wr_word_q)),
    .wr_data(s_axis_tdata),
    .rd_en(pop), .rd_addr(rd_half_q ? ADDR_W'(rd_word_q) + ADDR_W'(WORDS) : ADDR_W'(rd_word_q)),
    .rd_data(m_axis_tdata)
  );

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_replay: a beat came into a half that is not empty")) u_assert_write (
    .clk, .rst, .holds(!push || !full_q[wr_half_q])
  );
  rvg_assert_stream #(
    .TEXT("rvg_replay: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
