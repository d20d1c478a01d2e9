// SPDX-License-Identifier: Apache-2.0
// rvg_axi_split: a command to move beats from an address on -> the AXI4 bursts that it takes.
//
//   burst = min(beats that are left, MAX_BURST, beats up to the next multiple of 4 KiB)
//
// Golden : AMBA AXI protocol specification (IHI 0022), A3.4.1: a burst must not cross a 4 KiB boundary
// In     : {beats[24], addr}: at least one beat, at an address that is a multiple of DATA_W/8.
// Out    : bursts in order of address; m_burst_final with a command's last one. Address modulo 2^ADDR_W.
// Rate   : one burst in 2 cycles, also from command to command.  Latency: 1 cycle.

`default_nettype none

module rvg_axi_split #(
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int MAX_BURST = 16,
  localparam int LEN_W    = $clog2(MAX_BURST + 1)
) (
  input  wire logic                 clk,
  input  wire logic                 rst,

  input  wire logic [24+ADDR_W-1:0] s_cmd_tdata,
  input  wire logic                 s_cmd_tvalid,
  output      logic                 s_cmd_tready,

  output      logic [ADDR_W-1:0]    m_burst_addr,
  output      logic [LEN_W-1:0]     m_burst_beats,
  output      logic                 m_burst_final,
  output      logic                 m_burst_valid,
  input  wire logic                 m_burst_ready
);

  localparam int BEATS_W = 24;
  localparam int SHIFT   = $clog2(DATA_W / 8);
  localparam int PAGE_W  = 12 - SHIFT;  // a page of 4 KiB has 2^PAGE_W beats

  if (MAX_BURST < 1 || MAX_BURST > 256) begin : g_check_burst
    rvg_error_bursts_have_1_to_256_beats u_error ();
  end
  if (DATA_W < 8 || DATA_W > 1024 || DATA_W != 8 << SHIFT) begin : g_check_width
    rvg_error_data_width_must_be_a_power_of_two_from_8_to_1024 u_error ();
  end
  if (ADDR_W < 13) begin : g_check_address
    rvg_error_address_narrower_than_two_pages u_error ();
  end

  logic               busy_q;  // a command is not yet wholly handed on
  logic [ADDR_W-1:0]  addr_q, addr;
  logic [BEATS_W-1:0] beats_q, beats;
  logic [PAGE_W:0]    to_page;
  logic [BEATS_W-1:0] limit;
  logic               accept, plan, taken;

  assign s_cmd_tready = !busy_q;
  assign m_burst_addr = addr_q;
  assign accept       = s_cmd_tvalid && s_cmd_tready;
  assign plan         = accept || busy_q && !m_burst_valid;
  assign taken        = m_burst_valid && m_burst_ready;

  assign addr    = busy_q ? addr_q : s_cmd_tdata[ADDR_W-1:0];
  assign beats   = busy_q ? beats_q : s_cmd_tdata[ADDR_W +: BEATS_W];
  assign to_page = {1'b1, {PAGE_W{1'b0}}} - {1'b0, addr[SHIFT +: PAGE_W]};
  assign limit   = BEATS_W'(to_page) < BEATS_W'(MAX_BURST) ? BEATS_W'(to_page) : BEATS_W'(MAX_BURST);

  always_ff @(posedge clk) begin
    if (plan) begin
      addr_q        <= addr;
      beats_q       <= beats;
      m_burst_beats <= beats < limit ? LEN_W'(beats) : LEN_W'(limit);
      m_burst_final <= beats <= limit;
    end else if (taken) begin
      addr_q  <= addr_q + (ADDR_W'(m_burst_beats) << SHIFT);
      beats_q <= beats_q - BEATS_W'(m_burst_beats);
    end
    if (plan) m_burst_valid <= 1'b1;
    else if (taken) m_burst_valid <= 1'b0;
    if (accept) busy_q <= 1'b1;
    else if (taken && m_burst_final) busy_q <= 1'b0;

    if (rst) begin
      busy_q        <= 1'b0;
      m_burst_valid <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_axi_split: a command of no beats")) u_assert_beats (
    .clk, .rst, .holds(!s_cmd_tvalid || s_cmd_tdata[ADDR_W +: BEATS_W] != '0)
  );
  rvg_assert #(.TEXT("rvg_axi_split: a command at an address within a beat")) u_assert_aligned (
    .clk, .rst, .holds(!s_cmd_tvalid || (s_cmd_tdata[ADDR_W-1:0] & ADDR_W'(DATA_W/8 - 1)) == '0)
  );
`endif

endmodule

`default_nettype wire
