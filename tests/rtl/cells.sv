// cells: models of cells against each other, and two faults of Yosys 0.70 beside what it was given.
//
// Random operands from a shift register; each `differs` counts cycles in which a pair's outputs are not equal.

`default_nettype none

module cells (
  input  wire logic clk,
  output logic [17:0] models_differ,  // which depths of registers do
  output logic [31:0] sign_differs,
  output logic [31:0] packing_differs
);

  logic [127:0] r = 128'h9e3779b97f4a7c15_f39cc0605cedc834;
  logic [9:0]   cycle_q = '0;
  wire          settled = cycle_q[3];  // long after the first operands are through

  function automatic logic [127:0] after(input logic [127:0] now);
    after = now;
    for (int i = 0; i < 61; i++) after = {after[126:0], after[127] ^ after[125] ^ after[100] ^ after[98]};
  endfunction

  always_ff @(posedge clk) begin
    r       <= after(r);
    cycle_q <= settled ? cycle_q : cycle_q + 1'b1;
  end

  // ---- the model of DSP48E2 and Yosys' of DSP48E1, in every depth of registers
  logic [17:0] unequal;

  for (genvar i = 0; i < 18; i++) begin : g_pair
    localparam int AB = i % 3, M = i / 3 % 2, Z = i / 6;  // Z: nothing, PCIN, C
    wire [47:0] one, two;
    wire [6:0]  opmode = {Z == 0 ? 3'b000 : Z == 1 ? 3'b001 : 3'b011, 4'b0101};

    DSP48E1 #(
      .AREG(AB), .BREG(AB), .ACASCREG(AB), .BCASCREG(AB), .MREG(M), .PREG(1), .CREG(0), .ADREG(0), .DREG(0),
      .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0), .USE_DPORT("FALSE")
    ) u_e1 (
      .CLK(clk), .A({{5{r[24]}}, r[24:0]}), .B(r[42:25]), .C(r[90:43]), .PCIN(~r[90:43]), .D('0), .P(one),
      .CEA1(r[91]), .CEA2(r[92]), .CEB1(r[93]), .CEB2(r[94]), .CEM(r[95]), .CEP(r[96]), .RSTA(&r[99:97]),
      .RSTB(&r[102:100]), .RSTM(&r[105:103]), .RSTP(&r[108:106]), .INMODE('0), .ALUMODE('0), .OPMODE(opmode),
      .CARRYINSEL('0), .CARRYIN(1'b0)
    );
    DSP48E2 #(
      .AREG(AB), .BREG(AB), .ACASCREG(AB), .BCASCREG(AB), .MREG(M), .PREG(1), .CREG(0), .ADREG(0), .DREG(0),
      .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0)
    ) u_e2 (
      .CLK(clk), .A({{5{r[24]}}, r[24:0]}), .B(r[42:25]), .C(r[90:43]), .PCIN(~r[90:43]), .D('0), .P(two),
      .CEA1(r[91]), .CEA2(r[92]), .CEB1(r[93]), .CEB2(r[94]), .CEM(r[95]), .CEP(r[96]), .RSTA(&r[99:97]),
      .RSTB(&r[102:100]), .RSTM(&r[105:103]), .RSTP(&r[108:106]), .INMODE('0), .ALUMODE('0), .OPMODE({2'b00, opmode}),
      .CARRYINSEL('0), .CARRYIN(1'b0)
    );
    assign unequal[i] = one != two;
  end

  // ---- Yosys' faults
  wire [23:0] sum, net_sum, packed_sum, net_packed_sum;

  sign_lost      u_sign   (.clk, .x(r[7:0]), .w(r[15:8]), .x2(r[23:16]), .w2(r[31:24]), .t(r[55:32]), .y(sum));
  net_sign_lost  u_net    (.clk, .x(r[7:0]), .w(r[15:8]), .x2(r[23:16]), .w2(r[31:24]), .t(r[55:32]), .y(net_sum));
  packed_twice     u_packed (.clk, .x(r[7:0]), .w(r[15:8]), .t(r[55:32]), .y(packed_sum));
  net_packed_twice u_net_packed (.clk, .x(r[7:0]), .w(r[15:8]), .t(r[55:32]), .y(net_packed_sum));

  initial begin
    models_differ = '0;
    {sign_differs, packing_differs} = '0;
  end
  always_ff @(posedge clk) begin
    if (settled) begin
      models_differ   <= models_differ | unequal;
      sign_differs    <= sign_differs + 32'(sum != net_sum);
      packing_differs <= packing_differs + 32'(packed_sum != net_packed_sum);
    end
  end

endmodule

`default_nettype wire
