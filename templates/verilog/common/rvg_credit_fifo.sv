// SPDX-License-Identifier: Apache-2.0
// rvg_credit_fifo: buffer behind a pipeline that cannot be stopped.
//
// Room for SET beats is reserved by `start`, when the first of their operands enters the pipeline;
// `start_ok` says that there is room for one more set. So no beat ever meets a full buffer.
//
// In     : valid only, one beat per cycle at most.    Out: valid/ready stream.
// Memory : DEPTH >= SET beats of WIDTH bits.

`default_nettype none

module rvg_credit_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  parameter int SET   = 1
) (
  input  wire logic             clk,
  input  wire logic             rst,

  output      logic             start_ok,
  input  wire logic             start,

  input  wire logic             in_valid,
  input  wire logic [WIDTH-1:0] in_data,

  output      logic [WIDTH-1:0] m_axis_tdata,
  output      logic             m_axis_tvalid,
  input  wire logic             m_axis_tready
);

  localparam int SPARE_W = $clog2(DEPTH + 1) + 1;

  if (WIDTH < 1 || SET < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (DEPTH < SET) begin : g_check_depth
    rvg_error_depth_below_a_set u_error ();
  end

  // Counted so that the sign alone, a register, says whether there is room: it is the beginning of long paths. `start`
  // comes late in the cycle, from units around; the sums for both of its values are there by then.
  logic signed [SPARE_W-1:0] spare_q;  // free beats that are not reserved - SET
  logic                      pop, in_ready;

  assign start_ok = !spare_q[SPARE_W-1];
  assign pop      = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge clk) begin
    spare_q <= start ? spare_q - (pop ? SPARE_W'(SET - 1) : SPARE_W'(SET)) : spare_q + SPARE_W'(pop);
    if (rst) spare_q <= SPARE_W'(DEPTH - SET);
  end

  rvg_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) u_fifo (
    .clk, .rst,
    .s_axis_tdata(in_data), .s_axis_tvalid(in_valid), .s_axis_tready(in_ready),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  // A beat that met a full buffer would be lost; the credits make that impossible.
  wire unused = in_ready;

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_credit_fifo: a beat met a full buffer")) u_assert_room (
    .clk, .rst, .holds(!in_valid || in_ready)
  );
  rvg_assert #(.TEXT("rvg_credit_fifo: a set began without room")) u_assert_start (
    .clk, .rst, .holds(!start || start_ok)
  );
  rvg_assert #(.TEXT("rvg_credit_fifo: more room is free than there is")) u_assert_credit (
    .clk, .rst, .holds(32'(spare_q) <= DEPTH - SET)
  );
`endif

endmodule

`default_nettype wire
