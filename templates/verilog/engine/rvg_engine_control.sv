// SPDX-License-Identifier: Apache-2.0
// rvg_engine_control: a run from start to done, or to an error code and an engine that is ready for the next run.
//
// Run    : `fetch_start`, until fetch is finished, as many instructions are stored as it issued, and no linear layer is at work.
//          `frame_done` each time that the instructions of a frame are stored and its linear layer, which may take longer than
//          what follows it, is done. What is left over in the end (not `at_rest`) is of a program that is none.
// Error  : of fetch, of a port, by `stop`, or because nothing moved for `watchdog` cycles (0: never).
// End    : of every run: no new burst is begun (`halt`), what is on its way on the ports ends, then every unit is reset
//          (`unit_rst`), so that nothing of a run is left to the next one, then `done` with a code.
// Bus    : ports that do not come to rest for `watchdog` cycles are an error of their own, said at once. They are left as they
//          are, so that no rule is broken, and each further start ends with this error, until they are at rest or `rst`.
// Codes  : rvg_engine_pkg::ERROR_*; the first error counts.

`default_nettype none

module rvg_engine_control (
  input  wire logic        clk,
  input  wire logic        rst,

  input  wire logic        start,
  input  wire logic        stop,
  input  wire logic [31:0] watchdog,
  output      logic        busy,
  output      logic        done,         // pulse
  output      logic [7:0]  code,         // of the last run, valid from done on

  output      logic        fetch_start,
  input  wire logic        fetch_finished,
  input  wire logic [2:0]  fetch_error,
  input  wire logic [15:0] issued,
  input  wire logic [31:0] frame_length, // instructions of a frame
  input  wire logic [15:0] stored,
  input  wire logic        linear_busy,  // a linear layer, counted as stored, is not done
  input  wire logic        weight_read_error,
  input  wire logic        data_read_error,
  input  wire logic        data_write_error,
  input  wire logic        progress,
  input  wire logic        ports_idle,
  input  wire logic        at_rest,      // no instruction and no data waits for a unit
  output      logic        frame_done,   // pulse
  output      logic        halt,
  output      logic        unit_rst
);

  localparam logic [1:0] IDLE  = 2'd0;
  localparam logic [1:0] RUN   = 2'd1;
  localparam logic [1:0] HALT  = 2'd2;
  localparam logic [1:0] CLEAR = 2'd3;

  logic [1:0]  state_q;
  logic [31:0] still_q;   // cycles without progress
  logic [1:0]  clear_q;
  logic        expired, idle_q, told_q;   // told: `done` was given, the ports are not at rest yet
  logic        advances, frame_stored, frame_waits_q;  // waits: for its linear layer
  logic [15:0] stored_q;
  logic [31:0] of_frame_q, of_frame;      // instructions of the frame that are stored
  logic [7:0]  found;

  assign busy     = state_q != IDLE;
  assign halt     = state_q == HALT;
  assign unit_rst = rst || state_q == CLEAR;
  assign expired  = watchdog != '0 && still_q >= watchdog;
  assign advances = state_q == RUN && stored != stored_q;
  assign of_frame = of_frame_q + 1'b1;

  assign frame_stored = advances && of_frame == frame_length;

  always_comb begin
    found = rvg_engine_pkg::ERROR_NONE;
    if      (stop)                                          found = rvg_engine_pkg::ERROR_ABORT;
    else if (weight_read_error)                             found = rvg_engine_pkg::ERROR_WEIGHT_READ;
    else if (data_read_error)                               found = rvg_engine_pkg::ERROR_DATA_READ;
    else if (data_write_error)                              found = rvg_engine_pkg::ERROR_DATA_WRITE;
    else if (fetch_error == rvg_engine_pkg::FETCH_MAGIC)    found = rvg_engine_pkg::ERROR_MAGIC;
    else if (fetch_error == rvg_engine_pkg::FETCH_VERSION)  found = rvg_engine_pkg::ERROR_VERSION;
    else if (fetch_error == rvg_engine_pkg::FETCH_ENGINE)   found = rvg_engine_pkg::ERROR_ENGINE;
    else if (fetch_error == rvg_engine_pkg::FETCH_PROGRAM)  found = rvg_engine_pkg::ERROR_PROGRAM;
    else if (fetch_error == rvg_engine_pkg::FETCH_ADDRESS)  found = rvg_engine_pkg::ERROR_ADDRESS;
    else if (expired)                                       found = rvg_engine_pkg::ERROR_WATCHDOG;
  end

  always_ff @(posedge clk) begin
    fetch_start <= 1'b0;
    done        <= told_q && start;
    still_q     <= progress || state_q == IDLE ? '0 : still_q + 1'b1;
    idle_q      <= ports_idle;
    clear_q     <= clear_q + 1'b1;
    stored_q    <= stored;
    frame_done  <= (frame_stored || frame_waits_q) && !linear_busy;
    if (advances) of_frame_q <= frame_stored ? '0 : of_frame;
    frame_waits_q <= (frame_stored || frame_waits_q) && linear_busy;

    case (state_q)
      IDLE: begin
        of_frame_q    <= '0;
        frame_waits_q <= 1'b0;
        told_q        <= 1'b0;
        if (start && !told_q) begin
          fetch_start <= 1'b1;
          state_q     <= RUN;
        end
      end

      RUN: begin
        if (found != rvg_engine_pkg::ERROR_NONE || !fetch_start && fetch_finished && issued == stored && !linear_busy) begin
          code    <= found == rvg_engine_pkg::ERROR_NONE && !at_rest ? rvg_engine_pkg::ERROR_PROGRAM : found;
          state_q <= HALT;
          still_q <= '0;
        end
      end

      HALT: begin  // a port is idle only if it was so a cycle ago, too: a burst may just have begun
        if (ports_idle && idle_q) begin
          clear_q <= '0;
          state_q <= CLEAR;
        end else if (expired && !told_q) begin
          code   <= rvg_engine_pkg::ERROR_BUS;
          done   <= 1'b1;
          told_q <= 1'b1;
        end
      end

      default: begin  // CLEAR
        if (clear_q == '1) begin
          if (!told_q) done <= 1'b1;
          state_q <= IDLE;
        end
      end
    endcase

    if (rst) begin
      state_q     <= IDLE;
      fetch_start <= 1'b0;
      done        <= 1'b0;
      frame_done  <= 1'b0;
      told_q      <= 1'b0;
      code        <= rvg_engine_pkg::ERROR_NONE;
    end
  end

endmodule

`default_nettype wire
