// SPDX-License-Identifier: Apache-2.0
// rvg_stream_registers: what a driver sees of a streaming design, over AXI4-Lite.
//
// Golden : repvgg_hw/plan/stream/registers.py, REGISTERS; offsets and bits are rvg_stream_registers_pkg's.
// Run    : writing CONTROL.START gives a pulse of `start` where no run is at work, else error `busy`; the run at work
//          does not notice, and what it was started with cannot be written meanwhile. `done` with `code` ends it.
// Counts : of this run: cycles and frames (a pulse of frame_done each). They stay until the next start.
// SLVERR : where there is no register, for writes to one that is only read, and for those that a run locks out.
// Latency: rvg_axi_lite's; `start` follows the write's wr_en by 1 cycle.

`default_nettype none

module rvg_stream_registers #(
  parameter int          ADDR_W       = 8,
  parameter logic [31:0] NETWORK      = 32'h0,
  parameter int          FRAME_BYTES  = 64,
  parameter int          RESULT_BYTES = 44,
  parameter int          TOP          = 1,
  parameter int          LOGITS       = 10
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
  output      logic              stop,        // abort the run
  input  wire logic              done,
  input  wire logic [7:0]        code,
  input  wire logic              frame_done,
  output      logic [31:0]       frames,
  output      logic [31:0]       watchdog
);

  localparam int WORD_W = ADDR_W - 2;

  if (ADDR_W < 6 || ADDR_W > 32) begin : g_check_address
    rvg_error_registers_take_6_bits_of_address u_error ();
  end
  if (TOP < 0 || FRAME_BYTES < 1 || RESULT_BYTES < 1 || TOP > 255 || LOGITS < 0 || LOGITS > 65535) begin : g_check_result
    rvg_error_result_does_not_fit_its_register u_error ();
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
  logic [31:0] ones;  // bits that are written 1
  logic        busy_q, of_frames, of_watchdog, control, status, enable, starts;

  assign of_frames   = wr_offset == rvg_stream_registers_pkg::FRAMES;
  assign of_watchdog = wr_offset == rvg_stream_registers_pkg::WATCHDOG;
  assign control     = wr_offset == rvg_stream_registers_pkg::CONTROL;
  assign status      = wr_offset == rvg_stream_registers_pkg::STATUS;
  assign enable      = wr_offset == rvg_stream_registers_pkg::ENABLE;
  assign wr_ok       = of_frames || of_watchdog ? !busy_q : control || status || enable;
  assign ones        = wr_data & mask;
  assign starts      = wr_en && control && ones[rvg_stream_registers_pkg::CONTROL_START];

  always_ff @(posedge clk) begin
    if (wr_en && !busy_q && of_frames)   frames   <= frames & ~mask | ones;
    if (wr_en && !busy_q && of_watchdog) watchdog <= watchdog & ~mask | ones;
    if (rst) begin
      frames   <= 32'd1;
      watchdog <= '0;
    end
  end

  // ---- the run
  logic        done_q, pending_q, enable_q;
  logic [7:0]  error_q;
  logic [63:0] cycles_q;
  logic [31:0] frames_done_q;

  assign irq = pending_q && enable_q;

  always_ff @(posedge clk) begin
    start    <= starts && !busy_q;
    stop     <= wr_en && control && ones[rvg_stream_registers_pkg::CONTROL_ABORT] && busy_q;
    cycles_q <= cycles_q + 64'(busy_q);
    if (frame_done) frames_done_q <= frames_done_q + 1'b1;

    if (wr_en && enable && wr_strb[0]) enable_q <= wr_data[rvg_stream_registers_pkg::ENABLE_INTERRUPT];
    if (wr_en && status) begin
      if (ones[rvg_stream_registers_pkg::STATUS_DONE])             done_q    <= 1'b0;
      if (ones[rvg_stream_registers_pkg::STATUS_INTERRUPT])        pending_q <= 1'b0;
      if (ones[rvg_stream_registers_pkg::STATUS_ERROR +: 8] != '0) error_q   <= rvg_stream_registers_pkg::ERROR_NONE;
    end
    if (starts && busy_q && error_q == rvg_stream_registers_pkg::ERROR_NONE) begin
      error_q <= rvg_stream_registers_pkg::ERROR_BUSY;
    end
    if (starts && !busy_q) begin
      busy_q        <= 1'b1;
      done_q        <= 1'b0;
      error_q       <= rvg_stream_registers_pkg::ERROR_NONE;
      cycles_q      <= '0;
      frames_done_q <= '0;
    end
    if (done) begin
      busy_q    <= 1'b0;
      done_q    <= 1'b1;
      pending_q <= 1'b1;
      if (code != rvg_stream_registers_pkg::ERROR_NONE) error_q <= code;
    end

    if (rst) begin
      start         <= 1'b0;
      stop          <= 1'b0;
      busy_q        <= 1'b0;
      done_q        <= 1'b0;
      pending_q     <= 1'b0;
      enable_q      <= 1'b0;
      error_q       <= rvg_stream_registers_pkg::ERROR_NONE;
      cycles_q      <= '0;
      frames_done_q <= '0;
    end
  end

  // ---- reads
  always_comb begin
    rd_ok   = 1'b1;
    rd_data = '0;
    case (rd_offset)
      rvg_stream_registers_pkg::ID:           rd_data = rvg_stream_registers_pkg::MAGIC;
      rvg_stream_registers_pkg::VERSION:      rd_data = rvg_stream_registers_pkg::NUMBER;
      rvg_stream_registers_pkg::NETWORK:      rd_data = NETWORK;
      rvg_stream_registers_pkg::CONTROL:      rd_data = '0;
      rvg_stream_registers_pkg::STATUS: begin
        rd_data[rvg_stream_registers_pkg::STATUS_BUSY]       = busy_q;
        rd_data[rvg_stream_registers_pkg::STATUS_DONE]       = done_q;
        rd_data[rvg_stream_registers_pkg::STATUS_INTERRUPT]  = pending_q;
        rd_data[rvg_stream_registers_pkg::STATUS_ERROR +: 8] = error_q;
      end
      rvg_stream_registers_pkg::ENABLE:       rd_data[rvg_stream_registers_pkg::ENABLE_INTERRUPT] = enable_q;
      rvg_stream_registers_pkg::FRAMES:       rd_data = frames;
      rvg_stream_registers_pkg::WATCHDOG:     rd_data = watchdog;
      rvg_stream_registers_pkg::FRAME_BYTES:  rd_data = 32'(FRAME_BYTES);
      rvg_stream_registers_pkg::RESULT_BYTES: rd_data = 32'(RESULT_BYTES);
      rvg_stream_registers_pkg::RESULT: begin
        rd_data[rvg_stream_registers_pkg::RESULT_TOP +: 8]     = 8'(TOP);
        rd_data[rvg_stream_registers_pkg::RESULT_LOGITS +: 16] = 16'(LOGITS);
      end
      rvg_stream_registers_pkg::CYCLES_LOW:   rd_data = cycles_q[31:0];
      rvg_stream_registers_pkg::CYCLES_HIGH:  rd_data = cycles_q[63:32];
      rvg_stream_registers_pkg::FRAMES_DONE:  rd_data = frames_done_q;
      default: rd_ok = 1'b0;
    endcase
  end

endmodule

`default_nettype wire
