// block_memories: memories in block RAM with registers behind, of which all but the last may become the blocks' own.
// blocks: the same as RTL, as a netlist, and with registers moved into the blocks; cycles in which outputs differ.

`default_nettype none

module block_memories (
  input  wire logic        clk,
  input  wire logic        en,
  input  wire logic        take,
  input  wire logic [11:0] at,       // word that is written
  input  wire logic [11:0] from,     // word that is read
  input  wire logic [17:0] data,
  output      logic [4:0]  deep_q,
  output      logic [17:0] wide_q,
  output      logic [17:0] stored_q,
  output      logic [71:0] both_q,
  output      logic [35:0] fixed_q,
  output      logic [8:0]  twice_q,
  output      logic [8:0]  again_q
);

  logic [4:0]  deep;
  logic [17:0] wide, stored;
  logic [8:0]  twice;
  logic [71:0] both;   // of two blocks, whose words are read at the pins of both ports
  logic [35:0] fixed;  // of one that nobody writes: its port A has no clock of its own

  rvg_ram_1r1w #(.WIDTH(72), .DEPTH(256)) u_both (
    .clk, .wr_en(1'b1), .wr_addr(at[7:0]), .wr_data({data, ~data, data + 18'd5, data ^ 18'h2aaaa}), .rd_en(en),
    .rd_addr(from[7:0]), .rd_data(both)
  );

  rvg_rom #(.WIDTH(5), .DEPTH(4000), .FILE("deep.mem")) u_deep (.clk, .en, .addr(from % 12'd4000), .data(deep));
  rvg_rom #(.WIDTH(36), .DEPTH(512), .FILE("fixed.mem")) u_fixed (.clk, .en, .addr(from[8:0]), .data(fixed));
  rvg_rom #(.WIDTH(18), .DEPTH(512), .FILE("wide.mem")) u_wide (.clk, .en, .addr(from[8:0]), .data(wide));
  rvg_ram_1r1w #(.WIDTH(18), .DEPTH(512)) u_stored (
    .clk, .wr_en(1'b1), .wr_addr(at[8:0]), .wr_data(data), .rd_en(en), .rd_addr(from[8:0]), .rd_data(stored)
  );
  rvg_ram_1r1w #(.WIDTH(9), .DEPTH(1024)) u_twice (
    .clk, .wr_en(1'b1), .wr_addr(at[9:0]), .wr_data(data[8:0]), .rd_en(en), .rd_addr(from[9:0]), .rd_data(twice)
  );

  always_ff @(posedge clk) begin
    deep_q  <= deep;
    twice_q <= twice;
    if (take) wide_q <= wide;
    if (take) stored_q <= stored;
    if (take) both_q <= both;
    if (take) fixed_q <= fixed;
    if (take) again_q <= twice;
  end

endmodule

`ifndef SYNTHESIS
module blocks (
  input  wire logic clk,
  output logic [31:0] netlist_differs,
  output logic [31:0] moved_differs
);

  logic [63:0] r = 64'h9e3779b97f4a7c15;
  logic [12:0] cycle_q = '0;
  wire         settled = cycle_q[12];  // every word has been written
  wire [11:0]  from = cycle_q[11:0] + {r[10:0], 1'b1};  // never the word that is written

  function automatic logic [63:0] after(input logic [63:0] now);
    after = now;
    for (int i = 0; i < 37; i++) after = {after[62:0], after[63] ^ after[62] ^ after[60] ^ after[59]};
  endfunction

  always_ff @(posedge clk) begin
    r       <= after(r);
    cycle_q <= settled ? {1'b1, cycle_q[11:0] + 1'b1} : cycle_q + 1'b1;
  end

  wire [166:0] rtl, net, moved;

  block_memories u_rtl (
    .clk, .en(r[20]), .take(r[21]), .at(cycle_q[11:0]), .from, .data(r[45:28]),
    .deep_q(rtl[4:0]), .wide_q(rtl[22:5]), .stored_q(rtl[40:23]), .twice_q(rtl[49:41]), .again_q(rtl[58:50]), .both_q(rtl[130:59]),
    .fixed_q(rtl[166:131])
  );
  net_before u_net (
    .clk, .en(r[20]), .take(r[21]), .at(cycle_q[11:0]), .from, .data(r[45:28]),
    .deep_q(net[4:0]), .wide_q(net[22:5]), .stored_q(net[40:23]), .twice_q(net[49:41]), .again_q(net[58:50]), .both_q(net[130:59]),
    .fixed_q(net[166:131])
  );
  net_moved u_moved (
    .clk, .en(r[20]), .take(r[21]), .at(cycle_q[11:0]), .from, .data(r[45:28]),
    .deep_q(moved[4:0]), .wide_q(moved[22:5]), .stored_q(moved[40:23]), .twice_q(moved[49:41]), .again_q(moved[58:50]), .both_q(moved[130:59]),
    .fixed_q(moved[166:131])
  );

  initial {netlist_differs, moved_differs} = '0;
  always_ff @(posedge clk) if (settled) begin
    netlist_differs <= netlist_differs + 32'(rtl != net);
    moved_differs   <= moved_differs + 32'(rtl != moved);
  end

endmodule
`endif

`default_nettype wire
