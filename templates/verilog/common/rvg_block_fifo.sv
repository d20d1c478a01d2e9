// SPDX-License-Identifier: Apache-2.0
// rvg_block_fifo: first-in first-out buffer on a valid/ready stream, deep: in block RAM.
//
// Data    : WIDTH bits x DEPTH beats, opaque, and one more beat at the RAM's output.
// Latency : 2 cycles.  Throughput: 1 beat/cycle.
// Ready and valid come from registers alone. Shallow ones are smaller as rvg_fifo.sv.

`default_nettype none

module rvg_block_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 512
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
  localparam logic [COUNT_W-1:0] FULL = COUNT_W'(DEPTH);

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [PTR_W-1:0]   wr_ptr_q, rd_ptr_q;
  logic [COUNT_W-1:0] count_q;  // in the RAM, without the beat at its output
  logic               push, fetch;

  assign s_axis_tready = count_q != FULL;
  assign push  = s_axis_tvalid && s_axis_tready;
  assign fetch = count_q != '0 && (!m_axis_tvalid || m_axis_tready);

  rvg_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_ram (
    .clk, .wr_en(push), .wr_addr(wr_ptr_q), .wr_data(s_axis_tdata),
    .rd_en(fetch), .rd_addr(rd_ptr_q), .rd_data(m_axis_tdata)
  );

  always_ff @(posedge clk) begin
    if (push) wr_ptr_q <= wr_ptr_q == LAST ? '0 : wr_ptr_q + 1'b1;
    if (fetch) rd_ptr_q <= rd_ptr_q == LAST ? '0 : rd_ptr_q + 1'b1;
    if (push != fetch) count_q <= push ? count_q + 1'b1 : count_q - 1'b1;
    if (fetch) m_axis_tvalid <= 1'b1;
    else if (m_axis_tready) m_axis_tvalid <= 1'b0;

    if (rst) begin
      wr_ptr_q      <= '0;
      rd_ptr_q      <= '0;
      count_q       <= '0;
      m_axis_tvalid <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_block_fifo: a beat came in where there was no room")) u_assert_room (
    .clk, .rst, .holds(!push || count_q < FULL)
  );
  rvg_assert_stream #(
    .TEXT("rvg_block_fifo: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
