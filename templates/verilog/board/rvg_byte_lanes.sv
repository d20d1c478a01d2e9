// SPDX-License-Identifier: Apache-2.0
// rvg_byte_lanes: packets of BYTES bytes per beat -> LANES bytes per beat, any two numbers.
//
// In     : AXI4-Stream. A packet is a whole number of LANES bytes, or with PAD any number; its beats are full, but for the last one, whose bytes
//          are the low ones of its tkeep. Byte 0 low.
// Out    : the packet's bytes, LANES a beat, the first low; tlast on its last beat, which PAD fills with zeros.
// error  : a beat with gaps, a beat that is not full within a packet, a packet that is not a whole number of beats
//          of the output (what is left of it is dropped). Stays until reset.
// Rate   : one beat per cycle on the narrower side; a packet's end takes as many as its rest has.  Latency: 1 cycle.

`default_nettype none

module rvg_byte_lanes #(
  parameter int BYTES = 4,
  parameter int LANES = 3,
  parameter bit PAD   = 1'b0
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic [8*BYTES-1:0] s_axis_tdata,
  input  wire logic [BYTES-1:0]   s_axis_tkeep,
  input  wire logic               s_axis_tlast,
  input  wire logic               s_axis_tvalid,
  output      logic               s_axis_tready,

  output      logic [8*LANES-1:0] m_axis_tdata,
  output      logic               m_axis_tlast,
  output      logic               m_axis_tvalid,
  input  wire logic               m_axis_tready,

  output      logic               error
);

  localparam int DEPTH   = BYTES + 2*LANES;  // so that both sides move in every cycle
  localparam int COUNT_W = $clog2(DEPTH + 1);

  if (BYTES < 1 || LANES < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [8*DEPTH-1:0] data_q, data_d;
  logic [COUNT_W-1:0] count_q, rest, kept;
  logic               last_q;  // the packet has come whole: none of the next is taken before it has left
  logic [8*BYTES-1:0] bytes;   // zero where not kept
  logic               take, emit, ends;

  assign s_axis_tready = !last_q && count_q <= COUNT_W'(DEPTH - BYTES);
  assign m_axis_tvalid = count_q >= COUNT_W'(LANES) || PAD && last_q && count_q != '0;
  assign m_axis_tlast  = last_q && (PAD ? count_q <= COUNT_W'(LANES) : count_q < COUNT_W'(2*LANES));
  assign take          = s_axis_tvalid && s_axis_tready;
  assign emit          = m_axis_tvalid && m_axis_tready;
  assign ends          = last_q && (emit ? m_axis_tlast : !m_axis_tvalid);

  for (genvar i = 0; i < LANES; i++) begin : g_lane
    if (PAD) begin : g_pad
      assign m_axis_tdata[8*i +: 8] = count_q > COUNT_W'(i) ? data_q[8*i +: 8] : 8'd0;
    end else begin : g_whole
      assign m_axis_tdata[8*i +: 8] = data_q[8*i +: 8];
    end
  end

  always_comb begin
    kept = '0;
    for (int i = 0; i < BYTES; i++) begin
      kept = kept + COUNT_W'(s_axis_tkeep[i]);
      bytes[8*i +: 8] = s_axis_tkeep[i] ? s_axis_tdata[8*i +: 8] : 8'd0;
    end
    rest   = !emit ? count_q : PAD && count_q < COUNT_W'(LANES) ? '0 : count_q - COUNT_W'(LANES);
    data_d = emit ? data_q >> 8*LANES : data_q;
    for (int i = 0; i <= DEPTH - BYTES; i++) begin
      if (take && rest == COUNT_W'(i)) data_d[8*i +: 8*BYTES] = bytes;
    end
  end

  always_ff @(posedge clk) begin
    data_q  <= data_d;
    count_q <= take ? rest + kept : rest;
    if (take) begin
      last_q <= s_axis_tlast;
      if (s_axis_tlast ? (s_axis_tkeep & (s_axis_tkeep + 1'b1)) != '0 || !s_axis_tkeep[0] : !(&s_axis_tkeep)) error <= 1'b1;
    end
    if (ends) begin
      last_q  <= 1'b0;
      count_q <= '0;
      if (rest != '0) error <= 1'b1;
    end

    if (rst) begin
      count_q <= '0;
      last_q  <= 1'b0;
      error   <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert_stream #(
    .TEXT("rvg_byte_lanes: a beat did not stay until it was taken"), .WIDTH(8*LANES)
  ) u_assert_stays (
    .clk, .rst, .tdata(m_axis_tdata), .tvalid(m_axis_tvalid), .tready(m_axis_tready)
  );
`endif

endmodule

`default_nettype wire
