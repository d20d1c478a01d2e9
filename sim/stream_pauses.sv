// SPDX-License-Identifier: Apache-2.0
// stream_pauses: when the source and the sink of a bench pause, so that every buffer between them fills and drains.
//
// A round of holds, with a stretch of random pauses after each:
//
//   1. the sink, FILLS times: everything behind it fills, from the last buffer to the first, until the source is
//      stopped too; from the second time on from wherever the random stretch has left it
//   2. the source, after a frame's last beat: everything drains, every ring of rows gives its last row back
//   3. both: what is between them moves on and comes to rest
//   4. the source, wherever it is: rows wait that belong together
//
// A hold lasts until no stream has moved for SETTLE cycles, which must be longer than any unit works without moving
// one: so it is over when nothing can change any more, however large the design. A random stretch lasts up to
// 2 * SETTLE cycles, short and long ones equally often, so that it passes a beat as well as a frame; the source, the
// sink or both pause in it, for single cycles or for up to 63. Rounds follow each other; `complete` rises after one.
//
// +stalls=SEED: reproducible; no pause at all for 0.

`default_nettype none

module stream_pauses #(
  parameter int SETTLE = 1024
) (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic moving,       // some stream of the design moves in this cycle
  input  wire logic frame_start,  // the source's next beat is the first of a frame
  output      logic source_pause,
  output      logic sink_pause,
  output      logic holding,
  output      logic complete
);

  localparam int FILLS = 8, DRAIN = FILLS, BOTH = FILLS + 1, ANYWHERE = FILLS + 2;

  logic [31:0] stalls, random_q;
  logic [31:0] hold_q;       // which hold, or the last one
  logic        flowing_q;    // a random stretch
  logic        complete_q;
  logic [31:0] idle_q, left_q;
  logic        sink_holds, source_holds;
  logic        only_source_q, only_sink_q, long_q;
  logic        source_stops_q, sink_stops_q;  // within a random stretch
  logic [5:0]  source_left_q, sink_left_q;    // and for how long

  initial if (!$value$plusargs("stalls=%d", stalls)) stalls = 0;

  assign sink_holds   = hold_q < FILLS || hold_q == BOTH;
  assign source_holds = hold_q == DRAIN && frame_start || hold_q == BOTH || hold_q == ANYWHERE;
  assign source_pause = stalls != 0 && (flowing_q ? source_stops_q : source_holds);
  assign sink_pause   = stalls != 0 && (flowing_q ? sink_stops_q : sink_holds);
  assign holding      = stalls != 0 && !flowing_q;
  assign complete     = stalls == 0 || complete_q;

  always_ff @(posedge clk) begin
    random_q <= xorshift(random_q);
    idle_q   <= moving ? '0 : idle_q + 1;
    left_q   <= left_q - 1;

    if (source_left_q != 0) source_left_q <= source_left_q - 1;
    else begin
      source_left_q  <= long_q ? random_q[5:0] : '0;
      source_stops_q <= random_q[7:6] == 2'b00 && !only_sink_q;
    end
    if (sink_left_q != 0) sink_left_q <= sink_left_q - 1;
    else begin
      sink_left_q  <= long_q ? random_q[13:8] : '0;
      sink_stops_q <= random_q[14] && !only_source_q;
    end

    if (flowing_q ? left_q == 0 : idle_q >= SETTLE) begin
      flowing_q     <= !flowing_q;
      idle_q        <= '0;
      left_q        <= (random_q >> 8) % (1 << random_q % $clog2(2*SETTLE + 1));
      long_q        <= random_q[8];
      only_source_q <= random_q[10:9] == 2'b01;
      only_sink_q   <= random_q[10:9] == 2'b10;
      if (flowing_q) begin
        hold_q <= hold_q == ANYWHERE ? '0 : hold_q + 1;
        if (hold_q == ANYWHERE) complete_q <= 1'b1;
      end
    end

    if (rst) begin
      random_q       <= stalls * 32'd2654435761 | 32'd1;
      hold_q         <= '0;
      flowing_q      <= 1'b0;
      complete_q     <= 1'b0;
      idle_q         <= '0;
      left_q         <= '0;
      source_left_q  <= '0;
      sink_left_q    <= '0;
      source_stops_q <= 1'b0;
      sink_stops_q   <= 1'b0;
      only_source_q  <= 1'b0;
      only_sink_q    <= 1'b0;
      long_q         <= 1'b0;
    end
  end

  // G. Marsaglia, "Xorshift RNGs", 2003
  function automatic logic [31:0] xorshift(input logic [31:0] x);
    logic [31:0] a, b;
    a = x ^ x << 13;
    b = a ^ a >> 17;
    return b ^ b << 5;
  endfunction

endmodule

`default_nettype wire
