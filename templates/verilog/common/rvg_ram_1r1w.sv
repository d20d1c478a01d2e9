// SPDX-License-Identifier: Apache-2.0
// rvg_ram_1r1w: one write port, one read port, registered read. Maps to block RAM.
//
//   on clk: if (rd_en) rd_data <= mem[rd_addr];  if (wr_en) mem[wr_addr] <= wr_data
//
// Data    : WIDTH bits x DEPTH words, opaque; contents start undefined.
// Latency : 1 cycle.
// Not here: reading and writing one address in the same cycle. What is read is then anything, and no user needs it.

`default_nettype none

module rvg_ram_1r1w #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  localparam int ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  wire logic              clk,
  input  wire logic              wr_en,
  input  wire logic [ADDR_W-1:0] wr_addr,
  input  wire logic [WIDTH-1:0]  wr_data,
  input  wire logic              rd_en,
  input  wire logic [ADDR_W-1:0] rd_addr,
  output      logic [WIDTH-1:0]  rd_data
);

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  (* no_rw_check *)  // no logic around a block RAM that makes up for such a read
  logic [WIDTH-1:0] mem [0:DEPTH-1];

  always_ff @(posedge clk) begin
    if (wr_en) mem[wr_addr] <= wr_data;
    if (rd_en) rd_data <= mem[rd_addr];
`ifdef RVG_ASSERT
    if (rd_en && wr_en && rd_addr == wr_addr) rd_data <= ~mem[rd_addr];  // anything
`endif
  end

endmodule

`default_nettype wire
