// SPDX-License-Identifier: Apache-2.0
// rvg_rom: a constant table with registered read. Maps to block RAM or LUTs.
//
//   on clk: if (en) data <= table[addr]
//
// Data    : WIDTH bits x DEPTH words, from the hexadecimal file FILE. Under RVG_BINARY_TABLES, which only a simulation
//           defines, from FILE.bin: the same words as bytes, the highest first, which load many times as fast.
// Latency : 1 cycle.
//
// Tables stand beside the arithmetic, not inside it: FILE is the only parameter
// in which alike layers differ, and here it makes nothing but the table distinct.

`default_nettype none

module rvg_rom #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  parameter     FILE  = "",
  localparam int ADDR_W = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
  input  wire logic              clk,
  input  wire logic              en,
  input  wire logic [ADDR_W-1:0] addr,
  output      logic [WIDTH-1:0]  data
);

  logic [WIDTH-1:0] mem [0:DEPTH-1];

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (FILE == "") begin : g_check_file
    rvg_error_file_without_a_name u_error ();
  end else begin : g_file
`ifdef RVG_BINARY_TABLES
    initial begin
      automatic int file = $fopen({FILE, ".bin"}, "rb");

      if (file == 0) $fatal(1, "rvg_rom: %s.bin is missing", FILE);
      if ($fread(mem, file) != DEPTH * ((WIDTH + 7) / 8)) $fatal(1, "rvg_rom: %s.bin ends too early", FILE);
      $fclose(file);
    end
`else
    initial $readmemh(FILE, mem);
`endif
  end

  always_ff @(posedge clk) begin
    if (en) data <= mem[addr];
  end

endmodule

`default_nettype wire
