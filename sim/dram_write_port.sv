// SPDX-License-Identifier: Apache-2.0
// dram_write_port: the write channels of one port of dram_model, which see.
//
// Up to QUEUE bursts and BEATS beats wait; data may come before their address. Answers come in order, each after its
// latency. `want`, `granted`: one beat goes into the memory. `rule` stays until reset.
// +write_error_at=ADDRESS: SLVERR for the burst that writes it. +write_error_burst=N: DECERR for the port's N-th burst.
// +write_from=ADDRESS, +write_to=ADDRESS: nothing outside may be written (the whole memory).

`default_nettype none

module dram_write_port #(
  parameter int PORT      = 0,
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int ID_W      = 1,
  parameter int IDS       = 1,
  parameter int MAX_BURST = 256,
  parameter int SIZE      = 65536
) (
  input  wire logic                clk,
  input  wire logic                rst,

  input  wire logic [ID_W-1:0]     awid,
  input  wire logic [ADDR_W-1:0]   awaddr,
  input  wire logic [7:0]          awlen,
  input  wire logic [2:0]          awsize,
  input  wire logic [1:0]          awburst,
  input  wire logic                awvalid,
  output      logic                awready,
  input  wire logic [DATA_W-1:0]   wdata,
  input  wire logic [DATA_W/8-1:0] wstrb,
  input  wire logic                wlast,
  input  wire logic                wvalid,
  output      logic                wready,
  output      logic [ID_W-1:0]     bid,
  output      logic [1:0]          bresp,
  output      logic                bvalid,
  input  wire logic                bready,

  output      logic                want,
  output      logic [ADDR_W-1:0]   addr,
  output      logic [DATA_W-1:0]   data,
  output      logic [DATA_W/8-1:0] strobes,
  input  wire logic                granted,

  output      logic                begun,  // a burst, in this cycle
  output      logic                ended,  // one was acknowledged
  output      logic [ADDR_W-1:0]   ended_addr,
  output      logic [7:0]          ended_len,
  output      logic [7:0]          rule
);

  localparam int BYTES = DATA_W / 8;
  localparam int QUEUE = 64;
  localparam int BEATS = 64;

  logic                aw_pause, w_pause, b_pause;
  logic [31:0]         unused_latency[2], latency;
  logic [63:0]         cycle_q, error_at, from, to;
  logic [31:0]         error_burst, bursts_q;

  // bursts: `answers` of them, from `head` on, are written; then `waiting` that are not. Beats: `kept` of them.
  logic [ADDR_W-1:0]   addrs [QUEUE];
  logic [7:0]          lens [QUEUE];
  logic [ID_W-1:0]     ids [QUEUE];
  logic [1:0]          responses [QUEUE];
  logic [63:0]         dues [QUEUE];
  logic [DATA_W-1:0]   datas [BEATS];
  logic [DATA_W/8-1:0] strbs [BEATS];
  logic                lasts [BEATS];
  int                  head_q, answers_q, waiting_q, first_q, kept_q, beat_q;
  int                  writing, taken, tail, next;
  logic                last, written, acknowledged;

  // what was offered in the cycle before, and not taken
  logic                            aw_held_q, w_held_q;
  logic [ID_W + ADDR_W + 12:0]     aw_payload_q;
  wire  [ID_W + ADDR_W + 12:0]     aw_payload = {awid, awaddr, awlen, awsize, awburst};
  logic [DATA_W + DATA_W/8:0]      w_payload_q;
  wire  [DATA_W + DATA_W/8:0]      w_payload = {wdata, wstrb, wlast};
  logic [7:0]                      found;

  dram_pauses #(.CHANNEL(8*PORT + 2)) u_aw (.clk, .rst, .pause(aw_pause), .latency(unused_latency[0]));
  dram_pauses #(.CHANNEL(8*PORT + 3)) u_w (.clk, .rst, .pause(w_pause), .latency(unused_latency[1]));
  dram_pauses #(.CHANNEL(8*PORT + 4)) u_b (.clk, .rst, .pause(b_pause), .latency(latency));

  initial begin
    if (!$value$plusargs("write_error_at=%d", error_at)) error_at = '1;
    if (!$value$plusargs("write_error_burst=%d", error_burst)) error_burst = 0;
    if (!$value$plusargs("write_from=%d", from)) from = 0;
    if (!$value$plusargs("write_to=%d", to)) to = 64'(SIZE);
  end

  assign writing      = (head_q + answers_q) % QUEUE;
  assign tail         = (head_q + answers_q + waiting_q) % QUEUE;
  assign addr         = addrs[writing] + ADDR_W'(beat_q * BYTES);
  assign data         = datas[first_q];
  assign strobes      = strbs[first_q];
  assign want         = waiting_q != 0 && kept_q != 0;
  assign last         = beat_q == int'(lens[writing]);
  assign written      = granted && last;
  assign begun        = awvalid && awready;
  assign acknowledged = bvalid && bready;
  assign ended        = acknowledged;
  assign ended_addr   = addrs[head_q];
  assign ended_len    = lens[head_q];

  always_comb begin
    found = dram_pkg::NONE;
    if (aw_held_q && (!awvalid || aw_payload != aw_payload_q)) found = dram_pkg::UNSTABLE;
    else if (w_held_q && (!wvalid || w_payload != w_payload_q)) found = dram_pkg::UNSTABLE;
    else if (granted && lasts[first_q] != last) found = dram_pkg::WLAST;
    else if (begun) begin
      found = dram_pkg::burst_rule(64'(awaddr), awlen, awsize, awburst, int'(awid), BYTES, MAX_BURST, IDS, 64'(SIZE));
    end
    if (found == dram_pkg::NONE && granted) begin
      for (int b = 0; b < BYTES; b++) begin
        if (strobes[b] && (64'(addr) + 64'(b) < from || 64'(addr) + 64'(b) >= to)) found = dram_pkg::STROBE;
      end
    end
  end

  always_ff @(posedge clk) begin
    cycle_q      <= cycle_q + 1;
    awready      <= !aw_pause && answers_q + waiting_q < QUEUE - 1;
    wready       <= !w_pause && kept_q < BEATS - 1;
    aw_held_q    <= awvalid && !awready;
    aw_payload_q <= aw_payload;
    w_held_q     <= wvalid && !wready;
    if (wvalid) w_payload_q <= w_payload;

    if (begun) begin
      addrs[tail]     <= awaddr;
      lens[tail]      <= awlen;
      ids[tail]       <= awid;
      bursts_q        <= bursts_q + 1;
      responses[tail] <= bursts_q + 1 == error_burst ? 2'b11
                       : error_at - 64'(awaddr) < (64'(awlen) + 1) * 64'(BYTES) ? 2'b10 : 2'b00;
    end
    if (wvalid && wready) begin
      next = (first_q + kept_q) % BEATS;
      datas[next] <= wdata;
      strbs[next] <= wstrb;
      lasts[next] <= wlast;
    end
    if (granted) begin
      first_q <= (first_q + 1) % BEATS;
      beat_q  <= last ? 0 : beat_q + 1;
      if (last) dues[writing] <= cycle_q + 64'(latency);
    end
    kept_q    <= kept_q + 32'(wvalid && wready) - 32'(granted);
    waiting_q <= waiting_q + 32'(begun) - 32'(written);

    if (acknowledged) begin
      bvalid     <= 1'b0;
      head_q     <= (head_q + 1) % QUEUE;
    end
    answers_q <= answers_q + 32'(written) - 32'(acknowledged);
    taken = acknowledged ? (head_q + 1) % QUEUE : head_q;
    if ((!bvalid || acknowledged) && !b_pause && answers_q > 32'(acknowledged) && dues[taken] <= cycle_q) begin
      bvalid <= 1'b1;
      bid    <= ids[taken];
      bresp  <= responses[taken];
    end

    if (rst) begin
      {awready, wready, bvalid, aw_held_q, w_held_q} <= '0;
      {cycle_q, bursts_q} <= '0;
      head_q    <= 0;
      answers_q <= 0;
      waiting_q <= 0;
      first_q   <= 0;
      kept_q    <= 0;
      beat_q    <= 0;
      rule      <= dram_pkg::NONE;
    end else if (found != dram_pkg::NONE) begin
      rule <= found;
      $display("dram_model: port %0d, %s: %s: address %h, %0d beats, ID %0d",
               PORT, found == dram_pkg::WLAST || found == dram_pkg::STROBE ? "W" : "AW or W", dram_pkg::text(found),
               granted ? addr : awaddr, 32'(awlen) + 1, awid);
      $stop;
    end
  end

endmodule

`default_nettype wire
