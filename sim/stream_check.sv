// SPDX-License-Identifier: Apache-2.0
// stream_check: compares every beat of a stream with a binary file, inside the simulation.
//
// The file is +data=FOLDER's NAME.bin, laid out as stream_source's. The first difference is written to `log` as
//   mismatch <NAME> <frame> <beat> <expected> <got>        (hexadecimal beats)
// and every frame's last beat as
//   frame <NAME> <frame> <cycle> <beats of that frame that differ>
// and, when the simulation ends, how far the stream came as `end <NAME> <frame> <beat>`.
// A beat after +frames=N frames is written as `surplus <NAME> <frame> <beat>`.
// `done` rises when N frames have passed, compared to the last beat.

`default_nettype none

module stream_check #(
  parameter int LANES  = 1,
  parameter int LANE_W = 8,
  parameter int BEATS  = 64,
  parameter     NAME   = "stream"
) (
  input  wire logic                    clk,
  input  wire logic                    rst,
  input  wire integer                  log,
  input  wire logic [63:0]             cycle,
  input  wire logic [LANES*LANE_W-1:0] tdata,
  input  wire logic                    tvalid,
  input  wire logic                    tready,
  output      logic                    done,
  output      logic                    failed
);

  localparam int BYTES = (LANE_W + 7) / 8;

  string                   folder;
  integer                  file;
  logic [31:0]             frames;
  logic [31:0]             beat_q, frame_q, bad_q;
  logic                    differs;
  logic [8*BYTES-1:0]      value;
  logic [LANES*LANE_W-1:0] expected;

  assign done = frame_q == frames;

  initial begin
    if (!$value$plusargs("data=%s", folder) || !$value$plusargs("frames=%d", frames)) begin
      $fatal(1, "%m: needs +data=FOLDER and +frames=N");
    end
    file = $fopen($sformatf("%s/%s.bin", folder, NAME), "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/%s.bin", folder, NAME);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      beat_q  <= '0;
      frame_q <= '0;
      bad_q   <= '0;
      failed  <= 1'b0;
    end else if (tvalid && tready) begin
      for (int i = 0; i < LANES; i++) begin
        for (int b = 0; b < BYTES; b++) value[8*b +: 8] = 8'($fgetc(file));
        expected[LANE_W*i +: LANE_W] = value[LANE_W-1:0];
      end
      differs = tdata != expected;
      bad_q <= bad_q + 32'(differs);
      if (differs && !failed) begin
        failed <= 1'b1;
        $fdisplay(log, "mismatch %s %0d %0d %h %h", NAME, frame_q, beat_q, expected, tdata);
      end
      if (done && !failed) begin
        failed <= 1'b1;
        $fdisplay(log, "surplus %s %0d %0d", NAME, frame_q, beat_q);
      end
      if (beat_q == 32'(BEATS - 1)) begin
        $fdisplay(log, "frame %s %0d %0d %0d", NAME, frame_q, cycle, bad_q + 32'(differs));
        $fflush(log);
        beat_q  <= '0;
        bad_q   <= '0;
        frame_q <= frame_q + 1;
      end else begin
        beat_q <= beat_q + 1;
      end
    end
  end

  final $fdisplay(log, "end %s %0d %0d", NAME, frame_q, beat_q);

endmodule

`default_nettype wire
