// SPDX-License-Identifier: Apache-2.0
// rvg_engine_route: the beats of the weight port to the unit that they are for, command by command.
//
// In     : commands {linear, beats} in the order in which the regions were asked for; the regions' beats.
// Rate   : one beat a cycle within a region, one cycle between two.

`default_nettype none

module rvg_engine_route #(
  parameter int WIDTH = 64
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic [32:0]      cmd_tdata,
  input  wire logic             cmd_tvalid,
  output      logic             cmd_tready,

  input  wire logic [WIDTH-1:0] s_axis_tdata,
  input  wire logic             s_axis_tvalid,
  output      logic             s_axis_tready,

  output      logic [WIDTH-1:0] conv_tdata,
  output      logic             conv_tvalid,
  input  wire logic             conv_tready,

  output      logic [WIDTH-1:0] linear_tdata,
  output      logic             linear_tvalid,
  input  wire logic             linear_tready
);

  if (WIDTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [31:0] left_q;
  logic        linear_q, busy_q;

  assign cmd_tready    = !busy_q;
  assign conv_tdata    = s_axis_tdata;
  assign linear_tdata  = s_axis_tdata;
  assign conv_tvalid   = busy_q && !linear_q && s_axis_tvalid;
  assign linear_tvalid = busy_q && linear_q && s_axis_tvalid;
  assign s_axis_tready = busy_q && (linear_q ? linear_tready : conv_tready);

  always_ff @(posedge clk) begin
    if (cmd_tvalid && cmd_tready) begin
      {linear_q, left_q} <= cmd_tdata;
      busy_q             <= cmd_tdata[31:0] != '0;
    end
    if (s_axis_tvalid && s_axis_tready) begin
      left_q <= left_q - 1'b1;
      busy_q <= left_q != 32'd1;
    end
    if (rst) busy_q <= 1'b0;
  end

endmodule

`default_nettype wire
