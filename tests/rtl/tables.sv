// Tops for units whose file Yosys cannot be told on its command line.

`default_nettype none

module rom_of_table (
  input  wire logic       clk,
  input  wire logic       en,
  input  wire logic [3:0] addr,
  output      logic [7:0] data
);
  rvg_rom #(.WIDTH(8), .DEPTH(16), .FILE("table.mem")) u_rom (.clk, .en, .addr, .data);
endmodule

module constant_of_table (
  output logic [5:0] value
);
  rvg_constant #(.WIDTH(6), .FILE("constant.mem")) u_constant (.value);
endmodule

`default_nettype wire
