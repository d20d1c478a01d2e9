// SPDX-License-Identifier: Apache-2.0
// rvg_axi_read: an AXI4 master that reads for several clients, each with a stream of commands and one of data.
//
// Golden : AMBA AXI protocol specification (IHI 0022): INCR bursts of whole beats, none over a 4 KiB boundary
// In     : commands {beats[24], addr} as rvg_axi_split.sv, client 0 in the low bits.
// Out    : a client's beats in order of its commands. ARID, RID: the client; the slave may mix clients' beats.
// Credits: a burst is asked for only where its client's buffer of DEPTH beats has room for all of it: RREADY is
//          constant, and a client that does not take its data holds up none of the others.
// halt   : no further burst is begun. Where `idle` follows, nothing is under way and the unit may be reset.
// error  : some beat came with a response other than OKAY, or for no client. Stays until reset; the beat is delivered.
// Rate   : one beat per cycle, where bursts have two or more and DEPTH covers MAX_BURST and the slave's latency.
// Not here: ARCACHE, ARPROT, ARLOCK, ARQOS: constants of the top.

`default_nettype none

module rvg_axi_read #(
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int CLIENTS   = 2,
  parameter int DEPTH     = 512,
  parameter int MAX_BURST = 16,
  localparam int ID_W     = CLIENTS > 1 ? $clog2(CLIENTS) : 1
) (
  input  wire logic                           clk,
  input  wire logic                           rst,

  input  wire logic [CLIENTS*(24+ADDR_W)-1:0] s_cmd_tdata,
  input  wire logic [CLIENTS-1:0]             s_cmd_tvalid,
  output      logic [CLIENTS-1:0]             s_cmd_tready,

  output      logic [CLIENTS*DATA_W-1:0]      m_axis_tdata,
  output      logic [CLIENTS-1:0]             m_axis_tvalid,
  input  wire logic [CLIENTS-1:0]             m_axis_tready,

  output      logic [ID_W-1:0]                m_axi_arid,
  output      logic [ADDR_W-1:0]              m_axi_araddr,
  output      logic [7:0]                     m_axi_arlen,
  output      logic [2:0]                     m_axi_arsize,
  output      logic [1:0]                     m_axi_arburst,
  output      logic                           m_axi_arvalid,
  input  wire logic                           m_axi_arready,
  input  wire logic [ID_W-1:0]                m_axi_rid,
  input  wire logic [DATA_W-1:0]              m_axi_rdata,
  input  wire logic [1:0]                     m_axi_rresp,
  input  wire logic                           m_axi_rlast,
  input  wire logic                           m_axi_rvalid,
  output      logic                           m_axi_rready,

  input  wire logic                           halt,
  output      logic                           idle,
  output      logic                           error,
  output      logic [31:0]                    beats  // that came, modulo 2^32
);

  localparam int CMD_W   = 24 + ADDR_W;
  localparam int LEN_W   = $clog2(MAX_BURST + 1);
  localparam int ROOM_W  = $clog2(DEPTH + 1);
  localparam int COUNT_W = $clog2(CLIENTS*DEPTH + 1);

  if (DEPTH < MAX_BURST) begin : g_check_depth
    rvg_error_buffer_below_a_burst u_error ();
  end

  // ---- clients: commands become bursts, which wait for room
  logic [CLIENTS-1:0]        wants, granted, of_client;
  logic [CLIENTS*ADDR_W-1:0] burst_addr;
  logic [CLIENTS*LEN_W-1:0]  burst_beats;

  for (genvar c = 0; c < CLIENTS; c++) begin : g_client
    wire [LEN_W-1:0]   length = burst_beats[LEN_W*c +: LEN_W];
    logic [ROOM_W-1:0] room_q;  // beats of the buffer that no burst has been promised
    logic              valid, command_ends, buffer_ready;

    rvg_axi_split #(.DATA_W(DATA_W), .ADDR_W(ADDR_W), .MAX_BURST(MAX_BURST)) u_split (
      .clk, .rst,
      .s_cmd_tdata(s_cmd_tdata[CMD_W*c +: CMD_W]), .s_cmd_tvalid(s_cmd_tvalid[c]), .s_cmd_tready(s_cmd_tready[c]),
      .m_burst_addr(burst_addr[ADDR_W*c +: ADDR_W]), .m_burst_beats(burst_beats[LEN_W*c +: LEN_W]),
      .m_burst_final(command_ends), .m_burst_valid(valid), .m_burst_ready(granted[c])
    );

    assign wants[c]     = valid && room_q >= ROOM_W'(length) && !halt;
    assign of_client[c] = m_axi_rvalid && m_axi_rid == ID_W'(c);

    rvg_block_fifo #(.WIDTH(DATA_W), .DEPTH(DEPTH)) u_buffer (
      .clk, .rst,
      .s_axis_tdata(m_axi_rdata), .s_axis_tvalid(of_client[c]), .s_axis_tready(buffer_ready),
      .m_axis_tdata(m_axis_tdata[DATA_W*c +: DATA_W]), .m_axis_tvalid(m_axis_tvalid[c]), .m_axis_tready(m_axis_tready[c])
    );

    always_ff @(posedge clk) begin
      room_q <= room_q - (granted[c] ? ROOM_W'(length) : '0) + ROOM_W'(m_axis_tvalid[c] && m_axis_tready[c]);
      if (rst) room_q <= ROOM_W'(DEPTH);
    end

`ifdef RVG_ASSERT
    rvg_assert #(.TEXT("rvg_axi_read: a beat came for which there is no room")) u_assert_room (
      .clk, .rst, .holds(!of_client[c] || buffer_ready)
    );
