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

  // Addresses, and whether sets are there or at their end, are registers of their own: paths begin with them.
  logic                some_q, both_q;  // sets that are stored whole: one or two, two
  logic [ADDR_W-1:0]   wr_addr_q, rd_addr_q;
  logic [WORD_W-1:0]   rd_word_q;
  logic [REPEAT_W-1:0] repeat_q;
  logic                rd_last_q, rd_final_q;  // the set's last word; its last repetition
  logic                push, pop, enable, fill, rd_release;

  assign s_axis_tready = !both_q;
  assign push          = s_axis_tvalid && s_axis_tready;
  assign fill          = push && (wr_addr_q == ADDR_W'(WORDS - 1) || wr_addr_q == ADDR_W'(DEPTH - 1));

  assign enable        = !m_axis_tvalid || m_axis_tready;
  assign pop           = some_q && enable;
  assign rd_release    = pop && rd_last_q && rd_final_q;

  always_ff @(posedge clk) begin
    if (fill != rd_release) begin
      some_q <= fill || both_q;
      both_q <= fill && some_q;
    end
    if (push) wr_addr_q <= wr_addr_q == ADDR_W'(DEPTH - 1) ? '0 : wr_addr_q + 1'b1;
    if (pop) begin
      rd_word_q <= rd_last_q ? '0 : rd_word_q + 1'b1;
      rd_last_q <= WORDS == 1 || (!rd_last_q && rd_word_q == WORD_W'(WORDS > 1 ? WORDS - 2 : 0));
      rd_addr_q <= !rd_last_q ? rd_addr_q + 1'b1
                 : rd_final_q ? (rd_addr_q == ADDR_W'(DEPTH - 1) ? '0 : rd_addr_q + 1'b1)
                 : rd_addr_q - ADDR_W'(WORDS - 1);
      if (rd_last_q) begin
        repeat_q   <= rd_final_q ? '0 : repeat_q + 1'b1;
        rd_final_q <= REPEATS == 1 || (!rd_final_q && repeat_q == REPEAT_W'(REPEATS > 1 ? REPEATS - 2 : 0));
      end
    end
    if (enable) m_axis_tvalid <= some_q;

    if (rst) begin
      some_q        <= 1'b0;
      both_q        <= 1'b0;
      wr_addr_q     <= '0;
      rd_addr_q     <= '0;
      rd_word_q     <= '0;
      rd_last_q     <= WORDS == 1;
      repeat_q      <= '0;
      rd_final_q    <= REPEATS == 1;
      m_axis_tvalid <= 1'b0;
    end
  end

  rvg_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_ram (
    .clk,
    .wr_en(push), .wr_addr(wr_addr_q), .wr_data(s_axis_tdata),
    .rd_en(pop), .rd_addr(rd_addr_q), .rd_data(m_axis_tdata)
  );

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_replay: a beat came where two sets are stored")) u_assert_write (
    .clk, .rst, .holds(!push || !both_q)
  );
  rvg_assert_stream #(
    .TEXT("rvg_replay: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
