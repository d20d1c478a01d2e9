// dot_slice: up to 8 products and their sum, each in a register: what a short cascade of DSP blocks does.
//
//   sum = sum over i < N of x[i] * w[i]
//
// Widths : x N x X_W (signed if X_SIGNED, else unsigned), w N x int[W_W], sum int[SUM_W], which must hold it.
// Latency: 2 cycles, one result per cycle. The enables mark the cycles worth computing.

`default_nettype none

module dot_slice #(
  parameter int N        = 8,
  parameter int X_W      = 8,
  parameter bit X_SIGNED = 1'b0,
  parameter int W_W      = 8,
  parameter int SUM_W    = 20
) (
  input  wire logic             clk,
  input  wire logic             product_en,
  input  wire logic             sum_en,  // product_en, one cycle later
  input  wire logic [N*X_W-1:0] x,
  input  wire logic [N*W_W-1:0] w,
  output      logic [SUM_W-1:0] sum
);

  localparam int PROD_W = X_W + 1 + W_W;

  logic signed [PROD_W-1:0] product_q [0:N-1];
  logic signed [SUM_W-1:0]  total;

  for (genvar i = 0; i < N; i++) begin : g_multiplier
    logic signed [X_W:0]   x_i;
    logic signed [W_W-1:0] w_i;

    assign x_i = {X_SIGNED && x[X_W*i + X_W-1], x[X_W*i +: X_W]};
    assign w_i = w[W_W*i +: W_W];

    always_ff @(posedge clk) begin
      if (product_en) product_q[i] <= x_i * w_i;
    end
  end

  always_comb begin
    total = '0;
    for (int i = 0; i < N; i++) total = total + SUM_W'(product_q[i]);
  end

  always_ff @(posedge clk) begin
    if (sum_en) sum <= total;
  end

endmodule

`default_nettype wire
