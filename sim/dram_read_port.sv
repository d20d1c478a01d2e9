// SPDX-License-Identifier: Apache-2.0
// dram_read_port: the read channels of one port of dram_model, which see.
//
// Up to QUEUE bursts wait for each ID. An ID's bursts are answered in order, each after its latency; beats of several
// IDs are mixed at random. `want`, `granted`: one beat of the memory. `rule` stays until reset.
// +read_error_at=ADDRESS: SLVERR with the beat that holds it. +read_error_burst=N: DECERR in the port's N-th burst (1, 2, ..).

`default_nettype none

module dram_read_port #(
  parameter int PORT      = 0,
  parameter int DATA_W    = 64,
  parameter int ADDR_W    = 32,
  parameter int ID_W      = 1,
  parameter int IDS       = 1,
  parameter int MAX_BURST = 256,
  parameter int SIZE      = 65536
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [ID_W-1:0]   arid,
  input  wire logic [ADDR_W-1:0] araddr,
  input  wire logic [7:0]        arlen,
  input  wire logic [2:0]        arsize,
  input  wire logic [1:0]        arburst,
  input  wire logic              arvalid,
  output      logic              arready,
  output      logic [ID_W-1:0]   rid,
  output      logic [DATA_W-1:0] rdata,
  output      logic [1:0]        rresp,
  output      logic              rlast,
  output      logic              rvalid,
  input  wire logic              rready,

  output      logic              want,
  output      logic [ADDR_W-1:0] addr,
  input  wire logic              granted,
  input  wire logic [DATA_W-1:0] data,

  output      logic              begun,  // a burst, in this cycle
  output      logic              ended,  // the last beat of one was taken
  output      logic [ADDR_W-1:0] ended_addr,
  output      logic [7:0]        ended_len,
  output      logic [7:0]        rule
);

  localparam int BYTES = DATA_W / 8;
  localparam int QUEUE = 16;
  localparam int NUM   = 1 << ID_W;

  logic              ar_pause, r_pause;
  logic [31:0]       latency, unused_latency;
  logic [63:0]       cycle_q, error_at;
  logic [31:0]       error_burst, bursts_q, turn_q;
  logic [ADDR_W-1:0] addrs [NUM*QUEUE];
  logic [7:0]        lens [NUM*QUEUE];
  logic [63:0]       dues [NUM*QUEUE];
  logic              errors [NUM*QUEUE];
  int                heads_q [NUM], counts_q [NUM], beats_q [NUM];
  logic              any, full;
  int                pick, head, slot, id;

  // what was offered in the cycle before, and not taken
  logic                           held_q;
  logic [ID_W + ADDR_W + 12:0]    held_payload_q;
  wire  [ID_W + ADDR_W + 12:0]    payload = {arid, araddr, arlen, arsize, arburst};
  logic [7:0]                     found;

  dram_pauses #(.CHANNEL(8*PORT)) u_ar (.clk, .rst, .pause(ar_pause), .latency(latency));
  dram_pauses #(.CHANNEL(8*PORT + 1)) u_r (.clk, .rst, .pause(r_pause), .latency(unused_latency));

  initial begin
    if (!$value$plusargs("read_error_at=%d", error_at)) error_at = '1;
    if (!$value$plusargs("read_error_burst=%d", error_burst)) error_burst = 0;
  end

  always_comb begin
    any  = 1'b0;
    full = 1'b0;
    pick = 0;
    for (int i = 0; i < NUM; i++) begin
      id = (i + int'(turn_q)) % NUM;
      if (!any && counts_q[id] != 0 && dues[QUEUE*id + heads_q[id]] <= cycle_q) begin
        any  = 1'b1;
        pick = id;
      end
      if (counts_q[id] >= QUEUE - 1) full = 1'b1;
    end
    head = QUEUE*pick + heads_q[pick];
    addr = addrs[head] + ADDR_W'(beats_q[pick] * BYTES);
  end

  assign want  = any && (!rvalid || rready) && !r_pause;
  assign begun = arvalid && arready;
  assign ended = rvalid && rready && rlast;

  always_comb begin
    found = dram_pkg::NONE;
    if (held_q && (!arvalid || payload != held_payload_q)) found = dram_pkg::UNSTABLE;
    else if (begun) begin
      found = dram_pkg::burst_rule(64'(araddr), arlen, arsize, arburst, int'(arid), BYTES, MAX_BURST, IDS, 64'(SIZE));
    end
  end

  always_ff @(posedge clk) begin
    cycle_q        <= cycle_q + 1;
    // Behind each burst the next ID is asked first, so that none waits for ever; where latencies are random, at any time.
    turn_q         <= turn_q + 32'(latency[0]) + 32'(granted && beats_q[pick] == int'(lens[head]));
    arready        <= !ar_pause && !full;
    held_q         <= arvalid && !arready;
    held_payload_q <= payload;

    if (begun) begin
      slot = QUEUE*int'(arid) + (heads_q[arid] + counts_q[arid]) % QUEUE;
      addrs[slot]    <= araddr;
      lens[slot]     <= arlen;
      dues[slot]     <= cycle_q + 64'(latency);
      errors[slot]   <= bursts_q + 1 == error_burst;
      counts_q[arid] <= counts_q[arid] + 1;
      bursts_q       <= bursts_q + 1;
    end
    if (rready) rvalid <= 1'b0;
    if (granted) begin
      rvalid <= 1'b1;
      rid    <= ID_W'(pick);
      rdata  <= data;
      rlast  <= beats_q[pick] == int'(lens[head]);
      rresp  <= errors[head] ? 2'b11 : error_at - 64'(addr) < 64'(BYTES) ? 2'b10 : 2'b00;
      beats_q[pick] <= beats_q[pick] + 1;
      if (beats_q[pick] == int'(lens[head])) begin
        beats_q[pick]  <= 0;
        heads_q[pick]  <= (heads_q[pick] + 1) % QUEUE;
        counts_q[pick] <= counts_q[pick] - 1 + 32'(begun && int'(arid) == pick);
        ended_addr     <= addrs[head];
        ended_len      <= lens[head];
      end
    end

    if (rst) begin
      cycle_q  <= 0;
      turn_q   <= 0;
      arready  <= 1'b0;
      rvalid   <= 1'b0;
      held_q   <= 1'b0;
      bursts_q <= 0;
      rule     <= dram_pkg::NONE;
      for (int i = 0; i < NUM; i++) begin
        heads_q[i]  <= 0;
        counts_q[i] <= 0;
        beats_q[i]  <= 0;
      end
    end else if (found != dram_pkg::NONE) begin
      rule <= found;
      $display("dram_model: port %0d, AR: %s: address %h, %0d beats, ID %0d",
               PORT, dram_pkg::text(found), araddr, 32'(arlen) + 1, arid);
      $stop;
    end
  end

endmodule

`default_nettype wire
