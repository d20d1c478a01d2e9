// SPDX-License-Identifier: Apache-2.0
// rvg_fifo: first-in first-out buffer on a valid/ready stream, first word falls through.
//
// Data    : WIDTH bits x DEPTH beats, opaque; any DEPTH >= 1.
// Latency : 1 cycle.  Throughput: 1 beat/cycle for DEPTH >= 2.
// Ready and valid come from registers alone.

`default_nettype none

module rvg_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16
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

  localparam int PTR_W   = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int COUNT_W = $clog2(DEPTH + 1);
  localparam logic [PTR_W-1:0]   LAST = PTR_W'(DEPTH - 1);

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  (* ram_style = "distributed" *)
  logic [WIDTH-1:0]   mem [0:DEPTH-1];
  logic [PTR_W-1:0]   wr_ptr_q, rd_ptr_q;
  logic [COUNT_W-1:0] count_q;
  logic               full_q, push, pop;

  // Both are registers of their own: paths to the units around begin with them.
  assign s_axis_tready = !full_q;
  assign m_axis_tdata  = mem[rd_ptr_q];
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge clk) begin
    if (push) begin
      mem[wr_ptr_q] <= s_axis_tdata;
      wr_ptr_q      <= wr_ptr_q == LAST ? '0 : wr_ptr_q + 1'b1;
    end
    if (pop) rd_ptr_q <= rd_ptr_q == LAST ? '0 : rd_ptr_q + 1'b1;
    if (push != pop) begin
      count_q       <= push ? count_q + 1'b1 : count_q - 1'b1;
      full_q        <= push && count_q == COUNT_W'(DEPTH - 1);
      m_axis_tvalid <= push || count_q != COUNT_W'(1);
    end

    if (rst) begin
      wr_ptr_q      <= '0;
      rd_ptr_q      <= '0;
      count_q       <= '0;
      full_q        <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_fifo: a beat came in where there was no room")) u_assert_room (
    .clk, .rst, .holds(!push || count_q < COUNT_W'(DEPTH))
  );
  rvg_assert #(.TEXT("rvg_fifo: a beat left that had not come")) u_assert_beat (
    .clk, .rst, .holds(!pop || count_q != '0)
  );
  rvg_assert_stream #(
    .TEXT("rvg_fifo: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
