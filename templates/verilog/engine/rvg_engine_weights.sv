// SPDX-License-Identifier: Apache-2.0
// rvg_engine_weights: the weight region of convolutions into sets of transformed weights, and bias and multiplier.
//
//   u[o, i] = G g[o, i] G^T      o < PO, i < PI
//
// Golden : repvgg_hw/winograd/golden.py, weight_transform()
// In     : instructions; beats of BW bytes, as rvg_engine_kernels has them.
// Out    : set_data, lane (o*N*N + row*N + column)*PI + i, for one word of inputs after another; stays until set_take, a
//          pulse for which set_valid must be high; set_soon says it a cycle before, so that no cycle is lost between.
//          affine: PO x {mult, bias}, one beat for each set of outputs.
// Rate   : one set in 4 cycles: after set_take come three thirds of the next one, while the kernels of that after it go
//          through their columns. Of a port of few bytes, what its beats allow.
// Latency: from a set's last beat to set_valid: 8 cycles, where nothing is before it.

`default_nettype none

module rvg_engine_weights #(
  parameter int N           = 5,
  parameter int PI          = 1,
  parameter int PO          = 2,
  parameter int BW          = 8,
  parameter int SETS        = 4,
  parameter int BLOCK_BEATS = 9,
  parameter int WMIDDLE_W   = 11,
  parameter int WEIGHT_W    = 14,
  parameter int ACC_W       = 24,
  localparam int AFFINE_W   = rvg_pkg::MULT_W + ACC_W
) (
  input  wire logic                          clk,
  input  wire logic                          rst,

  input  wire logic [1023:0]                 cmd_tdata,      // instruction
  input  wire logic                          cmd_tvalid,
  output      logic                          cmd_tready,

  input  wire logic [8*BW-1:0]               s_axis_tdata,
  input  wire logic                          s_axis_tvalid,
  output      logic                          s_axis_tready,

  output      logic [PO*AFFINE_W-1:0]        affine_tdata,
  output      logic                          affine_tvalid,
  input  wire logic                          affine_tready,

  output      logic                          set_soon,       // a set is there in the next cycle, unless it is taken now
  output      logic                          set_valid,
  output      logic [PO*N*N*PI*WEIGHT_W-1:0] set_data,
  input  wire logic                          set_take
);

  localparam int KERNELS_W = PO*PI*72;

  // ---- kernels as they were packed, in a register while their columns are transformed
  logic [KERNELS_W-1:0] kernels, kernels_q;
  logic                 kernels_stride2, kernels_valid, kernels_ready;
  logic                 kernels_full_q, column_stride2_q, row_stride2_q;

  rvg_engine_kernels #(.PI(PI), .PO(PO), .BW(BW), .SETS(SETS), .BLOCK_BEATS(BLOCK_BEATS), .ACC_W(ACC_W)) u_kernels (
    .clk, .rst, .cmd_tdata, .cmd_tvalid, .cmd_tready, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .affine_tdata, .affine_tvalid, .affine_tready,
    .kernels_tdata(kernels), .kernels_stride2, .kernels_tvalid(kernels_valid), .kernels_tready(kernels_ready)
  );

  // ---- steps: columns 0, 1, 2 of the kernels, then the thirds of the rows; one bit of three is high
  logic [2:0] column_q, row_q;
  logic       middle_full_q;
  logic       columns_run, columns_end, rows_run, rows_end;

  assign rows_run      = middle_full_q && !set_valid;
  assign rows_end      = rows_run && row_q[2];
  assign columns_run   = kernels_full_q && !(column_q[2] && middle_full_q && !rows_end);
  assign columns_end   = columns_run && column_q[2];
  assign kernels_ready = !kernels_full_q;  // a cycle between two sets: columns take three of four
  assign set_soon      = set_valid || rows_end;

  always_ff @(posedge clk) begin
    if (columns_end) begin
      kernels_full_q <= 1'b0;
      row_stride2_q  <= column_stride2_q;
    end
    if (kernels_valid && kernels_ready) begin
      kernels_full_q   <= 1'b1;
      kernels_q        <= kernels;
      column_stride2_q <= kernels_stride2;
    end
    if (columns_run) column_q <= {column_q[1:0], column_q[2]};
    if (rows_run) row_q <= {row_q[1:0], row_q[2]};

    if (rows_end) middle_full_q <= 1'b0;
    if (columns_end) middle_full_q <= 1'b1;
    if (set_take) set_valid <= 1'b0;
    if (rows_end) set_valid <= 1'b1;

    if (rst) begin
      kernels_full_q <= 1'b0;
      middle_full_q  <= 1'b0;
      set_valid      <= 1'b0;
      column_q       <= 3'b001;
      row_q          <= 3'b001;
    end
  end

  for (genvar o = 0; o < PO; o++) begin : g_output
    for (genvar i = 0; i < PI; i++) begin : g_input
      localparam int L = PI*o + i;

      logic [71:0]             taps;  // of this kernel
      logic [23:0]             column;
      logic [N*N*WEIGHT_W-1:0] weight;

      assign taps = kernels_q[72*L +: 72];

      for (genvar k = 0; k < 3; k++) begin : g_tap
        assign column[8*k +: 8] =
          column_q[2] ? taps[8*(3*k + 2) +: 8] : column_q[1] ? taps[8*(3*k + 1) +: 8] : taps[8*(3*k) +: 8];
      end

      rvg_engine_weight_lane #(.N(N), .WMIDDLE_W(WMIDDLE_W), .WEIGHT_W(WEIGHT_W)) u_lane (
        .clk,
        .column_step(columns_run ? column_q : 3'b0), .column_stride2(column_stride2_q), .column,
        .row_step(rows_run ? row_q : 3'b0), .row_stride2(row_stride2_q), .weight
      );

      for (genvar p = 0; p < N*N; p++) begin : g_position
        assign set_data[WEIGHT_W*((N*N*o + p)*PI + i) +: WEIGHT_W] = weight[WEIGHT_W*p +: WEIGHT_W];
      end
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_weights: columns were moved over those whose rows are not done")) u_assert_middle (
    .clk, .rst, .holds(!columns_end || !middle_full_q || rows_end)
  );
`endif

endmodule

`default_nettype wire
