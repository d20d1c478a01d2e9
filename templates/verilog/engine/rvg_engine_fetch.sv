// SPDX-License-Identifier: Apache-2.0
// rvg_engine_fetch: reads an image's header and program, and hands its instructions on, for each frame anew.
//
// Image  : repvgg_hw/plan/engine/image.py. Header and each instruction are 128 bytes read at once; a header that is not
//          this engine's, an instruction that is not `legal` (of `block` a cycle ago: rvg_engine_check.sv), a program
//          without end, and addresses within a beat are errors, and nothing of them is begun.
// Bases  : load_addr, store_addr and weight_addr leave as absolute addresses: relative to the maps, or where the
//          instruction says so to the frame's input or output; weights to the image.
// Out    : m_axis, one instruction after another (op 0, the end, is not handed on); weights, a read command for each.
// Rate   : two instructions are on their way from memory while one waits; each is looked at for two cycles.
// Done   : `finished` while no run is at work and after the last frame's last instruction left; `issued` counts all
//          instructions since reset, modulo 2^16.

`default_nettype none

module rvg_engine_fetch #(
  parameter int          BW        = 8,   // bytes per beat
  parameter int          BD        = 8,   // and of a beat of the data port
  parameter logic [31:0] ENGINE_ID = 32'h0
) (
  input  wire logic          clk,
  input  wire logic          rst,

  input  wire logic          start,
  input  wire logic [31:0]   image_base,
  input  wire logic [31:0]   maps_base,
  input  wire logic [31:0]   input_base,
  input  wire logic [31:0]   output_base,
  input  wire logic [31:0]   input_stride,   // from frame to frame
  input  wire logic [31:0]   output_stride,
  input  wire logic [31:0]   frames,
  output      logic          finished,
  output      logic [15:0]   issued,
  output      logic [31:0]   frame_length,   // instructions of a frame, valid with the first of them
  output      logic [2:0]    error,          // rvg_engine_pkg::FETCH_*; 0: none

  output      logic [55:0]   read_tdata,     // {beats, address}
  output      logic          read_tvalid,
  input  wire logic          read_tready,
  input  wire logic [8*BW-1:0] s_axis_tdata,
  input  wire logic          s_axis_tvalid,
  output      logic          s_axis_tready,

  output      logic [1023:0] block,          // what was read
  input  wire logic          legal,          // as an instruction

  output      logic [1023:0] m_axis_tdata,
  output      logic          m_axis_tvalid,
  input  wire logic          m_axis_tready
);

  localparam int BYTES = 128;
  localparam int BEATS = BYTES / BW;
  localparam int D_W   = $clog2(BD);

  if (BW < 8 || BW > 64 || BW * BEATS != BYTES || BD < 2) begin : g_check_width
    rvg_error_port_of_8_16_32_or_64_bytes u_error ();
  end

  // ---- beats to blocks of 128 bytes
  logic [1023:0] block_tdata;
  logic          block_tvalid, block_tready;

  rvg_stream_upsize #(.IN_W(8*BW), .RATIO(BEATS)) u_upsize (
    .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .m_axis_tdata(block_tdata), .m_axis_tvalid(block_tvalid), .m_axis_tready(block_tready)
  );

  assign block = block_tdata;

  // ---- what is wrong with a block: `legal` after a cycle, `wrong` after two
  logic       header_q;  // the next block is the header
  logic [2:0] found, wrong;
  logic       seen_q, checked_q;  // `legal` is of this block; `wrong` is, too
  logic [7:0] op;
  logic       last_of_program;
  logic [31:0] left_q;   // instructions of the program that are to be received, the end included

  assign op              = block_tdata[rvg_engine_pkg::OP +: 8];
  assign last_of_program = left_q == 32'd1;

  always_comb begin
    found = rvg_engine_pkg::FETCH_OK;
    if (header_q) begin
      if      (block_tdata[rvg_engine_pkg::HEADER_MAGIC   +: 32] != rvg_engine_pkg::MAGIC)   found = rvg_engine_pkg::FETCH_MAGIC;
      else if (block_tdata[rvg_engine_pkg::HEADER_VERSION +: 32] != rvg_engine_pkg::VERSION) found = rvg_engine_pkg::FETCH_VERSION;
      else if (block_tdata[rvg_engine_pkg::HEADER_ENGINE  +: 32] != ENGINE_ID)               found = rvg_engine_pkg::FETCH_ENGINE;
      else if (block_tdata[rvg_engine_pkg::HEADER_PROGRAM +: $clog2(BW)] != '0)              found = rvg_engine_pkg::FETCH_PROGRAM;
      else if (block_tdata[rvg_engine_pkg::HEADER_COUNT   +: 32] < 32'd2)                    found = rvg_engine_pkg::FETCH_PROGRAM;
    end else begin
      if ((op == rvg_engine_pkg::OP_END) != last_of_program)                                 found = rvg_engine_pkg::FETCH_PROGRAM;
      else if (!legal)                                                                       found = rvg_engine_pkg::FETCH_PROGRAM;
    end
  end

  // ---- requests: the header, then instructions, at most two of them on their way
  logic [31:0] request_address_q, program_q, count_q, unrequested_q;
  logic [1:0]  on_way_q;
  logic        active_q, request_header_q, request, take;

  assign frame_length = count_q - 1'b1;  // without the end

  assign finished = !active_q;
  assign request  = active_q && on_way_q != 2'd2 && (request_header_q || unrequested_q != '0) && (!read_tvalid || read_tready);
  assign take     = block_tvalid && block_tready;

  // A block leaves as soon as the instruction before it was taken; the header and the end stay here.
  assign block_tready = active_q && checked_q && error == rvg_engine_pkg::FETCH_OK && (!m_axis_tvalid || m_axis_tready);

  // ---- addresses of the frame at work
  logic [31:0] frames_q, input_q, output_q;
  logic        frame_end;
  logic [1023:0] resolved;
  logic        aligned;

  // Weights are at any beat from the image on, maps and frames at any beat from theirs.
  assign aligned = image_base[$clog2(BW)-1:0] == '0
    && (maps_base[D_W-1:0] | input_base[D_W-1:0] | output_base[D_W-1:0] | input_stride[D_W-1:0] | output_stride[D_W-1:0]) == '0;

  assign frame_end = take && !header_q && op == rvg_engine_pkg::OP_END;

  always_comb begin
    resolved = block_tdata;
    resolved[rvg_engine_pkg::LOAD_ADDR +: 32] = block_tdata[rvg_engine_pkg::LOAD_ADDR +: 32]
      + (block_tdata[rvg_engine_pkg::FROM_INPUT] ? input_q : maps_base);
    resolved[rvg_engine_pkg::STORE_ADDR +: 32] = block_tdata[rvg_engine_pkg::STORE_ADDR +: 32]
      + (block_tdata[rvg_engine_pkg::TO_OUTPUT] ? output_q : maps_base);
    resolved[rvg_engine_pkg::WEIGHT_ADDR +: 32] = block_tdata[rvg_engine_pkg::WEIGHT_ADDR +: 32] + image_base;
  end

  always_ff @(posedge clk) begin
    if (m_axis_tready) m_axis_tvalid <= 1'b0;
    if (read_tready) read_tvalid <= 1'b0;
    on_way_q  <= on_way_q + 2'(request) - 2'(take);
    wrong     <= found;
    seen_q    <= block_tvalid && !take;
    checked_q <= seen_q && !take;

    if (start && !active_q) begin
      active_q          <= frames != '0 && aligned;
      if (!aligned) error <= rvg_engine_pkg::FETCH_ADDRESS;
      header_q          <= 1'b1;
      request_header_q  <= 1'b1;
      request_address_q <= image_base;
      frames_q          <= frames;
      input_q           <= input_base;
      output_q          <= output_base;
      unrequested_q     <= '0;
    end
    if (request) begin
      read_tvalid       <= 1'b1;
      read_tdata        <= {24'(BEATS), request_address_q};
      request_header_q  <= 1'b0;
      request_address_q <= request_address_q + 32'(BYTES);
      if (!request_header_q) unrequested_q <= unrequested_q - 1'b1;
    end
    if (take && wrong != rvg_engine_pkg::FETCH_OK) begin
      error    <= wrong;
      active_q <= 1'b0;
    end else if (take && header_q) begin
      header_q          <= 1'b0;
      program_q         <= image_base + block_tdata[rvg_engine_pkg::HEADER_PROGRAM +: 32];
      request_address_q <= image_base + block_tdata[rvg_engine_pkg::HEADER_PROGRAM +: 32];
      count_q           <= block_tdata[rvg_engine_pkg::HEADER_COUNT +: 32];
      unrequested_q     <= block_tdata[rvg_engine_pkg::HEADER_COUNT +: 32];
      left_q            <= block_tdata[rvg_engine_pkg::HEADER_COUNT +: 32];
    end else if (frame_end) begin
      frames_q          <= frames_q - 1'b1;
      active_q          <= frames_q != 32'd1;
      request_address_q <= program_q;
      unrequested_q     <= count_q;
      left_q            <= count_q;
      input_q           <= input_q + input_stride;
      output_q          <= output_q + output_stride;
    end else if (take) begin
      m_axis_tdata  <= resolved;
      m_axis_tvalid <= 1'b1;
      left_q        <= left_q - 1'b1;
      issued        <= issued + 1'b1;
    end

    if (rst) begin
      active_q      <= 1'b0;
      on_way_q      <= '0;
      seen_q        <= 1'b0;
      checked_q     <= 1'b0;
      error         <= rvg_engine_pkg::FETCH_OK;
      issued        <= '0;
      read_tvalid   <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
