// SPDX-License-Identifier: Apache-2.0
// rvg_engine_sequencer: which word meets which weights, and where the products are added.
//
//   for each group, for each set of outputs of it, for each word of its inputs, for each tile of the strip:
//     sum[tile] += word * weights        (the first word begins it; with the last it goes to a half of the accumulators)
//
// Order  : instructions (rvg_engine_pkg, op conv) as they come; docs/engine.md has the whole order of work.
// Data   : words lie in the data memory, a ring, as they came. One is read as soon as it is written; after its last
//          reading, in its group's last set, it is `released` and may be overwritten.
// Sets   : alternate between the two halves of accumulators; a set's last word waits until its half was drained.
// Spacing: two words of a tile come SPACING cycles after each other or more, as many as a set of weights takes: so long
//          is a sum on its way through rvg_engine_array. Strips of fewer tiles wait for that where a word was late.
// Rate   : one word a cycle; a strip begins one cycle after the last one's end.
// Latency: word_rd_en to in_valid: 2 cycles, those of rvg_engine_words. set_take comes a cycle before in_valid.

`default_nettype none

module rvg_engine_sequencer #(
  parameter int T_MAX      = 4,
  parameter int WORD_DEPTH = 768,
  localparam int COUNT_W   = $clog2(WORD_DEPTH + 1),
  localparam int ADDR_W    = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1,
  localparam int TILE_W    = T_MAX > 1 ? $clog2(T_MAX) : 1,
  localparam int SPACING   = 4
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [1023:0]     s_axis_tdata,  // instruction
  input  wire logic              s_axis_tvalid,
  output      logic              s_axis_tready,

  input  wire logic              written,       // a word is written into the data memory
  output      logic              released,      // the oldest word of it is dead
  output      logic              word_rd_en,
  output      logic [ADDR_W-1:0] word_rd_addr,

  input  wire logic              set_soon,      // a set of weights is there in the next cycle, unless it is taken now
  output      logic              set_take,

  input  wire logic              half_free,     // a half of the accumulators was drained
  output      logic              in_valid,
  output      logic [TILE_W-1:0] in_tile,
  output      logic              in_half,
  output      logic              in_first,      // begins the tile's sum
  output      logic              in_ends,       // completes it
  output      logic              in_last        // and those of all tiles
);

  if (T_MAX < 1 || WORD_DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  // ---- the instruction that is at work
  logic              busy_q;
  logic [TILE_W-1:0] tile_last_q;
  logic [15:0]       word_last_q, set_last_q, group_last_q;
  logic [1:0]        gap_q;        // cycles from a word's last tile to the next word, but one

  // ---- where it stands
  logic [TILE_W-1:0]  tile_q;
  logic [15:0]        word_q, set_q, group_q;
  logic [ADDR_W-1:0]  address_q, address_next, group_base_q;
  logic [COUNT_W-1:0] place_q;   // of the word, from the oldest one that is not released
  logic [COUNT_W-1:0] count_q;   // words that are written and not released
  logic               sums_half_q;
  logic [1:0]         free_q;    // halves of accumulators
  logic [1:0]         wait_q;    // cycles until the next word may begin

  logic tile_first, tile_last, word_first, sums_first;
  logic word_last, set_last, group_last;  // registers beside their counters: they decide what is issued
  logic data_ok, weights_ok, sums_ok, issue, strip_end;

  assign tile_first = tile_q == '0;
  assign tile_last  = tile_q == tile_last_q;
  assign word_first = word_q == '0;
  assign sums_first = tile_first && word_last;

  assign data_ok    = place_q < count_q;
  assign weights_ok = !tile_first || set_soon && wait_q == '0;
  assign sums_ok    = !sums_first || free_q != '0;
  assign issue      = busy_q && data_ok && weights_ok && sums_ok;
  assign strip_end  = issue && tile_last && word_last && set_last && group_last;

  assign s_axis_tready = !busy_q;
  assign word_rd_en    = issue;
  assign word_rd_addr  = address_q;
  assign address_next  = address_q == ADDR_W'(WORD_DEPTH - 1) ? '0 : address_q + 1'b1;

  always_ff @(posedge clk) begin
    if (s_axis_tvalid && s_axis_tready) begin
      tile_last_q  <= TILE_W'(s_axis_tdata[rvg_engine_pkg::TILES +: 8] - 1'b1);
      gap_q        <= s_axis_tdata[rvg_engine_pkg::TILES +: 8] < 8'(SPACING)
                      ? 2'(SPACING) - s_axis_tdata[rvg_engine_pkg::TILES +: 2] : '0;
      word_last_q  <= s_axis_tdata[rvg_engine_pkg::WORDS +: 16] - 1'b1;
      set_last_q   <= s_axis_tdata[rvg_engine_pkg::REPEATS +: 16] - 1'b1;
      group_last_q <= s_axis_tdata[rvg_engine_pkg::GROUPS +: 16] - 1'b1;
      word_last    <= s_axis_tdata[rvg_engine_pkg::WORDS +: 16] == 16'd1;
      set_last     <= s_axis_tdata[rvg_engine_pkg::REPEATS +: 16] == 16'd1;
      group_last   <= s_axis_tdata[rvg_engine_pkg::GROUPS +: 16] == 16'd1;
      busy_q       <= 1'b1;
    end

    if (issue) begin
      tile_q    <= tile_last ? '0 : tile_q + 1'b1;
      address_q <= address_next;
      if (!set_last) place_q <= place_q + 1'b1;
      if (tile_last) begin
        word_q    <= word_last ? '0 : word_q + 1'b1;
        word_last <= word_last ? word_last_q == '0 : word_q + 1'b1 == word_last_q;
        if (word_last) begin
          sums_half_q <= !sums_half_q;
          set_q       <= set_last ? '0 : set_q + 1'b1;
          set_last    <= set_last ? set_last_q == '0 : set_q + 1'b1 == set_last_q;
          place_q     <= '0;
          if (set_last) begin
            group_q      <= group_last ? '0 : group_q + 1'b1;
            group_last   <= group_last ? group_last_q == '0 : group_q + 1'b1 == group_last_q;
            group_base_q <= address_next;
          end else begin
            address_q    <= group_base_q;
          end
        end
      end
    end
    if (strip_end) busy_q <= 1'b0;
    if (wait_q != '0) wait_q <= wait_q - 1'b1;
    if (issue && tile_last) wait_q <= gap_q;
    count_q <= count_q + COUNT_W'(written) - COUNT_W'(issue && set_last);
    free_q <= free_q + 2'(half_free) - 2'(issue && sums_first);

    if (rst) begin
      busy_q       <= 1'b0;
      tile_q       <= '0;
      word_q       <= '0;
      set_q        <= '0;
      group_q      <= '0;
      address_q    <= '0;
      group_base_q <= '0;
      place_q      <= '0;
      count_q      <= '0;
      sums_half_q  <= 1'b0;
      free_q       <= 2'd2;
      wait_q       <= '0;
    end
  end

  // ---- beside the data memory: address, its output, its output register
  logic [TILE_W-1:0] at_q;
  logic              issue_q, half_q, first_q, ends_q, last_q;

  always_ff @(posedge clk) begin
    at_q      <= tile_q;
    half_q    <= sums_half_q;
    first_q   <= word_first;
    ends_q    <= word_last;
    last_q    <= tile_last && word_last;
    in_tile   <= at_q;
    in_half   <= half_q;
    in_first  <= first_q;
    in_ends   <= ends_q;
    in_last   <= last_q;
    issue_q   <= issue;
    in_valid  <= issue_q;
    set_take  <= issue && tile_first;
    released  <= issue && set_last;
    if (rst) begin
      issue_q  <= 1'b0;
      in_valid <= 1'b0;
      set_take <= 1'b0;
      released <= 1'b0;
    end
  end

  wire unused = &{1'b0, s_axis_tdata};

`ifdef RVG_ASSERT
  logic soon_q;  // the set was announced for this cycle

  always_ff @(posedge clk) soon_q <= set_soon && !set_take;

  rvg_assert #(.TEXT("rvg_engine_sequencer: a set of weights was taken that is not there")) u_assert_set (
    .clk, .rst, .holds(!set_take || soon_q)
  );
  rvg_assert #(.TEXT("rvg_engine_sequencer: the data memory holds more words than it has")) u_assert_words (
    .clk, .rst, .holds(count_q <= COUNT_W'(WORD_DEPTH))
  );
  rvg_assert #(.TEXT("rvg_engine_sequencer: more halves of accumulators are free than there are")) u_assert_free (
    .clk, .rst, .holds(free_q <= 2'd2)
  );
`endif

endmodule

`default_nettype wire
