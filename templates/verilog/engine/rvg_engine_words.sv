// SPDX-License-Identifier: Apache-2.0
// rvg_engine_words: the data memory, transformed tiles of a strip, two halves of WORD_DEPTH words.
//
//   half h, word (group, word of it, tile) at h*WORD_DEPTH + (group*WORDS + word)*T + tile
//
// Latency: 2 cycles: the memory's, then its output register.
// Not here: reading a word before it was written; rvg_engine_sequencer waits for it.

`default_nettype none

module rvg_engine_words #(
  parameter int WIDTH      = 8,
  parameter int WORD_DEPTH = 768,
  localparam int REL_W     = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1,
  localparam int ADDR_W    = $clog2(2*WORD_DEPTH)
) (
  input  wire logic              clk,

  input  wire logic              wr_en,
  input  wire logic              wr_half,
  input  wire logic [REL_W-1:0]  wr_addr,
  input  wire logic [WIDTH-1:0]  wr_data,

  input  wire logic              rd_en,
  input  wire logic [ADDR_W-1:0] rd_addr,
  output      logic [WIDTH-1:0]  rd_data
);

  if (WIDTH < 1 || WORD_DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [WIDTH-1:0] read;
  logic             rd_en_q;

  rvg_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(2*WORD_DEPTH)) u_memory (
    .clk, .wr_en, .wr_addr(ADDR_W'(wr_addr) + (wr_half ? ADDR_W'(WORD_DEPTH) : '0)), .wr_data,
    .rd_en, .rd_addr, .rd_data(read)
  );

  always_ff @(posedge clk) begin
    rd_en_q <= rd_en;
    if (rd_en_q) rd_data <= read;
  end

endmodule

`default_nettype wire
