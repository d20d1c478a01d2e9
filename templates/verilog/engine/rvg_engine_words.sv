// SPDX-License-Identifier: Apache-2.0
// rvg_engine_words: the data memory, transformed tiles of strips, one ring of WORD_DEPTH words.
//
//   word (group, word of it, tile) of a strip at (all words of strips before + (group*WORDS + word)*T + tile) mod WORD_DEPTH
//
// Memory : block RAM; with WORD_URAM = 1 UltraRAM, which UltraScale+ devices have.
// Latency: 2 cycles: the memory's, then its output register.
// Not here: reading a word before it was written, or writing one that is still read; rvg_engine_sequencer and
//          rvg_engine_windows wait.

`default_nettype none

module rvg_engine_words #(
  parameter int WIDTH      = 8,
  parameter int WORD_DEPTH = 768,
  parameter int WORD_URAM  = 0,
  localparam int ADDR_W    = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1
) (
  input  wire logic              clk,

  input  wire logic              wr_en,
  input  wire logic [ADDR_W-1:0] wr_addr,
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

  if (WORD_URAM != 0) begin : g_ultra
    rvg_ram_1r1w_ultra #(.WIDTH(WIDTH), .DEPTH(WORD_DEPTH)) u_memory (
      .clk, .wr_en, .wr_addr, .wr_data, .rd_en, .rd_addr, .rd_data(read)
    );
  end else begin : g_block
    rvg_ram_1r1w #(.WIDTH(WIDTH), .DEPTH(WORD_DEPTH)) u_memory (
      .clk, .wr_en, .wr_addr, .wr_data, .rd_en, .rd_addr, .rd_data(read)
    );
  end

  always_ff @(posedge clk) begin
    rd_en_q <= rd_en;
    if (rd_en_q) rd_data <= read;
  end

endmodule

`default_nettype wire
