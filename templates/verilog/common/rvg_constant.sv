// rvg_constant: one word from the hexadecimal file FILE.
//
// A number that belongs to the trained weights (a requantization shift), not to
// the circuit's shape, comes from a file like the weights, so that new weights
// need no new simulator. In synthesis it is a constant and folds away.
//
// Data: WIDTH bits.

`default_nettype none

module rvg_constant #(
  parameter int WIDTH = 6,
  parameter     FILE  = ""
) (
  output logic [WIDTH-1:0] value
);

  logic [WIDTH-1:0] mem [0:0];

  initial $readmemh(FILE, mem);

  assign value = mem[0];

endmodule

`default_nettype wire
