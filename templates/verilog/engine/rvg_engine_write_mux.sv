// SPDX-License-Identifier: Apache-2.0
// rvg_engine_write_mux: two units that write, the store and the linear layer, on one write port.
//
// In     : of each client, packed by client: commands {last, beats, addr}, and their beats in order.
// Out    : cmd and m_axis, one client's command with its beats after the other's; clients that both wait take turns.
//          `write_done` answers a command with `last`; `done` tells the client whose command it was.
// Rate   : one command and one beat a cycle.  Latency: a command 1 cycle; a beat none, from a cycle after its command.
// Memory : DEPTH commands whose beats are to come, DEPTH that are not answered.

`default_nettype none

module rvg_engine_write_mux #(
  parameter int WIDTH = 64,
  parameter int DEPTH = 16
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [2*57-1:0]    s_cmd_tdata,
  input  wire logic [1:0]         s_cmd_tvalid,
  output      logic [1:0]         s_cmd_tready,
  input  wire logic [2*WIDTH-1:0] s_axis_tdata,
  input  wire logic [1:0]         s_axis_tvalid,
  output      logic [1:0]         s_axis_tready,
  output      logic [1:0]         done,

  output      logic [56:0]        cmd_tdata,
  output      logic               cmd_tvalid,
  input  wire logic               cmd_tready,
  output      logic [WIDTH-1:0]   m_axis_tdata,
  output      logic               m_axis_tvalid,
  input  wire logic               m_axis_tready,
  input  wire logic               write_done
);

  if (WIDTH < 1 || DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // ---- whose command is next
  logic        other_q, chosen, begins, begin_ok, slice_ready, grant_ready, answer_ready;
  logic [56:0] command;

  assign chosen   = s_cmd_tvalid[other_q] ? other_q : !other_q;
  assign command  = chosen ? s_cmd_tdata[113:57] : s_cmd_tdata[56:0];
  assign begin_ok = slice_ready && grant_ready && answer_ready;
  assign begins   = s_cmd_tvalid != '0 && begin_ok;

  assign s_cmd_tready = begin_ok ? {chosen, !chosen} : '0;

  always_ff @(posedge clk) begin
    if (begins) other_q <= !chosen;
    if (rst)    other_q <= 1'b0;
  end

  rvg_stream_reg #(.WIDTH(57)) u_command (
    .clk, .rst,
    .s_axis_tdata(command), .s_axis_tvalid(begins), .s_axis_tready(slice_ready),
    .m_axis_tdata(cmd_tdata), .m_axis_tvalid(cmd_tvalid), .m_axis_tready(cmd_tready)
  );

  // ---- whose beats come
  logic        client, granted, beat, beat_last;
  logic [23:0] beats, beat_q;

  rvg_fifo #(.WIDTH(25), .DEPTH(DEPTH)) u_grants (
    .clk, .rst,
    .s_axis_tdata({chosen, command[55:32]}), .s_axis_tvalid(begins), .s_axis_tready(grant_ready),
    .m_axis_tdata({client, beats}), .m_axis_tvalid(granted), .m_axis_tready(beat && beat_last)
  );

  assign m_axis_tdata  = client ? s_axis_tdata[2*WIDTH-1:WIDTH] : s_axis_tdata[WIDTH-1:0];
  assign m_axis_tvalid = granted && s_axis_tvalid[client];
  assign s_axis_tready = granted && m_axis_tready ? {client, !client} : '0;
  assign beat          = m_axis_tvalid && m_axis_tready;
  assign beat_last     = beat_q == beats - 1'b1;

  always_ff @(posedge clk) begin
    if (beat) beat_q <= beat_last ? '0 : beat_q + 1'b1;
    if (rst)  beat_q <= '0;
  end

  // ---- whose command is answered
  logic answered, awaited;

  rvg_fifo #(.WIDTH(1), .DEPTH(DEPTH)) u_answers (
    .clk, .rst,
    .s_axis_tdata(chosen), .s_axis_tvalid(begins && command[56]), .s_axis_tready(answer_ready),
    .m_axis_tdata(answered), .m_axis_tvalid(awaited), .m_axis_tready(write_done)
  );

  assign done = write_done ? {answered, !answered} : '0;

  wire unused = awaited;

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_write_mux: an answer came that nothing asked for")) u_assert_awaited (
    .clk, .rst, .holds(!write_done || awaited)
  );
  rvg_assert_stream #(
    .TEXT("rvg_engine_write_mux: a beat did not stay until it was taken"), .WIDTH(WIDTH)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
