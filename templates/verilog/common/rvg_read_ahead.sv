// SPDX-License-Identifier: Apache-2.0
// rvg_read_ahead: a table that is read in order, a word ahead, so that each word comes from a register.
//
//   data = the word of the last `take`; the first after reset is word 0, and after the last one comes word 0
//
// Data    : WIDTH bits x DEPTH words, opaque, from a ROM with one cycle of latency that keeps its word.
// Latency : 1 cycle from `take`, as from the ROM itself, whose output is slow and here has nothing behind it.
// Needs   : two cycles from reset to the first `take`.  Throughput: 1 word/cycle.

`default_nettype none

module rvg_read_ahead #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  localparam int ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic              take,
  output      logic [WIDTH-1:0]  data,

  output      logic              rom_en,
  output      logic [ADDR_W-1:0] rom_addr,
  input  wire logic [WIDTH-1:0]  rom_data
);

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic empty_q;  // word 0 is yet to be read

  assign rom_en = take || empty_q;

  always_ff @(posedge clk) begin
    empty_q <= 1'b0;
    if (take) data <= rom_data;
    if (rom_en) rom_addr <= rom_addr == ADDR_W'(DEPTH - 1) ? '0 : rom_addr + 1'b1;
    if (rst) begin
      empty_q  <= 1'b1;
      rom_addr <= '0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_read_ahead: a word was taken before it was read")) u_assert_read (
    .clk, .rst, .holds(!(take && empty_q))
  );
`endif

endmodule

`default_nettype wire
