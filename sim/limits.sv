// SPDX-License-Identifier: Apache-2.0
// limits: how often each buffer of a design was full, and empty, and went on from there.
//
// Compiled in for `simulate --stalls` alone. The library knows nothing of it: the probes are bound to its modules, so
// what is simulated is what is synthesised. When the simulation ends, each probe appends a line to +limits=FILE:
//
//   <instance path> <times>
//
// repvgg_hw/targets/verilog/limits.py says which lines a design must give, and what they mean.

`default_nettype none

// A limit counts when it is left again: a buffer that is full when the simulation ends, or empty before its first
// beat, has shown nothing.
module limit_probe (
  input  wire logic clk,
  input  wire logic rst,
  input  wire logic at_limit
);

  logic        at_limit_q, used_q;
  logic [31:0] times_q;
  string       path;
  integer      file;

  always_ff @(posedge clk) begin
    at_limit_q <= at_limit;
    used_q     <= used_q || !at_limit;
    if (at_limit_q && !at_limit && used_q) times_q <= times_q + 1;
    if (rst) begin
      at_limit_q <= 1'b0;
      used_q     <= 1'b0;
      times_q    <= '0;
    end
  end

  final begin
    if ($value$plusargs("limits=%s", path)) begin
      file = $fopen(path, "a");
      $fdisplay(file, "%m %0d", times_q);
      $fclose(file);
    end
  end

endmodule

// Every row of the ring is taken, so that the input waits; every row has been given back.
bind rvg_window_buffer limit_probe u_full (.clk, .rst, .at_limit(!s_axis_tready));
bind rvg_window_buffer limit_probe u_empty (.clk, .rst, .at_limit(32'(more_q) == 32'(lack_q)));

// Both halves wait to be read; neither does.
bind rvg_replay limit_probe u_full (.clk, .rst, .at_limit(both_q));
bind rvg_replay limit_probe u_empty (.clk, .rst, .at_limit(!some_q));

// Every place of the input transform where a word may wait holds one.
bind rvg_winograd_input_transform limit_probe u_full (
  .clk, .rst, .at_limit(middle_full_q && gathered_all_q && m_axis_tvalid)
);

// No room is left for one more set; all that was reserved is there, so the buffer is as full as its credits let it be.
bind rvg_credit_fifo limit_probe u_exhausted (.clk, .rst, .at_limit(!start_ok));
bind rvg_credit_fifo limit_probe u_full (
  .clk, .rst, .at_limit(!start_ok && 32'(u_fifo.count_q) + 32'(spare_q) + SET == DEPTH)
);
bind rvg_credit_fifo limit_probe u_empty (.clk, .rst, .at_limit(!m_axis_tvalid));

// Every tile row is reserved; every one is complete and waits to be read; none is.
bind rvg_tile_to_raster limit_probe u_exhausted (.clk, .rst, .at_limit(free_q == '0));
bind rvg_tile_to_raster limit_probe u_full (.clk, .rst, .at_limit(full_q == COUNT_W'(BUFFERS)));
bind rvg_tile_to_raster limit_probe u_empty (.clk, .rst, .at_limit(full_q == '0));

// The FIFO of sums.
bind rvg_global_sum limit_probe u_full (.clk, .rst, .at_limit(!sum_ready));
bind rvg_global_sum limit_probe u_empty (.clk, .rst, .at_limit(!m_axis_tvalid));

// Every register of a width converter is taken.
bind rvg_stream_upsize limit_probe u_full (.clk, .rst, .at_limit(!s_axis_tready));
bind rvg_stream_downsize limit_probe u_full (.clk, .rst, .at_limit(!s_axis_tready));

`default_nettype wire
