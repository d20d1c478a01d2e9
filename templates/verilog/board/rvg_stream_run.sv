// SPDX-License-Identifier: Apache-2.0
// rvg_stream_run: runs of frames through a streaming design: counts them in and out, ends them, and cleans up.
//
// Run    : `start` with `frames` opens the input for so many frames. A frame is PIXELS beats of the input and, of the
//          results, the beats up to a tlast. `done` with `code` follows, 0 once the last result has been taken.
// Input  : tlast must come with a run's last pixel, and may come with any frame's: it is the end of a packet. Within
//          a frame the run ends with `short`, without it at the end with `long`; with `bad_bytes` at any time: `keep`.
// Output : the results, tlast on the run's last beat alone: a packet a run.
// core_rst: of everything between input and results; low in a run alone. So a run that is broken off leaves nothing.
// End    : a result that has been offered stays until it is taken, also where the run is broken off: `done` waits for it.
//          Once all results have been offered, the run has come to its end: a stop is then too late.
// Rate   : one beat per cycle on either side; a run's end takes 4 cycles.

`default_nettype none

module rvg_stream_run #(
  parameter int PIXELS  = 64,
  parameter int IN_W    = 8,
  parameter int OUT_W   = 32
) (
  input  wire logic             clk,
  input  wire logic             rst,

  input  wire logic             start,
  input  wire logic             stop,
  input  wire logic [31:0]      frames,
  input  wire logic [31:0]      watchdog,   // cycles without a beat, 0: any number
  input  wire logic             bad_bytes,
  output      logic             core_rst,
  output      logic             open,       // the input may be taken
  output      logic             done,
  output      logic [7:0]       code,
  output      logic             frame_done,

  input  wire logic [IN_W-1:0]  s_axis_pixel_tdata,
  input  wire logic             s_axis_pixel_tlast,
  input  wire logic             s_axis_pixel_tvalid,
  output      logic             s_axis_pixel_tready,
  output      logic [IN_W-1:0]  m_axis_pixel_tdata,
  output      logic             m_axis_pixel_tlast,   // of a frame
  output      logic             m_axis_pixel_tvalid,
  input  wire logic             m_axis_pixel_tready,

  input  wire logic [OUT_W-1:0] s_axis_result_tdata,
  input  wire logic             s_axis_result_tlast,  // of a frame
  input  wire logic             s_axis_result_tvalid,
  output      logic             s_axis_result_tready,
  output      logic [OUT_W-1:0] m_axis_result_tdata,
  output      logic             m_axis_result_tlast,  // of the run
  output      logic             m_axis_result_tvalid,
  input  wire logic             m_axis_result_tready
);

  localparam int PIXEL_W = PIXELS > 1 ? $clog2(PIXELS) : 1;
  localparam logic [1:0] SETTLE = 2'd3;  // cycles of reset between two runs, at least

  if (PIXELS < 1 || IN_W < 1 || OUT_W < 1) begin : g_check_positive
    rvg_error_parameter_below_1 u_error ();
  end

  logic               run_q, ending_q;  // neither: waiting for a start
  logic [PIXEL_W-1:0] pixel_q;
  logic [31:0]        in_q, out_q, still_q;  // frames to come, frames to leave, cycles without a beat
  logic [1:0]         settle_q;
  logic [7:0]         error;
  logic               pixel, frame_in, result, frame_out, taken, last, ready;

  assign core_rst = !run_q;
  assign open     = run_q && in_q != '0;

  // ---- the input, counted
  assign m_axis_pixel_tdata  = s_axis_pixel_tdata;
  assign m_axis_pixel_tlast  = pixel_q == PIXEL_W'(PIXELS - 1);
  assign m_axis_pixel_tvalid = s_axis_pixel_tvalid && open;
  assign s_axis_pixel_tready = m_axis_pixel_tready && open;
  assign pixel               = s_axis_pixel_tvalid && s_axis_pixel_tready;
  assign frame_in            = pixel && m_axis_pixel_tlast;

  // ---- the results, counted
  assign last                 = s_axis_result_tlast && out_q == 32'd1;
  assign s_axis_result_tready = ready && run_q;
  assign result               = s_axis_result_tvalid && s_axis_result_tready;
  assign frame_out            = result && s_axis_result_tlast;
  assign taken                = m_axis_result_tvalid && m_axis_result_tready;

  rvg_stream_reg #(.WIDTH(OUT_W + 1)) u_result (
    .clk, .rst,
    .s_axis_tdata({last, s_axis_result_tdata}), .s_axis_tvalid(s_axis_result_tvalid && run_q), .s_axis_tready(ready),
    .m_axis_tdata({m_axis_result_tlast, m_axis_result_tdata}), .m_axis_tvalid(m_axis_result_tvalid),
    .m_axis_tready(m_axis_result_tready)
  );

  // ---- what ends a run before its last result
  always_comb begin
    error = rvg_stream_registers_pkg::ERROR_NONE;
    if (watchdog != '0 && still_q == watchdog)              error = rvg_stream_registers_pkg::ERROR_WATCHDOG;
    if (bad_bytes)                                          error = rvg_stream_registers_pkg::ERROR_KEEP;
    if (pixel && s_axis_pixel_tlast && !frame_in)           error = rvg_stream_registers_pkg::ERROR_SHORT;
    if (frame_in && !s_axis_pixel_tlast && in_q == 32'd1)   error = rvg_stream_registers_pkg::ERROR_LONG;
    if (stop)                                               error = rvg_stream_registers_pkg::ERROR_ABORT;
  end

  assign frame_done = frame_out;

  always_ff @(posedge clk) begin
    done <= 1'b0;
    if (pixel) pixel_q <= m_axis_pixel_tlast ? '0 : pixel_q + 1'b1;
    in_q    <= in_q - 32'(frame_in);
    out_q   <= out_q - 32'(frame_out);
    still_q <= pixel || taken ? '0 : still_q + 1'b1;

    if (run_q) begin
      if (error != rvg_stream_registers_pkg::ERROR_NONE || out_q == '0 || frame_out && last) begin
        run_q    <= 1'b0;
        ending_q <= 1'b1;
        code     <= error;
      end
      settle_q <= SETTLE;
    end else if (ending_q) begin
      if (settle_q != '0) settle_q <= settle_q - 1'b1;
      else if (!m_axis_result_tvalid) begin
        ending_q <= 1'b0;
        done     <= 1'b1;
      end
    end else if (start) begin
      run_q   <= 1'b1;
      pixel_q <= '0;
      in_q    <= frames;
      out_q   <= frames;
      still_q <= '0;
    end

    if (rst) begin
      run_q    <= 1'b0;
      ending_q <= 1'b0;
      done     <= 1'b0;
    end
  end

endmodule

`default_nettype wire
