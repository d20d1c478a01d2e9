// SPDX-License-Identifier: Apache-2.0
// stream_source: plays a binary file into a stream, inside the simulation.
//
// The file holds one value after another, low lanes first, each in ceil(LANE_W/8) bytes, low byte first.
// The file is +data=FOLDER's NAME.bin. +frames=N frames of BEATS beats are sent. With +stalls=SEED, SEED not 0,
// the stream pauses at random, reproducibly; once valid, a beat stays until it is taken.

`default_nettype none

module stream_source #(
  parameter int LANES  = 1,
  parameter int LANE_W = 8,
  parameter int BEATS  = 64,
  parameter     NAME   = "input"
) (
  input  wire logic                    clk,
  input  wire logic                    rst,
  output      logic [LANES*LANE_W-1:0] m_axis_tdata,
  output      logic                    m_axis_tvalid,
  output      logic                    m_axis_tlast,
  input  wire logic                    m_axis_tready
);

  localparam int BYTES = (LANE_W + 7) / 8;

  string                folder;
  integer               file;
  logic [31:0]          frames, stalls;
  logic [31:0]          beat_q, frame_q, lfsr_q;
  logic [8*BYTES-1:0]   value;
  logic [LANES*LANE_W-1:0] next;
  logic                 pause;

  assign m_axis_tlast = beat_q == 32'(BEATS - 1);
  assign pause        = stalls != 0 && lfsr_q[1:0] == 2'b00;

  initial begin
    if (!$value$plusargs("data=%s", folder) || !$value$plusargs("frames=%d", frames)) begin
      $fatal(1, "%m: needs +data=FOLDER and +frames=N");
    end
    if (!$value$plusargs("stalls=%d", stalls)) stalls = 0;
    file = $fopen($sformatf("%s/%s.bin", folder, NAME), "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/%s.bin", folder, NAME);
  end

  always_ff @(posedge clk) begin
    lfsr_q <= {lfsr_q[30:0], lfsr_q[31] ^ lfsr_q[21] ^ lfsr_q[1] ^ lfsr_q[0]};
    if (rst) begin
      lfsr_q        <= stalls * 32'd2654435761 + 32'd1;
      beat_q        <= '0;
      frame_q       <= '0;
      m_axis_tvalid <= 1'b0;
    end else begin
      if (m_axis_tvalid && m_axis_tready) begin
        beat_q <= m_axis_tlast ? '0 : beat_q + 1;
        if (m_axis_tlast) frame_q <= frame_q + 1;
        m_axis_tvalid <= 1'b0;
      end
      if ((!m_axis_tvalid || m_axis_tready) && !pause
          && frame_q + 32'(m_axis_tvalid && m_axis_tlast) != frames) begin
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
