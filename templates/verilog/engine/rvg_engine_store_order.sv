// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store_order: which instructions are stored, in the order in which they came.
//
//   stored_count    instructions that are stored, and all before them, modulo 2^16
//   stored_channels channels of the next one that are acknowledged; 0 while that one stores no map
//
// In     : s_axis, {kind, channels} of instructions whose last batch was taken (a linear one at once); write_done for
//          each channel, pool_done, linear_done, in order each. What is done before its turn waits here.
// Linear : linear_go while the oldest instruction that is not stored is a linear one: all sums are complete then.
//          linear_pending while any is on its way.
// Memory : DEPTH instructions.  Rate: one instruction a cycle.

`default_nettype none

module rvg_engine_store_order #(
  parameter int DEPTH = 16
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic [17:0] s_axis_tdata,
  input  wire logic        s_axis_tvalid,
  output      logic        s_axis_tready,

  input  wire logic        write_done,
  input  wire logic        pool_done,
  input  wire logic        linear_done,
  output      logic        linear_go,
  output      logic        linear_pending,

  output      logic [15:0] stored_count,
  output      logic [15:0] stored_channels
);

  localparam logic [1:0] MAP    = 2'd0;
  localparam logic [1:0] POOL   = 2'd1;
  localparam logic [1:0] LINEAR = 2'd2;

  localparam int COUNT_W = $clog2(DEPTH + 2);

  logic [1:0]         kind;
  logic [15:0]        channels;
  logic               waits, retire, of_map;
  logic [19:0]        acknowledged_q;    // channels, of this instruction and of later ones
  logic [COUNT_W-1:0] pools_q, linears_q;

  rvg_fifo #(.WIDTH(18), .DEPTH(DEPTH)) u_fifo (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata({kind, channels}), .m_axis_tvalid(waits), .m_axis_tready(retire)
  );

  assign of_map         = kind == MAP;
  assign linear_go      = waits && kind == LINEAR;
  assign linear_pending = linears_q != '0;

  always_comb begin
    case (kind)
      MAP:     retire = waits && acknowledged_q >= 20'(channels);
      POOL:    retire = waits && pools_q != '0;
      default: retire = waits && linear_done;
    endcase
  end

  assign stored_channels = waits && !of_map ? '0 : acknowledged_q[15:0];

  always_ff @(posedge clk) begin
    acknowledged_q <= acknowledged_q + 20'(write_done) - (retire && of_map ? 20'(channels) : '0);
    pools_q        <= pools_q + COUNT_W'(pool_done) - COUNT_W'(retire && kind == POOL);
    linears_q      <= linears_q + COUNT_W'(s_axis_tvalid && s_axis_tready && s_axis_tdata[17:16] == LINEAR)
                                - COUNT_W'(linear_done);
    if (retire) stored_count <= stored_count + 1'b1;
    if (rst) begin
      acknowledged_q <= '0;
      pools_q        <= '0;
      linears_q      <= '0;
      stored_count   <= '0;
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_store_order: a linear layer was done out of its turn")) u_assert_linear (
    .clk, .rst, .holds(!linear_done || linear_go)
  );
`endif

endmodule

`default_nettype wire