`endif
    wire unused = &{1'b0, command_ends, buffer_ready};
  end

  // ---- in turn: the client behind the one that was served last
  logic [2*CLIENTS-1:0] turn;     // the clients from the last served one on, twice around
  logic [CLIENTS-1:0]   first_q;  // one bit: the client that is asked first
  logic                 free;
  logic [ADDR_W-1:0]    addr;
  logic [LEN_W-1:0]     length;
  logic [ID_W-1:0]      client;

  assign free    = !m_axi_arvalid || m_axi_arready;
  assign turn    = {wants, wants} & ~({wants, wants} - (2*CLIENTS)'(first_q));
  assign granted = free ? turn[CLIENTS-1:0] | turn[2*CLIENTS-1:CLIENTS] : '0;

  always_comb begin
    addr   = '0;
    length = '0;
    client = '0;
    for (int c = 0; c < CLIENTS; c++) begin
      if (granted[c]) begin
        addr   = burst_addr[ADDR_W*c +: ADDR_W];
        length = burst_beats[LEN_W*c +: LEN_W];
        client = ID_W'(c);
      end
    end
  end

  logic [COUNT_W-1:0] bursts_q;  // under way, but for one that has just begun
  logic               began, began_q, ended;

  assign m_axi_arsize  = 3'($clog2(DATA_W / 8));
  assign m_axi_arburst = 2'b01;
  assign m_axi_rready  = 1'b1;
  assign began         = granted != '0;
  assign ended         = m_axi_rvalid && m_axi_rlast;
  assign idle          = bursts_q == '0 && !began_q;

  always_ff @(posedge clk) begin
    if (began) begin
      m_axi_arid   <= client;
      m_axi_araddr <= addr;
      m_axi_arlen  <= 8'(length - 1'b1);
      first_q      <= CLIENTS'({granted, granted} >> (CLIENTS - 1));  // one to the left, around
    end
    if (free) m_axi_arvalid <= began;
    began_q <= began;
    if (began_q != ended) bursts_q <= began_q ? bursts_q + 1'b1 : bursts_q - 1'b1;
    if (m_axi_rvalid) beats <= beats + 1'b1;
    if (m_axi_rvalid && (m_axi_rresp != 2'b00 || of_client == '0)) error <= 1'b1;

    if (rst) begin
      first_q       <= CLIENTS'(1);
      m_axi_arvalid <= 1'b0;
      began_q       <= 1'b0;
      bursts_q      <= '0;
      beats         <= '0;
      error         <= 1'b0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_axi_read: idle while a burst is asked for")) u_assert_idle (
    .clk, .rst, .holds(!idle || !m_axi_arvalid)
  );
  rvg_assert_stream #(
    .TEXT("rvg_axi_read: an address did not stay until it was taken"), .WIDTH(ID_W + ADDR_W + 8)
  ) u_assert_stays (
    .clk, .rst, .tdata({m_axi_arid, m_axi_araddr, m_axi_arlen}), .tvalid(m_axi_arvalid), .tready(m_axi_arready)
  );
`endif

endmodule

`default_nettype wire
