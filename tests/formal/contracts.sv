// What a stream promises, written without a look at any unit: the harnesses connect these to a unit's ports.
//
// Counters that wrap are wider than what is proven of them, so that they cannot wrap.

`default_nettype none

// held: a beat that is not taken stays as it is.
module held #(
  parameter int WIDTH = 1
) (
  input wire logic             clk, rst, checked,
  input wire logic [WIDTH-1:0] tdata,
  input wire logic             tvalid, tready
);

  logic             waits_q;
  logic [WIDTH-1:0] data_q;

  always_ff @(posedge clk) begin
    waits_q <= tvalid && !tready && !rst;
    data_q  <= tdata;
  end

  always_comb if (checked && waits_q) assert (tvalid && tdata == data_q);

endmodule

// in_order: what leaves is what entered, each lane once, in order; never more than CAPACITY lanes are inside.
//
// The solver picks any lane that enters and follows it: `ahead` lanes must leave before it. If that lane, any lane,
// leaves at its turn and unchanged, then all do.
module in_order #(
  parameter int WIDTH     = 1,  // of a lane
  parameter int IN_LANES  = 1,
  parameter int OUT_LANES = 1,
  parameter int CAPACITY  = 1
) (
  input  wire logic                       clk, rst, checked,
  input  wire logic [WIDTH*IN_LANES-1:0]  s_tdata,
  input  wire logic                       push,
  input  wire logic [WIDTH*OUT_LANES-1:0] m_tdata,
  input  wire logic                       m_tvalid, pop,

  output      logic [7:0]                 inside,
  output      logic                       followed,
  output      logic [7:0]                 ahead,
  output      logic [WIDTH-1:0]           word
);

  (* anyseq *) logic [7:0] pick;

  logic [7:0] entering, leaving;

  assign entering = push ? IN_LANES : 0;
  assign leaving  = pop ? OUT_LANES : 0;

  always_ff @(posedge clk) begin
    inside <= inside + entering - leaving;
    if (followed) begin
      ahead    <= ahead - leaving;
      followed <= ahead >= leaving;
    end else begin
      ahead    <= inside + pick - leaving;
      followed <= pick < entering;
      word     <= s_tdata[WIDTH*pick +: WIDTH];
    end
    if (rst) begin
      inside   <= '0;
      followed <= 1'b0;
    end
  end

  always_comb if (checked) begin
    assert (inside <= CAPACITY);
    assert (!m_tvalid || inside >= OUT_LANES);
    assert (!(m_tvalid && followed && ahead < OUT_LANES) || m_tdata[WIDTH*ahead +: WIDTH] == word);
    assert (!followed || ahead < inside);
  end

endmodule

`default_nettype wire
