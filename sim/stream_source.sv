// SPDX-License-Identifier: Apache-2.0
// stream_source: plays a binary file into a stream, inside the simulation.
//
// The file holds one value after another, low lanes first, each in ceil(LANE_W/8) bytes, low byte first.
// The file is +data=FOLDER's NAME.bin; it holds +images=N frames of BEATS beats, which begin again after the last
// one. +frames=N are sent, and more for as long as not `enough`, up to +most=N. No beat begins in a cycle with `pause`;
// once valid, a beat stays until it is taken.

`default_nettype none

module stream_source #(
  parameter int LANES  = 1,
  parameter int LANE_W = 8,
  parameter int BEATS  = 64,
  parameter     NAME   = "input"
) (
  input  wire logic                    clk,
  input  wire logic                    rst,
  input  wire logic                    pause,
  input  wire logic                    enough,
  output      logic                    frame_start,  // the next beat to begin is the first of a frame
  output      logic [31:0]             begun,        // frames
  output      logic                    finished,     // no further one will begin
  output      logic [LANES*LANE_W-1:0] m_axis_tdata,
  output      logic                    m_axis_tvalid,
  output      logic                    m_axis_tlast,
  input  wire logic                    m_axis_tready
);

  localparam int BYTES = (LANE_W + 7) / 8;

  string                folder;
  integer               file;
  logic [31:0]          frames, images, most;
  logic [31:0]          beat_q;
  logic [31:0]          read_q;  // frames of the file, since its beginning
  logic [8*BYTES-1:0]   value;
  logic [LANES*LANE_W-1:0] next;

  assign m_axis_tlast = beat_q == 32'(BEATS - 1);
  assign finished     = frame_start && begun >= frames && (enough || begun >= most);
  assign frame_start  = m_axis_tvalid ? m_axis_tlast : beat_q == 0;

  initial begin
    if (!$value$plusargs("data=%s", folder) || !$value$plusargs("frames=%d", frames)) begin
      $fatal(1, "%m: needs +data=FOLDER and +frames=N");
    end
    if (!$value$plusargs("images=%d", images)) images = frames;
    if (!$value$plusargs("most=%d", most)) most = frames;
    file = $fopen($sformatf("%s/%s.bin", folder, NAME), "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/%s.bin", folder, NAME);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      beat_q        <= '0;
      begun         <= '0;
      read_q        <= '0;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (m_axis_tvalid && m_axis_tready) begin
        beat_q <= m_axis_tlast ? '0 : beat_q + 1;
        m_axis_tvalid <= 1'b0;
      end
      if ((!m_axis_tvalid || m_axis_tready) && !pause && !finished) begin
        if (frame_start) begin
          if (read_q == images) $rewind(file);
          read_q <= read_q == images ? 1 : read_q + 1;
          begun  <= begun + 1;
        end
        for (int i = 0; i < LANES; i++) begin
          for (int b = 0; b < BYTES; b++) value[8*b +: 8] = 8'($fgetc(file));
          next[LANE_W*i +: LANE_W] = value[LANE_W-1:0];
        end
        m_axis_tdata  <= next;
        m_axis_tvalid <= 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
