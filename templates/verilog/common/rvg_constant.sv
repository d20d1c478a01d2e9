// SPDX-License-Identifier: Apache-2.0
// rvg_constant: one word from the hexadecimal file FILE.
//
// A number that belongs to the trained weights (a requantization shift), not to
// the circuit's shape, comes from a file like the weights, so that new weights
// need no new simulator. In synthesis it is a constant and folds away.
//
// Data: WIDTH bits.

`default_nettype none

module rvg_constant #(
  parameter int WIDTH = 8,
  parameter     FILE  = ""
) (
  output logic [WIDTH-1:0] value
);

  logic [WIDTH-1:0] mem [0:0];

  if (WIDTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (FILE == "") begin : g_check_file
    rvg_error_file_without_a_name u_error ();
  end else begin : g_file
    initial $readmemh(FILE, mem);
  end

  assign value = mem[0];

endmodule

`default_nettype wire
