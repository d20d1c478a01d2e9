// SPDX-License-Identifier: Apache-2.0
// rvg_requant_relu: exact accumulator to activation: bias, scale, round, ReLU.
//
//   y = clamp(((acc + bias) * mult + 2^(shift-1)) >> shift, 0, 2^Y_W - 1)     (>> floors, ties go up)
//
// Golden : repvgg_hw/golden.py, requantize_relu()
// In     : LANES accumulators per beat; no handshake, valid only.
// Table  : ADDRS words of LANES x {mult uint17, bias int[ACC_W]}, lane 0 low, from a ROM with one cycle of latency,
//          read in order beat by beat; after the last word comes word 0.
// Widths : acc and acc + bias fit int[ACC_W] (proven by the plan), shift 1 .. 2^rvg_pkg::SHIFT_W - 1, y uint[Y_W].
// Rounding: behind the shift, where one bit is added, not before it: with h = floor(p / 2^(shift-1)),
//          floor((p + 2^(shift-1)) / 2^shift) = floor((h + 1) / 2).
// Latency: 8 cycles: sum, bias, three of the multiplier, its result, shift, rounding and clamp.

`default_nettype none

module rvg_requant_relu #(
  parameter int LANES   = 1,
  parameter int ADDRS   = 1,
  parameter int ACC_W   = 24,
  parameter int Y_W     = 8,
  localparam int MULT_W = rvg_pkg::MULT_W,
  localparam int ADDR_W = ADDRS > 1 ? $clog2(ADDRS) : 1
) (
  input  wire logic                              clk,
  input  wire logic                              rst,

  input  wire logic                              acc_valid,
  input  wire logic [LANES*ACC_W-1:0]            acc,

  output      logic                              affine_en,
  output      logic [ADDR_W-1:0]                 affine_addr,
  input  wire logic [LANES*(ACC_W+MULT_W)-1:0]   affine_data,
  input  wire logic [rvg_pkg::SHIFT_W-1:0]       shift,

  output      logic                              y_valid,
  output      logic [LANES*Y_W-1:0]              y
);

  localparam int PROD_W = ACC_W + MULT_W + 1;
  localparam int OR_W   = 6;                                     // of one LUT
  localparam int ORS    = PROD_W > Y_W ? (PROD_W - Y_W + OR_W - 1) / OR_W : 1;

  if (LANES < 1 || ADDRS < 1 || ACC_W < 1 || Y_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end
  if (Y_W > 30 || Y_W > ACC_W + MULT_W) begin : g_check_result
    rvg_error_result_wider_than_the_product u_error ();
  end

  logic [LANES*ACC_W-1:0] acc_q;
  logic [6:0]             valid_q;

  assign affine_en = acc_valid;

  always_ff @(posedge clk) begin
    valid_q <= {valid_q[5:0], acc_valid};
    y_valid <= valid_q[6];
    if (acc_valid) begin
      acc_q       <= acc;
      affine_addr <= affine_addr == ADDR_W'(ADDRS - 1) ? '0 : affine_addr + 1'b1;
    end
    if (rst) begin
      valid_q     <= '0;
      y_valid     <= 1'b0;
      affine_addr <= '0;
    end
  end

  for (genvar i = 0; i < LANES; i++) begin : g_lane
    logic signed [ACC_W-1:0]  acc_i, bias, biased_q;
    logic signed [MULT_W:0]   mult, mult_q;
    logic signed [PROD_W-1:0] product, product_q;
    logic signed [PROD_W:0]   halves;            // of the result's step
    logic [Y_W:0]             halves_q, rounded;
    logic                     below_q;           // halves are negative,
    logic [OR_W*ORS-1:0]      above;             // or have more bits than are kept:
    logic [ORS-1:0]           above_q;           // joined a cycle later, as a run-time shift fills this one

    assign acc_i   = acc_q[ACC_W*i +: ACC_W];
    assign bias    = affine_data[(ACC_W+MULT_W)*i +: ACC_W];
    assign mult    = {1'b0, affine_data[(ACC_W+MULT_W)*i + ACC_W +: MULT_W]};
    assign halves  = $signed({product_q, 1'b0}) >>> shift;
    assign above   = (OR_W*ORS)'(halves >>> (Y_W + 1));
    assign rounded = {1'b0, halves_q[Y_W:1]} + (Y_W + 1)'(halves_q[0]);

    rvg_multiply #(.A_W(ACC_W), .B_W(MULT_W + 1), .P_W(PROD_W)) u_multiply (
      .clk, .en(valid_q[3:1]), .a(biased_q), .b(mult_q), .p(product)
    );

    always_ff @(posedge clk) begin
      if (valid_q[0]) begin
        biased_q <= acc_i + bias;
        mult_q   <= mult;
      end
      if (valid_q[4]) product_q <= product;
      if (valid_q[5]) begin
        halves_q <= halves[Y_W:0];
        below_q  <= halves[PROD_W];
        for (int k = 0; k < ORS; k++) above_q[k] <= |above[OR_W*k +: OR_W];
      end
      if (valid_q[6]) begin
        if (below_q)                       y[Y_W*i +: Y_W] <= '0;
        else if (|above_q || rounded[Y_W]) y[Y_W*i +: Y_W] <= '1;
        else                               y[Y_W*i +: Y_W] <= rounded[Y_W-1:0];
      end
    end
  end

endmodule

`default_nettype wire
