// SPDX-License-Identifier: Apache-2.0
// rvg_engine_store_order: which instructions are stored, in the order in which they came.
//
//   stored_count    instructions that are stored, and all before them, modulo 2^16; a linear layer counts as soon as it may begin
//   stored_channels channels of the next one that are acknowledged; 0 while that one stores no map
//
// In     : `begins` for each instruction that is accepted, where begin_ok; `ends` when its last batch is taken (of a linear
//          one at once), with {kind, channels}; write_done for each channel, pool_done, linear_done, in order each. What is
//          done before its turn waits here.
// Linear : linear_go from when all before it is stored, so that all sums are complete, until linear_done: it holds up none of
//          the instructions behind it but another one. linear_pending while any is on its way.
// Memory : DEPTH instructions and one.  Rate: one instruction a cycle.

`default_nettype none

module rvg_engine_store_order #(
  parameter int DEPTH = 16
) (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic        begins,
  output      logic        begin_ok,

  input  wire logic [17:0] ends_data,
  input  wire logic        ends,

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

  if (DEPTH < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic [1:0]         kind;
  logic [15:0]        channels;
  logic               waits, retire, of_map, room;
  logic [19:0]        acknowledged_q;    // channels, of this instruction and of later ones
  logic [COUNT_W-1:0] pools_q, linears_q;
  logic [COUNT_W-1:0] places_q;          // instructions that began and are not stored: the FIFO has one for each
  logic               ends_q;
  logic [17:0]        ends_data_q;

  always_ff @(posedge clk) begin
    ends_q      <= ends;
    ends_data_q <= ends_data;
    places_q    <= places_q + COUNT_W'(begins) - COUNT_W'(retire);
    begin_ok    <= places_q < COUNT_W'(DEPTH);  // one more may begin in this cycle
    if (rst) begin
      ends_q   <= 1'b0;
      begin_ok <= 1'b0;
      places_q <= '0;
    end
  end

  rvg_fifo #(.WIDTH(18), .DEPTH(DEPTH + 1)) u_fifo (
    .clk, .rst, .s_axis_tdata(ends_data_q), .s_axis_tvalid(ends_q), .s_axis_tready(room),
    .m_axis_tdata({kind, channels}), .m_axis_tvalid(waits), .m_axis_tready(retire)
  );

  assign of_map         = kind == MAP;
  assign linear_pending = linears_q != '0;

  always_comb begin
    case (kind)
      MAP:     retire = waits && acknowledged_q >= 20'(channels);
      POOL:    retire = waits && pools_q != '0;
      default: retire = waits && !linear_go;
    endcase
  end

  assign stored_channels = waits && !of_map ? '0 : acknowledged_q[15:0];

  always_ff @(posedge clk) begin
    acknowledged_q <= acknowledged_q + 20'(write_done) - (retire && of_map ? 20'(channels) : '0);
    pools_q        <= pools_q + COUNT_W'(pool_done) - COUNT_W'(retire && kind == POOL);
    linears_q      <= linears_q + COUNT_W'(ends_q && ends_data_q[17:16] == LINEAR)
                                - COUNT_W'(linear_done);
    if (retire) stored_count <= stored_count + 1'b1;
    if (linear_done) linear_go <= 1'b0;
    if (retire && kind == LINEAR) linear_go <= 1'b1;
    if (rst) begin
      acknowledged_q <= '0;
      pools_q        <= '0;
      linears_q      <= '0;
      stored_count   <= '0;
      linear_go      <= 1'b0;
    end
  end

  wire unused = &{1'b0, room};

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_store_order: a linear layer was done that did not begin")) u_assert_linear (
    .clk, .rst, .holds(!linear_done || linear_go)
  );
  rvg_assert #(.TEXT("rvg_engine_store_order: an instruction ended that has no place")) u_assert_room (
    .clk, .rst, .holds(!ends_q || room)
  );
`endif

endmodule

`default_nettype wire
