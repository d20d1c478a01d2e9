// SPDX-License-Identifier: Apache-2.0
// rvg_engine: one unit that runs all layers of a RepVGG, weights and maps in memory.
//
//   for each instruction of the program: load and transform tiles, multiply, transform back, requantize, store or pool;
//   at the end the linear layer of the pooled sums
//
// Golden : repvgg_hw/golden.py, forward(); repvgg_hw/plan/engine/machine.py runs the same program in integers
// Image  : program and weights, repvgg_hw/plan/engine/image.py
// Ports  : m_axi_weight_* reads image and program, ID 0 weights of convolutions, 1 the program, 2 weights of the linear layer, so
//          that these wait for none of the next frame's; m_axi_data_* reads and writes maps, input and output.
// Control: `start` begins a run of `frames`, `done` ends it with a `code` of rvg_engine_pkg::ERROR_*; see rvg_engine_control.
// Units  : each has its own queue of instructions, so that loading, multiplying, transforming and storing overlap within and
//          between layers and frames; what must wait for what is said by counts (stored_*) and by room.

`default_nettype none

module rvg_engine #(
  parameter int N           = 5,
  parameter int PI          = 1,
  parameter int PO          = 2,
  parameter int LANES       = 1,   // outputs' channels that are transformed at once
  parameter int T_MAX       = 4,   // tiles of a strip
  parameter int WORD_DEPTH  = 256, // words of the data memory
  parameter int WORD_URAM   = 0,   // 1: in UltraRAM
  parameter int LINE_DEPTH  = 64,  // beats in a row bank of the input
  parameter int OUT_WORDS   = 16,  // beats in a slot of a row bank of the store
  parameter int SLOTS       = 4,
  parameter int C_MAX       = 64,  // channels of the pool
  parameter int POOL_W      = 32,
  parameter int BD          = 8,   // bytes of a beat of the data port
  parameter int BW          = 8,   // and of the weight port
  parameter int SETS        = 4,
  parameter int BLOCK_BEATS = 9,
  parameter int MIDDLE_W    = 13,
  parameter int DATA_W      = 15,
  parameter int WMIDDLE_W   = 11,
  parameter int WEIGHT_W    = 14,
  parameter int ACC_W       = 24,
  parameter int SHIFT1      = 1,
  parameter int SHIFT2      = 0,
  parameter int SUM_W       = 26,
  parameter int MAX_BURST   = 16,
  parameter int ADDR_W      = 32,
  parameter int READ_DEPTH  = 512, // beats that a port's reads may have under way
  parameter logic [31:0] ENGINE_ID = 32'h0
) (
  input  wire logic              clk,
  input  wire logic              rst,

  input  wire logic              start,
  input  wire logic              stop,
  input  wire logic [31:0]       watchdog,
  input  wire logic [31:0]       image_base,
  input  wire logic [31:0]       maps_base,
  input  wire logic [31:0]       input_base,
  input  wire logic [31:0]       output_base,
  input  wire logic [31:0]       input_stride,
  input  wire logic [31:0]       output_stride,
  input  wire logic [31:0]       frames,
  output      logic              done,
  output      logic [7:0]        code,
  output      logic              clear,             // the run has ended, its units are reset: counts start anew
  output      logic              frame_done,        // pulse: a frame of the run is wholly written
  output      logic [31:0]       weight_read_beats,
  output      logic [31:0]       data_read_beats,
  output      logic [31:0]       data_write_beats,

  output      logic [1:0]        m_axi_weight_arid,
  output      logic [ADDR_W-1:0] m_axi_weight_araddr,
  output      logic [7:0]        m_axi_weight_arlen,
  output      logic [2:0]        m_axi_weight_arsize,
  output      logic [1:0]        m_axi_weight_arburst,
  output      logic              m_axi_weight_arvalid,
  input  wire logic              m_axi_weight_arready,
  input  wire logic [1:0]        m_axi_weight_rid,
  input  wire logic [8*BW-1:0]   m_axi_weight_rdata,
  input  wire logic [1:0]        m_axi_weight_rresp,
  input  wire logic              m_axi_weight_rlast,
  input  wire logic              m_axi_weight_rvalid,
  output      logic              m_axi_weight_rready,

  output      logic [0:0]        m_axi_data_arid,
  output      logic [ADDR_W-1:0] m_axi_data_araddr,
  output      logic [7:0]        m_axi_data_arlen,
  output      logic [2:0]        m_axi_data_arsize,
  output      logic [1:0]        m_axi_data_arburst,
  output      logic              m_axi_data_arvalid,
  input  wire logic              m_axi_data_arready,
  input  wire logic [0:0]        m_axi_data_rid,
  input  wire logic [8*BD-1:0]   m_axi_data_rdata,
  input  wire logic [1:0]        m_axi_data_rresp,
  input  wire logic              m_axi_data_rlast,
  input  wire logic              m_axi_data_rvalid,
  output      logic              m_axi_data_rready,
  output      logic [ADDR_W-1:0] m_axi_data_awaddr,
  output      logic [7:0]        m_axi_data_awlen,
  output      logic [2:0]        m_axi_data_awsize,
  output      logic [1:0]        m_axi_data_awburst,
  output      logic              m_axi_data_awvalid,
  input  wire logic              m_axi_data_awready,
  output      logic [8*BD-1:0]   m_axi_data_wdata,
  output      logic [BD-1:0]     m_axi_data_wstrb,
  output      logic              m_axi_data_wlast,
  output      logic              m_axi_data_wvalid,
  input  wire logic              m_axi_data_wready,
  input  wire logic [1:0]        m_axi_data_bresp,
  input  wire logic              m_axi_data_bvalid,
  output      logic              m_axi_data_bready
);

  localparam int POSITIONS = N * N;
  localparam int M1        = N - 2;
  localparam int WORD_W    = WORD_DEPTH > 1 ? $clog2(WORD_DEPTH) : 1;
  localparam int COUNT_W   = $clog2(LANES + 1);
  localparam int QUEUE     = 2;     // instructions in front of a unit
  localparam int I_W       = rvg_engine_pkg::INSTRUCTION_W;

  // ---- the run
  logic        busy, multiplies;  // multiplies: the array has a word in this cycle
  logic        unit_rst, halt, fetch_start, fetch_finished, weight_idle, read_idle, write_idle, progress;
  logic        weight_error, read_error, write_error, ports_idle, at_rest, linear_busy;
  logic [2:0]  fetch_error;
  logic [15:0] issued, stored_count, stored_channels;
  logic [31:0] frame_length;  // instructions of a frame

  assign clear      = unit_rst;
  assign ports_idle = weight_idle && read_idle && write_idle;
  assign at_rest    = ports_idle && {weight_tvalid, beat_tvalid, read_tvalid, write_tvalid, write_cmd_tvalid, unit_tvalid} == '0;
  assign progress = m_axi_weight_rvalid || m_axi_data_rvalid || m_axi_data_wvalid && m_axi_data_wready || multiplies;

  rvg_engine_control u_control (
    .clk, .rst, .start, .stop, .watchdog, .busy, .done, .code, .fetch_start, .fetch_finished, .fetch_error, .issued, .frame_length,
    .stored(stored_count), .linear_busy, .weight_read_error(weight_error), .data_read_error(read_error),
    .data_write_error(write_error), .progress, .ports_idle(ports_idle),
    .at_rest, .frame_done, .halt, .unit_rst
  );

  // ---- the weight port: client 0 weights of convolutions, 1 the program, 2 weights of the linear layer
  logic [167:0]      weight_cmd_tdata;
  logic [2:0]        weight_cmd_tvalid, weight_cmd_tready, weight_tvalid, weight_tready;
  logic [24*BW-1:0]  weight_tdata;

  rvg_axi_read #(.DATA_W(8*BW), .ADDR_W(ADDR_W), .CLIENTS(3), .DEPTH(READ_DEPTH), .MAX_BURST(MAX_BURST)) u_weight_port (
    .clk, .rst(unit_rst), .s_cmd_tdata(weight_cmd_tdata), .s_cmd_tvalid(weight_cmd_tvalid), .s_cmd_tready(weight_cmd_tready),
    .m_axis_tdata(weight_tdata), .m_axis_tvalid(weight_tvalid), .m_axis_tready(weight_tready),
    .m_axi_arid(m_axi_weight_arid), .m_axi_araddr(m_axi_weight_araddr), .m_axi_arlen(m_axi_weight_arlen),
    .m_axi_arsize(m_axi_weight_arsize), .m_axi_arburst(m_axi_weight_arburst), .m_axi_arvalid(m_axi_weight_arvalid),
    .m_axi_arready(m_axi_weight_arready), .m_axi_rid(m_axi_weight_rid), .m_axi_rdata(m_axi_weight_rdata),
    .m_axi_rresp(m_axi_weight_rresp), .m_axi_rlast(m_axi_weight_rlast), .m_axi_rvalid(m_axi_weight_rvalid),
    .m_axi_rready(m_axi_weight_rready), .halt, .idle(weight_idle), .error(weight_error), .beats(weight_read_beats)
  );

  // Weights' way back, from the set that is used up to the port, is long: registers in its middle.
  logic [8*BW-1:0] beat_tdata;
  logic            beat_tvalid, beat_tready;

  rvg_stream_reg #(.WIDTH(8*BW)) u_weight_beats (
    .clk, .rst(unit_rst), .s_axis_tdata(weight_tdata[8*BW-1:0]), .s_axis_tvalid(weight_tvalid[0]),
    .s_axis_tready(weight_tready[0]), .m_axis_tdata(beat_tdata), .m_axis_tvalid(beat_tvalid), .m_axis_tready(beat_tready)
  );

  logic [I_W-1:0] fetched_tdata;
  logic           fetched_tvalid, fetched_tready, legal;
  logic [1023:0]  block;

  rvg_engine_fetch #(.BW(BW), .BD(BD), .ENGINE_ID(ENGINE_ID)) u_fetch (
    .clk, .rst(unit_rst), .start(fetch_start), .image_base, .maps_base, .input_base, .output_base, .input_stride,
    .output_stride, .frames, .finished(fetch_finished), .issued, .frame_length, .error(fetch_error),
    .read_tdata(weight_cmd_tdata[111:56]), .read_tvalid(weight_cmd_tvalid[1]), .read_tready(weight_cmd_tready[1]),
    .s_axis_tdata(weight_tdata[16*BW-1:8*BW]), .s_axis_tvalid(weight_tvalid[1]), .s_axis_tready(weight_tready[1]),
    .block, .legal, .m_axis_tdata(fetched_tdata), .m_axis_tvalid(fetched_tvalid), .m_axis_tready(fetched_tready)
  );

  rvg_engine_check #(
    .PI(PI), .PO(PO), .T_MAX(T_MAX), .LINE_DEPTH(LINE_DEPTH), .OUT_WORDS(OUT_WORDS), .C_MAX(C_MAX), .BD(BD), .BW(BW)
  ) u_check (.clk, .instruction(block), .legal);

  // ---- an instruction goes to the queues of all units that it concerns, at once
  localparam int INPUT = 0, STORE = 1, WEIGHTS = 2, SEQUENCER = 3, OUTPUT = 4, LINEAR = 5, READ = 6, LINEAR_READ = 7, QUEUES = 8;

  logic [QUEUES-1:0]     concerned, queue_tready, unit_tvalid, unit_tready;
  logic [QUEUES*I_W-1:0] unit_tdata;
  logic                  is_linear;

  assign is_linear      = fetched_tdata[rvg_engine_pkg::OP +: 8] == rvg_engine_pkg::OP_LINEAR;
  assign concerned      = is_linear ? 8'b1010_0011 : 8'b0101_1111;

  // Known a cycle before: room that an instruction has seen stays, and no unit's instructions end as fast as they come.
  always_ff @(posedge clk) begin
    fetched_tready <= fetched_tvalid && !fetched_tready && (queue_tready | ~concerned) == '1;
    if (unit_rst) fetched_tready <= 1'b0;
  end

  for (genvar q = 0; q < QUEUES; q++) begin : g_queue
    rvg_fifo #(.WIDTH(I_W), .DEPTH(QUEUE)) u_queue (
      .clk, .rst(unit_rst), .s_axis_tdata(fetched_tdata), .s_axis_tvalid(fetched_tvalid && fetched_tready && concerned[q]),
      .s_axis_tready(queue_tready[q]), .m_axis_tdata(unit_tdata[I_W*q +: I_W]), .m_axis_tvalid(unit_tvalid[q]),
      .m_axis_tready(unit_tready[q])
    );
  end

  // ---- weights: asked for as soon as an instruction is there, as far ahead as the port's buffers have room
  assign weight_cmd_tdata[55:0] = {
    unit_tdata[I_W*READ + rvg_engine_pkg::WEIGHT_BEATS +: 24], unit_tdata[I_W*READ + rvg_engine_pkg::WEIGHT_ADDR +: 32]
  };
  assign weight_cmd_tdata[167:112] = {
    unit_tdata[I_W*LINEAR_READ + rvg_engine_pkg::WEIGHT_BEATS +: 24],
    unit_tdata[I_W*LINEAR_READ + rvg_engine_pkg::WEIGHT_ADDR +: 32]
  };
  assign weight_cmd_tvalid[0]     = unit_tvalid[READ];
  assign weight_cmd_tvalid[2]     = unit_tvalid[LINEAR_READ];
  assign unit_tready[READ]        = weight_cmd_tready[0];
  assign unit_tready[LINEAR_READ] = weight_cmd_tready[2];

  // ---- maps in: loaded, transformed, kept in the data memory
  logic [55:0]                    read_cmd_tdata;
  logic                           read_cmd_tvalid, read_cmd_tready, read_tvalid, read_tready;
  logic [8*BD-1:0]                read_tdata;
  logic                           word_we, word_released;
  logic [WORD_W-1:0]              word_addr;
  logic [PI*POSITIONS*DATA_W-1:0] word_data;

  rvg_engine_input #(
    .N(N), .PI(PI), .T_MAX(T_MAX), .WORD_DEPTH(WORD_DEPTH), .LINE_DEPTH(LINE_DEPTH), .BD(BD), .MIDDLE_W(MIDDLE_W),
    .DATA_W(DATA_W), .ADDR_W(ADDR_W)
  ) u_input (
    .clk, .rst(unit_rst), .s_cmd_tdata(unit_tdata[I_W*INPUT +: I_W]), .s_cmd_tvalid(unit_tvalid[INPUT]),
    .s_cmd_tready(unit_tready[INPUT]), .stored_count, .stored_channels,
    .m_read_tdata(read_cmd_tdata), .m_read_tvalid(read_cmd_tvalid), .m_read_tready(read_cmd_tready),
    .s_axis_tdata(read_tdata), .s_axis_tvalid(read_tvalid), .s_axis_tready(read_tready),
    .word_we, .word_addr, .word_data, .released(word_released)
  );

  // ---- products, sums, pixels
  logic                  room_ok, room_take, px_valid, px_last;
  logic [COUNT_W-1:0]    batch_channels;
  logic [LANES*M1*8-1:0] px_data;
  logic [15:0]           px_x;
  logic [7:0]            px_y;

  rvg_engine_compute #(
    .N(N), .PI(PI), .PO(PO), .LANES(LANES), .T_MAX(T_MAX), .WORD_DEPTH(WORD_DEPTH), .WORD_URAM(WORD_URAM),
    .BW(BW), .SETS(SETS), .BLOCK_BEATS(BLOCK_BEATS), .DATA_W(DATA_W), .WMIDDLE_W(WMIDDLE_W), .WEIGHT_W(WEIGHT_W),
    .ACC_W(ACC_W), .SHIFT1(SHIFT1), .SHIFT2(SHIFT2), .SUM_W(SUM_W)
  ) u_compute (
    .clk, .rst(unit_rst),
    .weights_tdata(unit_tdata[I_W*WEIGHTS +: I_W]), .weights_tvalid(unit_tvalid[WEIGHTS]),
    .weights_tready(unit_tready[WEIGHTS]), .order_tdata(unit_tdata[I_W*SEQUENCER +: I_W]),
    .order_tvalid(unit_tvalid[SEQUENCER]), .order_tready(unit_tready[SEQUENCER]),
    .output_tdata(unit_tdata[I_W*OUTPUT +: I_W]), .output_tvalid(unit_tvalid[OUTPUT]), .output_tready(unit_tready[OUTPUT]),
    .s_axis_tdata(beat_tdata), .s_axis_tvalid(beat_tvalid), .s_axis_tready(beat_tready),
    .word_we, .word_addr, .word_data, .released(word_released), .multiplies,
    .room_ok, .room_take, .batch_channels, .px_valid, .px_data, .px_x, .px_y, .px_last
  );

  // ---- pixels to maps or to the pool's sums, and those to logits
  logic [56:0]     write_cmd_tdata;
  logic [8*BD-1:0] write_tdata;
  logic            write_cmd_tvalid, write_cmd_tready, write_tvalid, write_tready, write_done;

  rvg_engine_results #(
    .N(N), .PO(PO), .LANES(LANES), .T_MAX(T_MAX), .OUT_WORDS(OUT_WORDS), .SLOTS(SLOTS), .C_MAX(C_MAX), .POOL_W(POOL_W), .BD(BD), .BW(BW)
  ) u_results (
    .clk, .rst(unit_rst),
    .store_tdata(unit_tdata[I_W*STORE +: I_W]), .store_tvalid(unit_tvalid[STORE]), .store_tready(unit_tready[STORE]),
    .linear_tdata(unit_tdata[I_W*LINEAR +: I_W]), .linear_tvalid(unit_tvalid[LINEAR]), .linear_tready(unit_tready[LINEAR]),
    .weight_tdata(weight_tdata[24*BW-1:16*BW]), .weight_tvalid(weight_tvalid[2]), .weight_tready(weight_tready[2]),
    .room_ok, .room_take, .batch_channels, .px_valid, .px_data, .px_x, .px_y, .px_last,
    .cmd_tdata(write_cmd_tdata), .cmd_tvalid(write_cmd_tvalid), .cmd_tready(write_cmd_tready),
    .m_axis_tdata(write_tdata), .m_axis_tvalid(write_tvalid), .m_axis_tready(write_tready), .write_done,
    .stored_count, .stored_channels, .linear_busy
  );

  // ---- the data port
  rvg_axi_read #(.DATA_W(8*BD), .ADDR_W(ADDR_W), .CLIENTS(1), .DEPTH(READ_DEPTH), .MAX_BURST(MAX_BURST)) u_read_port (
    .clk, .rst(unit_rst), .s_cmd_tdata(read_cmd_tdata), .s_cmd_tvalid(read_cmd_tvalid), .s_cmd_tready(read_cmd_tready),
    .m_axis_tdata(read_tdata), .m_axis_tvalid(read_tvalid), .m_axis_tready(read_tready),
    .m_axi_arid(m_axi_data_arid), .m_axi_araddr(m_axi_data_araddr), .m_axi_arlen(m_axi_data_arlen),
    .m_axi_arsize(m_axi_data_arsize), .m_axi_arburst(m_axi_data_arburst), .m_axi_arvalid(m_axi_data_arvalid),
    .m_axi_arready(m_axi_data_arready), .m_axi_rid(m_axi_data_rid), .m_axi_rdata(m_axi_data_rdata),
    .m_axi_rresp(m_axi_data_rresp), .m_axi_rlast(m_axi_data_rlast), .m_axi_rvalid(m_axi_data_rvalid),
    .m_axi_rready(m_axi_data_rready), .halt, .idle(read_idle), .error(read_error), .beats(data_read_beats)
  );

  rvg_axi_write #(.DATA_W(8*BD), .ADDR_W(ADDR_W), .MAX_BURST(MAX_BURST)) u_write_port (
    .clk, .rst(unit_rst), .s_cmd_tdata(write_cmd_tdata), .s_cmd_tvalid(write_cmd_tvalid), .s_cmd_tready(write_cmd_tready),
    .s_axis_tdata(write_tdata), .s_axis_tvalid(write_tvalid), .s_axis_tready(write_tready),
    .m_axi_awaddr(m_axi_data_awaddr), .m_axi_awlen(m_axi_data_awlen), .m_axi_awsize(m_axi_data_awsize),
    .m_axi_awburst(m_axi_data_awburst), .m_axi_awvalid(m_axi_data_awvalid), .m_axi_awready(m_axi_data_awready),
    .m_axi_wdata(m_axi_data_wdata), .m_axi_wstrb(m_axi_data_wstrb), .m_axi_wlast(m_axi_data_wlast),
    .m_axi_wvalid(m_axi_data_wvalid), .m_axi_wready(m_axi_data_wready), .m_axi_bresp(m_axi_data_bresp),
    .m_axi_bvalid(m_axi_data_bvalid), .m_axi_bready(m_axi_data_bready), .halt, .done(write_done), .idle(write_idle),
    .error(write_error), .beats(data_write_beats)
  );

  wire unused = &{1'b0, busy, unit_tdata};  // of each queue the fields that its unit reads

endmodule

`default_nettype wire
