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

// in_order: what leaves is what entered, each beat once, in order; never more than CAPACITY beats are inside.
//
// The solver picks any beat that enters and follows it: `ahead` beats must leave before it. If that beat, any beat,
// leaves at its turn and unchanged, then all do.
module in_order #(
  parameter int WIDTH    = 1,
  parameter int CAPACITY = 1
) (
  input  wire logic             clk, rst, checked,
  input  wire logic [WIDTH-1:0] s_tdata,
  input  wire logic             push,
  input  wire logic [WIDTH-1:0] m_tdata,
  input  wire logic             m_tvalid, pop,

  output      logic [7:0]       inside,
  output      logic             followed,
  output      logic [7:0]       ahead,
  output      logic [WIDTH-1:0] word
);

  (* anyseq *) logic pick;

  always_ff @(posedge clk) begin
    inside <= inside + 8'(push) - 8'(pop);
    if (followed) begin
      ahead    <= ahead - 8'(pop);
      followed <= !(pop && ahead == '0);
    end else begin
      ahead    <= inside - 8'(pop);
      followed <= pick && push;
      word     <= s_tdata;
    end
    if (rst) begin
      inside   <= '0;
      followed <= 1'b0;
    end
  end

  always_comb if (checked) begin
    assert (inside <= CAPACITY);
    assert (!m_tvalid || inside != '0);
    assert (!(m_tvalid && followed && ahead == '0) || m_tdata == word);
    assert (!followed || ahead < inside);
  end

endmodule

`default_nettype wire
