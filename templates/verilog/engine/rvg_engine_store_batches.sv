// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store_batches: counts an instruction's channels, batch by batch, up to the last.
//
//   channels = GROUPS * ((REPEATS - 1) * PO + OUT_LANES)
//
// Order  : groups; sets of PO channels, the group's last one of OUT_LANES; batches of a set. A batch never has channels
//          of two sets: it is short where its set ends.
// Rate   : one batch a cycle. `last` and `count` belong to the batch that is taken in this cycle.

`default_nettype none

module rvg_engine_store_batches #(
  parameter int PO      = 2,
  parameter int COUNT_W = 2
) (
  input  wire logic               clk,
  input  wire logic               rst,

  input  wire logic               start,
  input  wire logic [15:0]        groups,
  input  wire logic [15:0]        repeats,    // sets of a group
  input  wire logic [7:0]         out_lanes,  // channels of a group's last set

  input  wire logic               take,
  input  wire logic [COUNT_W-1:0] channels,
  output      logic               busy,
  output      logic               last,
  output      logic [15:0]        count       // channels up to this batch
);

  if (PO < 1 || PO > 255 || COUNT_W < 1 || COUNT_W > 8) begin : g_check_channels
    rvg_error_set_of_1_to_255_channels u_error ();
  end

  logic [15:0] repeats_q, sets_q, groups_q, count_q;  // sets, groups: those after this one
  logic [7:0]  out_lanes_q, left_q;                   // channels left of the set
  logic        set_end;
  logic        last_group, last_set, next_is_last;    // this one, and the set after it: registers, needed early
  logic        one_set_q, two_sets_q;

  assign set_end = left_q == 8'(channels);
  assign last    = set_end && last_set && last_group;
  assign count   = count_q + 16'(channels);

  always_ff @(posedge clk) begin
    if (take) begin
      count_q <= count;
      left_q  <= left_q - 8'(channels);
      if (set_end) begin
        last_set     <= next_is_last;
        next_is_last <= one_set_q || (last_set ? two_sets_q : sets_q == 16'd2);
        sets_q       <= (last_set ? repeats_q : sets_q) - 1'b1;
        left_q       <= next_is_last ? out_lanes_q : 8'(PO);
        if (last_set) begin
          groups_q   <= groups_q - 1'b1;
          last_group <= groups_q == 16'd1;
        end
      end
      if (last) busy <= 1'b0;
    end
    if (start) begin
      busy         <= 1'b1;
      repeats_q    <= repeats;
      out_lanes_q  <= out_lanes;
      sets_q       <= repeats - 1'b1;
      last_set     <= repeats == 16'd1;
      next_is_last <= repeats <= 16'd2;
      one_set_q    <= repeats == 16'd1;
      two_sets_q   <= repeats == 16'd2;
      last_group   <= groups == 16'd1;
      groups_q     <= groups - 1'b1;
      left_q       <= repeats == 16'd1 ? out_lanes : 8'(PO);
      count_q      <= '0;
    end
    if (rst) busy <= 1'b0;
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_store_batches: a batch has channels that its set does not have")) u_assert_set (
    .clk, .rst, .holds(!take || busy && channels != '0 && 8'(channels) <= left_q)
  );
`endif

endmodule

`default_nettype wire
