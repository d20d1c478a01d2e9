// SPDX-License-Identifier: Apache-2.0
// stream_check: compares every beat of a stream with a binary file, inside the simulation.
//
// The file is +data=FOLDER's NAME.bin, laid out as stream_source's, and begins again as there after +images=N frames.
// The first difference is written to `log` as
//   mismatch <NAME> <frame> <beat> <expected> <got>        (hexadecimal beats)
// and every frame's last beat as
//   frame <NAME> <frame> <cycle> <beats of that frame that differ>
// and, when the simulation ends, how far the stream came as `end <NAME> <frame> <beat>`.
// A beat of a frame that the source has not begun is written as `surplus <NAME> <frame> <beat>`.
// `done` rises when every frame of a source that has `finished` has passed, compared to the last beat.

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
  input  wire logic [31:0]             begun,     // frames, by the source
  input  wire logic                    finished,  // the source
  input  wire logic [LANES*LANE_W-1:0] tdata,
  input  wire logic                    tvalid,
  input  wire logic                    tready,
  output      logic                    done,
  output      logic                    failed
);

  localparam int BYTES = (LANE_W + 7) / 8;

  string                   folder;
  integer                  file;
  logic [31:0]             images;
  logic [31:0]             read_q;  // frames of the file, since its beginning
  logic [31:0]             beat_q, frame_q, bad_q;
  logic                    differs, surplus;
  logic [8*BYTES-1:0]      value;
  logic [LANES*LANE_W-1:0] expected;

  assign done    = finished && frame_q == begun;
  assign surplus = frame_q == begun;

  initial begin
    if (!$value$plusargs("data=%s", folder)) $fatal(1, "%m: needs +data=FOLDER");
    if (!$value$plusargs("images=%d", images)) images = '1;
    file = $fopen($sformatf("%s/%s.bin", folder, NAME), "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/%s.bin", folder, NAME);
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      beat_q  <= '0;
      frame_q <= '0;
      read_q  <= '0;
      bad_q   <= '0;
      failed  <= 1'b0;
    end else if (tvalid && tready) begin
      for (int i = 0; i < LANES; i++) begin
        for (int b = 0; b < BYTES; b++) value[8*b +: 8] = 8'($fgetc(file));
        expected[LANE_W*i +: LANE_W] = value[LANE_W-1:0];
      end
      differs = tdata != expected;
      bad_q <= bad_q + 32'(differs);
      if (!failed && (surplus || differs)) begin
        failed <= 1'b1;
        if (surplus) $fdisplay(log, "surplus %s %0d %0d", NAME, frame_q, beat_q);
        else         $fdisplay(log, "mismatch %s %0d %0d %h %h", NAME, frame_q, beat_q, expected, tdata);
      end
      if (beat_q == 32'(BEATS - 1)) begin
        $fdisplay(log, "frame %s %0d %0d %0d", NAME, frame_q, cycle, bad_q + 32'(differs));
        $fflush(log);
        beat_q  <= '0;
        bad_q   <= '0;
        frame_q <= frame_q + 1;
        read_q  <= read_q + 1;
        if (read_q + 1 == images) begin
          $rewind(file);
          read_q <= '0;
        end
      end else begin
        beat_q <= beat_q + 1;
      end
    end
  end

  final $fdisplay(log, "end %s %0d %0d", NAME, frame_q, beat_q);

endmodule

`default_nettype wire
