// SPDX-License-Identifier: Apache-2.0
// rvg_axi_write: an AXI4 master that writes a stream of data where a stream of commands says.
//
// Golden : AMBA AXI protocol specification (IHI 0022): INCR bursts of whole beats, none over a 4 KiB boundary
// In     : commands {last, beats[24], addr} as rvg_axi_split.sv; a command's beats follow those of the one before.
// Order  : addresses and data go their own ways, and data may come first. One ID: answers come in order.
// done   : a pulse, when every burst of a command with `last`, and so of all before it, has been acknowledged.
// halt   : no further burst is begun; what is begun is ended, with beats of no bytes where the stream has none.
//          Where `idle` follows, nothing is under way and the unit may be reset.
// error  : some burst was answered other than OKAY. Stays until reset.
// Rate   : one beat per cycle, where bursts have two or more and BURSTS of them cover the slave's latency.
// Not here: AWCACHE, AWPROT, AWLOCK, AWQOS: constants of the top.

`default_nettype none

module rvg_axi_write #(
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int MAX_BURST = 16,
  parameter int BURSTS    = 32  // under way at once
) (
  input  wire logic                 clk,
  input  wire logic                 rst,

  input  wire logic [25+ADDR_W-1:0] s_cmd_tdata,
  input  wire logic                 s_cmd_tvalid,
  output      logic                 s_cmd_tready,

  input  wire logic [DATA_W-1:0]    s_axis_tdata,
  input  wire logic                 s_axis_tvalid,
  output      logic                 s_axis_tready,

  output      logic [ADDR_W-1:0]    m_axi_awaddr,
  output      logic [7:0]           m_axi_awlen,
  output      logic [2:0]           m_axi_awsize,
  output      logic [1:0]           m_axi_awburst,
  output      logic                 m_axi_awvalid,
  input  wire logic                 m_axi_awready,
  output      logic [DATA_W-1:0]    m_axi_wdata,
  output      logic [DATA_W/8-1:0]  m_axi_wstrb,
  output      logic                 m_axi_wlast,
  output      logic                 m_axi_wvalid,
  input  wire logic                 m_axi_wready,
  input  wire logic [1:0]           m_axi_bresp,
  input  wire logic                 m_axi_bvalid,
  output      logic                 m_axi_bready,

  input  wire logic                 halt,
  output      logic                 done,
  output      logic                 idle,
  output      logic                 error,
  output      logic [31:0]          beats  // that went, modulo 2^32
);

  localparam int CMD_W = 24 + ADDR_W;
  localparam int LEN_W = $clog2(MAX_BURST + 1);

  // ---- commands become bursts
  logic [ADDR_W-1:0] burst_addr;
  logic [LEN_W-1:0]  burst_beats;
  logic              burst_final, burst_valid, burst_ready, began;
  logic              last_q;  // of the command in work
  logic              free, data_ready, answer_ready;

  rvg_axi_split #(.DATA_W(DATA_W), .ADDR_W(ADDR_W), .MAX_BURST(MAX_BURST)) u_split (
    .clk, .rst,
    .s_cmd_tdata(s_cmd_tdata[CMD_W-1:0]), .s_cmd_tvalid, .s_cmd_tready,
    .m_burst_addr(burst_addr), .m_burst_beats(burst_beats), .m_burst_final(burst_final),
    .m_burst_valid(burst_valid), .m_burst_ready(burst_ready)
  );

  assign free        = !m_axi_awvalid || m_axi_awready;
  assign burst_ready = free && data_ready && answer_ready && !halt;
  assign began       = burst_valid && burst_ready;

  assign m_axi_awsize  = 3'($clog2(DATA_W / 8));
  assign m_axi_awburst = 2'b01;

  always_ff @(posedge clk) begin
    if (s_cmd_tvalid && s_cmd_tready) last_q <= s_cmd_tdata[CMD_W];
    if (began) begin
      m_axi_awaddr <= burst_addr;
      m_axi_awlen  <= 8'(burst_beats - 1'b1);
    end
    if (free) m_axi_awvalid <= began;
    if (rst) m_axi_awvalid <= 1'b0;
  end

  // ---- data: beats are counted into bursts
  logic [LEN_W-1:0] length, sent_q;
  logic             length_valid, beat_valid, beat_ready, beat_last, beat, strobe;

  rvg_fifo #(.WIDTH(LEN_W), .DEPTH(4)) u_lengths (
    .clk, .rst,
    .s_axis_tdata(burst_beats), .s_axis_tvalid(began), .s_axis_tready(data_ready),
    .m_axis_tdata(length), .m_axis_tvalid(length_valid), .m_axis_tready(beat && beat_last)
  );

  assign beat_valid    = length_valid && (s_axis_tvalid || halt);
  assign beat_last     = sent_q == length - 1'b1;
  assign beat          = beat_valid && beat_ready;
  assign s_axis_tready = length_valid && beat_ready;

  rvg_stream_reg #(.WIDTH(DATA_W + 2)) u_beat (
    .clk, .rst,
    .s_axis_tdata({s_axis_tvalid, beat_last, s_axis_tdata}), .s_axis_tvalid(beat_valid), .s_axis_tready(beat_ready),
    .m_axis_tdata({strobe, m_axi_wlast, m_axi_wdata}), .m_axis_tvalid(m_axi_wvalid), .m_axis_tready(m_axi_wready)
  );

  assign m_axi_wstrb = {(DATA_W/8){strobe}};

  always_ff @(posedge clk) begin
    if (beat) sent_q <= beat_last ? '0 : sent_q + 1'b1;
    if (m_axi_wvalid && m_axi_wready) beats <= beats + 1'b1;
    if (rst) begin
      sent_q <= '0;
      beats  <= '0;
    end
  end

  // ---- answers: which of them end a command with `last`
  logic ends, answer_due;

  rvg_fifo #(.WIDTH(1), .DEPTH(BURSTS)) u_answers (
    .clk, .rst,
    .s_axis_tdata(burst_final && last_q), .s_axis_tvalid(began), .s_axis_tready(answer_ready),
    .m_axis_tdata(ends), .m_axis_tvalid(answer_due), .m_axis_tready(m_axi_bvalid)
  );

  assign m_axi_bready = 1'b1;
  assign idle         = !answer_due;

  always_ff @(posedge clk) begin
    done <= m_axi_bvalid && ends;
    if (m_axi_bvalid && m_axi_bresp != 2'b00) error <= 1'b1;
    if (rst) begin
      done  <= 1'b0;
      error <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_axi_write: an answer to no burst")) u_assert_answer (
    .clk, .rst, .holds(!m_axi_bvalid || answer_due)
  );
  rvg_assert_stream #(
    .TEXT("rvg_axi_write: an address did not stay until it was taken"), .WIDTH(ADDR_W + 8)
  ) u_assert_address (
    .clk, .rst, .tdata({m_axi_awaddr, m_axi_awlen}), .tvalid(m_axi_awvalid), .tready(m_axi_awready)
  );
`endif

endmodule

`default_nettype wire
