// SPDX-License-Identifier: Apache-2.0
// engine_sum_check: compares the pool's sums with a binary file, whenever the linear layer reads one.
//
// The file is +data=FOLDER's sums.bin: for each frame, `channels` sums of 4 bytes (at most MOST), low byte first. The first
// difference is written to `log` as `sum <frame> <channel> <expected> <got>` and raises `failed`. `reads` counts what was compared.

`default_nettype none

module engine_sum_check #(
  parameter int MOST   = 1,
  parameter int FRAMES = 1,
  parameter int ADDR_W = 1
) (
  input  wire logic              clk,
  input  wire logic              rst,
  input  wire integer            log,
  input  wire logic [31:0]       channels,
  input  wire logic              frame_end,  // the linear layer is done
  input  wire logic              en,
  input  wire logic [ADDR_W-1:0] addr,
  input  wire logic [31:0]       data,       // a cycle later
  output      logic [31:0]       reads,
  output      logic              failed
);

  logic [7:0]        expected [4*MOST*FRAMES];
  string             folder;
  integer            file;
  logic              en_q;
  logic [ADDR_W-1:0] addr_q;
  logic [31:0]       frame_q, frame_of_q, want;
  int                place;

  initial begin
    if (!$value$plusargs("data=%s", folder)) $fatal(1, "%m: needs +data=FOLDER");
    file = $fopen({folder, "/sums.bin"}, "rb");
    if (file == 0) $fatal(1, "%m: cannot open %s/sums.bin", folder);
    void'($fread(expected, file));
    $fclose(file);
  end

  always_comb begin
    place = 4 * (int'(frame_of_q) * int'(channels) + int'(addr_q));
    want  = {expected[place + 3], expected[place + 2], expected[place + 1], expected[place]};
  end

  always_ff @(posedge clk) begin
    en_q       <= en;
    addr_q     <= addr;
    frame_of_q <= frame_q;
    if (frame_end) frame_q <= frame_q + 1;
    if (en_q) begin
      reads <= reads + 1;
      if (data != want && !failed) begin
        $fdisplay(log, "sum %0d %0d %0d %0d", frame_of_q, addr_q, want, data);
        $fflush(log);
        failed <= 1'b1;
      end
    end
    if (rst) begin
      en_q    <= 1'b0;
      frame_q <= '0;
      reads   <= '0;
      failed  <= 1'b0;
    end
  end

endmodule

`default_nettype wire
