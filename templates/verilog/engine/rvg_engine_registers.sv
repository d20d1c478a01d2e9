// SPDX-License-Identifier: Apache-2.0
// rvg_engine_registers: what a driver sees of the engine, over AXI4-Lite.
//
// Golden : repvgg_hw/plan/engine/registers.py, REGISTERS; offsets and bits are rvg_engine_registers_pkg's.
// Run    : writing CONTROL.START gives a pulse of `start` where no run is at work, else error `busy`; the run at work
//          does not notice, and what it was started with cannot be written meanwhile. `done` with `code` ends it.
// Counts : of this run: cycles, frames (a pulse of frame_done each), beats, as far as the ports' own counters have gone
//          on since the start. They stay until the next start.
// SLVERR : where there is no register, for writes to one that is only read, and for those that a run locks out.
// Latency: rvg_axi_lite's; `start` follows the write's wr_en by 1 cycle.

`default_nettype none

module rvg_engine_registers #(
  parameter int          ADDR_W    = 8,
  parameter logic [31:0] ENGINE_ID = 32'h0
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic [ADDR_W-1:0] s_axil_awaddr,
  input  wire logic              s_axil_awvalid,
  output      logic              s_axil_awready,
  input  wire logic [31:0]       s_axil_wdata,
  input  wire logic [3:0]        s_axil_wstrb,
  input  wire logic              s_axil_wvalid,
  output      logic              s_axil_wready,
  output      logic [1:0]        s_axil_bresp,
  output      logic              s_axil_bvalid,
  input  wire logic              s_axil_bready,
  input  wire logic [ADDR_W-1:0] s_axil_araddr,
  input  wire logic              s_axil_arvalid,
  output      logic              s_axil_arready,
  output      logic [31:0]       s_axil_rdata,
  output      logic [1:0]        s_axil_rresp,
  output      logic              s_axil_rvalid,
  input  wire logic              s_axil_rready,
  output      logic              irq,

  output      logic              start,
  output      logic              stop,          // abort the run
  input  wire logic              done,
  input  wire logic [7:0]        code,
  input  wire logic              clear,         // the ports' counters are reset: the run's counts stay as they were
  input  wire logic              frame_done,
  output      logic [31:0]       image_base,
  output      logic [31:0]       maps_base,
  output      logic [31:0]       input_base,
  output      logic [31:0]       output_base,
  output      logic [31:0]       input_stride,
  output      logic [31:0]       output_stride,
  output      logic [31:0]       frames,
  output      logic [31:0]       watchdog,

  input  wire logic [31:0]       weight_read_beats,  // the ports' own counters
  input  wire logic [31:0]       data_read_beats,
  input  wire logic [31:0]       data_write_beats
);

  localparam int WORD_W = ADDR_W - 2;
  localparam int WORDS  = 8;  // that a run is started with, IMAGE to WATCHDOG

  if (ADDR_W < 7 || ADDR_W > 32) begin : g_check_address
    rvg_error_registers_take_7_bits_of_address u_error ();
  end

  logic              wr_en, wr_ok, rd_ok;
  logic [WORD_W-1:0] wr_addr, rd_addr;
  logic [31:0]       wr_data, rd_data, mask, wr_offset, rd_offset;
  logic [3:0]        wr_strb;

  rvg_axi_lite #(.ADDR_W(ADDR_W)) u_slave (
    .clk, .rst,
    .s_axil_awaddr, .s_axil_awvalid, .s_axil_awready, .s_axil_wdata, .s_axil_wstrb, .s_axil_wvalid, .s_axil_wready,
    .s_axil_bresp, .s_axil_bvalid, .s_axil_bready, .s_axil_araddr, .s_axil_arvalid, .s_axil_arready,
    .s_axil_rdata, .s_axil_rresp, .s_axil_rvalid, .s_axil_rready,
    .wr_en, .wr_addr, .wr_data, .wr_strb, .wr_ok, .rd_addr, .rd_data, .rd_ok
  );

  assign wr_offset = 32'({wr_addr, 2'b00});
  assign rd_offset = 32'({rd_addr, 2'b00});
  assign mask      = {{8{wr_strb[3]}}, {8{wr_strb[2]}}, {8{wr_strb[1]}}, {8{wr_strb[0]}}};

  // ---- writes
  logic [WORDS*32-1:0] run_q;
  logic [31:0]         ones;  // bits that are written 1
  logic                busy_q, of_run, control, status, enable, starts;

  assign of_run  = wr_offset >= rvg_engine_registers_pkg::IMAGE && wr_offset <= rvg_engine_registers_pkg::WATCHDOG;
  assign control = wr_offset == rvg_engine_registers_pkg::CONTROL;
  assign status  = wr_offset == rvg_engine_registers_pkg::STATUS;
  assign enable  = wr_offset == rvg_engine_registers_pkg::ENABLE;
  assign wr_ok   = of_run ? !busy_q : control || status || enable;
  assign ones    = wr_data & mask;
  assign starts  = wr_en && control && ones[rvg_engine_registers_pkg::CONTROL_START];

  for (genvar r = 0; r < WORDS; r++) begin : g_run
    localparam int OFFSET = rvg_engine_registers_pkg::IMAGE + 4*r;

    always_ff @(posedge clk) begin
      if (wr_en && !busy_q && wr_offset == OFFSET) run_q[32*r +: 32] <= run_q[32*r +: 32] & ~mask | ones;
      if (rst) run_q[32*r +: 32] <= OFFSET == rvg_engine_registers_pkg::FRAMES ? 32'd1
                                  : OFFSET == rvg_engine_registers_pkg::WATCHDOG ? 32'd1 << 20 : '0;
    end
  end

  assign {watchdog, frames, output_stride, input_stride, output_base, input_base, maps_base, image_base} = run_q;

  // ---- the run
  logic        done_q, pending_q, enable_q;
  logic [7:0]  error_q;
  logic [63:0] cycles_q;
  logic [31:0] frames_done_q;
  logic [95:0] begin_q;  // the ports' counters at the start

  assign irq = pending_q && enable_q;

  always_ff @(posedge clk) begin
    start    <= starts && !busy_q;
    stop     <= wr_en && control && ones[rvg_engine_registers_pkg::CONTROL_ABORT] && busy_q;
    cycles_q <= cycles_q + 64'(busy_q);
    if (frame_done) frames_done_q <= frames_done_q + 1'b1;

    if (wr_en && enable && wr_strb[0]) enable_q <= wr_data[rvg_engine_registers_pkg::ENABLE_INTERRUPT];
    if (wr_en && status) begin
      if (ones[rvg_engine_registers_pkg::STATUS_DONE])           done_q    <= 1'b0;
      if (ones[rvg_engine_registers_pkg::STATUS_INTERRUPT])      pending_q <= 1'b0;
      if (ones[rvg_engine_registers_pkg::STATUS_ERROR +: 8] != '0) error_q <= rvg_engine_pkg::ERROR_NONE;
    end
    if (starts && busy_q && error_q == rvg_engine_pkg::ERROR_NONE) error_q <= rvg_engine_pkg::ERROR_BUSY;
    if (starts && !busy_q) begin
      busy_q        <= 1'b1;
      done_q        <= 1'b0;
      error_q       <= rvg_engine_pkg::ERROR_NONE;
      cycles_q      <= '0;
      frames_done_q <= '0;
      begin_q       <= {data_write_beats, data_read_beats, weight_read_beats};
    end
    if (done) begin
      busy_q    <= 1'b0;
      done_q    <= 1'b1;
      pending_q <= 1'b1;
      if (code != rvg_engine_pkg::ERROR_NONE) error_q <= code;
    end

    if (rst) begin
      start         <= 1'b0;
      stop          <= 1'b0;
      busy_q        <= 1'b0;
      done_q        <= 1'b0;
      pending_q     <= 1'b0;
      enable_q      <= 1'b0;
      error_q       <= rvg_engine_pkg::ERROR_NONE;
      cycles_q      <= '0;
      frames_done_q <= '0;
      begin_q       <= '0;
    end
  end

  // The ports' counters as they were when the run ended: they are reset then.
  logic [95:0] beats_q;

  always_ff @(posedge clk) begin
    if (busy_q && !clear && !done) beats_q <= {data_write_beats, data_read_beats, weight_read_beats};
    if (rst)    beats_q <= '0;
  end

  // ---- reads
  always_comb begin
    rd_ok   = 1'b1;
    rd_data = '0;
    case (rd_offset)
      rvg_engine_registers_pkg::ID:            rd_data = rvg_engine_pkg::MAGIC;
      rvg_engine_registers_pkg::VERSION:       rd_data = rvg_engine_pkg::VERSION;
      rvg_engine_registers_pkg::ENGINE:        rd_data = ENGINE_ID;
      rvg_engine_registers_pkg::CONTROL:       rd_data = '0;
      rvg_engine_registers_pkg::STATUS: begin
        rd_data[rvg_engine_registers_pkg::STATUS_BUSY]       = busy_q;
        rd_data[rvg_engine_registers_pkg::STATUS_DONE]       = done_q;
        rd_data[rvg_engine_registers_pkg::STATUS_INTERRUPT]  = pending_q;
        rd_data[rvg_engine_registers_pkg::STATUS_ERROR +: 8] = error_q;
      end
      rvg_engine_registers_pkg::ENABLE:        rd_data[rvg_engine_registers_pkg::ENABLE_INTERRUPT] = enable_q;
      rvg_engine_registers_pkg::IMAGE:         rd_data = image_base;
      rvg_engine_registers_pkg::MAPS:          rd_data = maps_base;
      rvg_engine_registers_pkg::INPUT:         rd_data = input_base;
      rvg_engine_registers_pkg::OUTPUT:        rd_data = output_base;
      rvg_engine_registers_pkg::INPUT_STRIDE:  rd_data = input_stride;
      rvg_engine_registers_pkg::OUTPUT_STRIDE: rd_data = output_stride;
      rvg_engine_registers_pkg::FRAMES:        rd_data = frames;
      rvg_engine_registers_pkg::WATCHDOG:      rd_data = watchdog;
      rvg_engine_registers_pkg::CYCLES_LOW:    rd_data = cycles_q[31:0];
      rvg_engine_registers_pkg::CYCLES_HIGH:   rd_data = cycles_q[63:32];
      rvg_engine_registers_pkg::FRAMES_DONE:   rd_data = frames_done_q;
      rvg_engine_registers_pkg::WEIGHT_READ:   rd_data = beats_q[31:0] - begin_q[31:0];
      rvg_engine_registers_pkg::DATA_READ:     rd_data = beats_q[63:32] - begin_q[63:32];
      rvg_engine_registers_pkg::DATA_WRITE:    rd_data = beats_q[95:64] - begin_q[95:64];
      default: rd_ok = 1'b0;
    endcase
  end

endmodule

`default_nettype wire
