// What Yosys 0.70 makes a wrong netlist of for AMD's 7 series, in its pass xilinx_dsp.

// The register of a sum of products, one bit wider than the sum: the DSP48E1's P register replaces it, and the bit
// that repeats the sign has no driver any more.
module sign_lost (
  input clk,
  input signed [7:0] x, w, x2, w2,
  input signed [23:0] t,
  output reg signed [23:0] y
);
  wire signed [8:0] wide = {x[7], x}, wide2 = {x2[7], x2};
  reg signed [16:0] p, q;
  reg signed [17:0] s;
  wire signed [17:0] sum = p + q;

  always @(posedge clk) begin
    p <= wide * w;
    q <= wide2 * w2;
    s <= sum;
    y <= s + t;
  end
endmodule

// A register before a DSP48E1 and an addition behind it: both are packed into the slice, whose own registers are in use.
module packed_twice (
  input clk,
  input signed [7:0] x, w,
  input signed [23:0] t,
  output reg [23:0] y
);
  reg signed [7:0] x_q;
  wire [47:0] p;

  always @(posedge clk) begin
    x_q <= x;
    y   <= p[23:0] + t;
  end

  DSP48E1 #(
    .AREG(1), .ACASCREG(1), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1), .ADREG(0), .DREG(0), .CREG(0),
    .CARRYINREG(0), .CARRYINSELREG(0), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0), .USE_DPORT("FALSE")
  ) u_dsp (
    .CLK(clk), .CEA1(1'b0), .CEA2(1'b1), .CEB1(1'b0), .CEB2(1'b1), .CEM(1'b1), .CEP(1'b1),
    .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0), .RSTP(1'b0), .A({{22{x_q[7]}}, x_q}), .B({{10{w[7]}}, w}), .C(48'b0),
    .D(25'b0), .P(p), .INMODE(5'b0), .ALUMODE(4'b0), .OPMODE(7'b0000101), .CARRYINSEL(3'b0), .CARRYIN(1'b0),
    .ACIN(30'b0), .BCIN(18'b0), .PCIN(48'b0)
  );
endmodule
