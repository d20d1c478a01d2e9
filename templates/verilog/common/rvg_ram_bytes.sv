// SPDX-License-Identifier: Apache-2.0
// rvg_ram_bytes: one write port with an enable for each byte, one read port with registered output. Maps to block RAM.
//
//   on clk: for each byte b: if (wr_en[b]) mem[wr_addr] byte b <= wr_data byte b;  if (rd_en) rd_data <= mem[rd_addr]
//
// Latency: 1 cycle.  A read of the address written in the same cycle returns anything.

`default_nettype none

module rvg_ram_bytes #(
  parameter int BYTES = 8,
  parameter int DEPTH = 16,
  localparam int ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  wire logic               clk,
  input  wire logic [BYTES-1:0]   wr_en,
  input  wire logic [ADDR_W-1:0]  wr_addr,
  input  wire logic [8*BYTES-1:0] wr_data,
  input  wire logic               rd_en,
  input  wire logic [ADDR_W-1:0]  rd_addr,
  output      logic [8*BYTES-1:0] rd_data
);

  if (BYTES < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  (* no_rw_check *)  // no logic around a block RAM that makes up for such a read
  logic [8*BYTES-1:0] mem [0:DEPTH-1];

  always_ff @(posedge clk) begin
    for (int b = 0; b < BYTES; b++) begin
      if (wr_en[b]) mem[wr_addr][8*b +: 8] <= wr_data[8*b +: 8];
    end
    if (rd_en) rd_data <= mem[rd_addr];
`ifdef RVG_ASSERT
    if (rd_en && wr_en != '0 && rd_addr == wr_addr) rd_data <= ~mem[rd_addr];  // anything
`endif
  end

endmodule

`default_nettype wire
