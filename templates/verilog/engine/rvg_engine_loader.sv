// SPDX-License-Identifier: Apache-2.0
// rvg_engine_loader: instructions -> commands to read rows of pixels, and what stands in them.
//
//   for g < groups, word < words, ty < tiles_y:   one set: N rows of the word's channels
//     for channels of the word: for rows of the window that are in the map and not in the banks: line_beats beats
//
// Golden : docs/engine.md, the order of work; repvgg_hw/plan/engine/instruction.py, the fields
// In     : every instruction, in order; taken when its last set has been asked for. One that is no convolution is only counted.
// Out    : commands {beats[24], addr} for rvg_axi_read: one for each row, or one for all rows of a channel where they are
//          contiguous (load_whole). For each set, before its commands, a description for rvg_engine_row_banks and one for
//          rvg_engine_windows.
// Shared : rows in which windows overlap those below, two, at stride 2 one, are loaded once: the banks write them for both
//          sets. Not where two lines do not fit a bank, nor for a last set that would have no row of its own.
// Waits  : for room of line_beats beats in every bank; for each channel, until the instruction that it depends on has stored
//          it, by stored_count (instructions that are wholly stored, modulo 2^16) and stored_channels (of the next one).
// Rate   : a set of one channel in 6 cycles and one for each further row that has a command of its own.

`default_nettype none

module rvg_engine_loader #(
  parameter int N          = 5,
  parameter int PI         = 1,
  parameter int T_MAX      = 16,
  parameter int LINE_DEPTH = 64,
  parameter int ADDR_W     = 32,
  localparam int LANE_W    = $clog2(PI + 1),
  localparam int ROW_W     = $clog2(N + 1),
  localparam int LINE_W    = $clog2(LINE_DEPTH + 1),
  localparam int TILE_W    = $clog2(T_MAX + 1),
  localparam int ROWS_W    = LANE_W + 4 + ROW_W + LINE_W,
  localparam int SET_W     = 3 + ROW_W + TILE_W + 32 + LINE_W
) (
  input  wire logic                                      clk,
  input  wire logic                                      rst,

  input  wire logic [rvg_engine_pkg::INSTRUCTION_W-1:0]  s_cmd_tdata,
  input  wire logic                                      s_cmd_tvalid,
  output      logic                                      s_cmd_tready,

  input  wire logic [15:0]                               stored_count,
  input  wire logic [15:0]                               stored_channels,
  input  wire logic                                      freed,  // a set of so many beats was read
  input  wire logic [LINE_W-1:0]                         freed_beats,

  output      logic [24+ADDR_W-1:0]                      m_read_tdata,
  output      logic                                      m_read_tvalid,
  input  wire logic                                      m_read_tready,
  output      logic [ROWS_W-1:0]                         m_rows_tdata,  // {lanes, rows shared, first row, rows, line_beats}
  output      logic                                      m_rows_tvalid,
  input  wire logic                                      m_rows_tready,
  output      logic [SET_W-1:0]                          m_set_tdata,   // see below
  output      logic                                      m_set_tvalid,
  input  wire logic                                      m_set_tready
);

  localparam logic [2:0] START = 3'd0, SET = 3'd1, LANE = 3'd2, WAIT = 3'd3, ROW = 3'd4, NEXT = 3'd5, TURN = 3'd6, TAKE = 3'd7;

  // ---- the instruction, which stays until it is taken
  wire              conv       = s_cmd_tdata[rvg_engine_pkg::OP +: rvg_engine_pkg::OP_W] == rvg_engine_pkg::OP_CONV;
  wire [15:0]       depends    = s_cmd_tdata[rvg_engine_pkg::DEPENDS +: 16];
  wire [ADDR_W-1:0] plane      = ADDR_W'(s_cmd_tdata[rvg_engine_pkg::LOAD_PLANE +: 32]);
  wire [ADDR_W-1:0] step       = ADDR_W'(s_cmd_tdata[rvg_engine_pkg::LOAD_STEP +: 32]);
  wire [ADDR_W-1:0] pitch      = ADDR_W'(s_cmd_tdata[rvg_engine_pkg::LOAD_PITCH +: 32]);
  wire [LINE_W-1:0] line_beats = LINE_W'(s_cmd_tdata[rvg_engine_pkg::LOAD_LINE_BEATS +: 16]);
  wire              whole      = s_cmd_tdata[rvg_engine_pkg::LOAD_WHOLE];
  wire [7:0]        tiles_y    = s_cmd_tdata[rvg_engine_pkg::TILES_Y +: 8];
  wire [15:0]       words      = s_cmd_tdata[rvg_engine_pkg::WORDS +: 16];
  wire [15:0]       groups     = s_cmd_tdata[rvg_engine_pkg::GROUPS +: 16];

  logic [2:0]        state_q;
  logic [15:0]       number_q;                      // of the instruction
  logic [15:0]       target_q;                      // of the one that it depends on
  logic [15:0]       word_q, group_q;
  logic [7:0]        ty_q;                          // row of tiles; first_ty, last_ty, last_word: registers beside it
  logic [LANE_W-1:0] lane_q, lanes;
  logic [15:0]       channel_q, word_channel_q;     // the lane's, and that of the word's first lane
  logic [ADDR_W-1:0] set_addr_q, next_word_q, lane_addr_q, row_addr_q;
  logic [ROW_W-1:0]  rows, rows_q, row_q;           // rows_q, first_row_q: of the set whose lanes are asked for
  logic [23:0]       beats_q;
  logic [LINE_W-1:0] free_q;                        // beats of every bank
  logic              first_ty, last_ty, last_word, last_group, last_lane, skip, push, stored_q;
  logic              shares, own;                   // sets of the instruction; the last one has rows of its own
  logic [1:0]        overlap, kept, shared, first_row, first_row_q;
  logic [ROW_W-1:0]  below;
  logic [LINE_W:0]   needed;                        // beats of every bank
  logic [15:0]       ahead;

  assign lanes      = last_word ? LANE_W'(s_cmd_tdata[rvg_engine_pkg::IN_LANES +: 8]) : LANE_W'(PI);
  assign skip       = first_ty && s_cmd_tdata[rvg_engine_pkg::TOP];
  assign below      = last_ty ? ROW_W'(s_cmd_tdata[rvg_engine_pkg::BOTTOM +: 8]) : '0;
  assign overlap    = s_cmd_tdata[rvg_engine_pkg::STRIDE2] ? 2'd1 : 2'd2;
  assign shares     = N > 3 && {line_beats, 1'b0} <= (LINE_W+1)'(LINE_DEPTH);
  assign own        = s_cmd_tdata[rvg_engine_pkg::BOTTOM +: 8] != 8'(N - 2);
  assign kept       = shares && !first_ty && (!last_ty || own) ? overlap : 2'd0;
  assign shared     = shares && !last_ty ? overlap : 2'd0;
  assign first_row  = kept | 2'(skip);
  assign rows       = ROW_W'(N) - ROW_W'(first_row) - below;
  assign needed     = shared != '0 ? {line_beats, 1'b0} : {1'b0, line_beats};
  assign push       = state_q == SET && m_rows_tready && m_set_tready && {1'b0, free_q} >= needed;
  assign ahead      = stored_count - target_q;

  assign s_cmd_tready  = state_q == TAKE;
  assign m_read_tdata  = {beats_q, row_addr_q};
  assign m_read_tvalid = state_q == ROW;
  assign m_rows_tdata  = {lanes, shared, first_row, rows, line_beats};
  assign m_rows_tvalid = push;
  assign m_set_tdata   = {
    s_cmd_tdata[rvg_engine_pkg::STRIDE2], s_cmd_tdata[rvg_engine_pkg::IN_SIGNED], skip, below,
    TILE_W'(s_cmd_tdata[rvg_engine_pkg::TILES_X +: 8]),
    s_cmd_tdata[rvg_engine_pkg::X_FIRST +: 16], s_cmd_tdata[rvg_engine_pkg::X_LIMIT +: 16], line_beats
  };
  assign m_set_tvalid  = push;

  // rows of line_beats beats: a product of few bits, no multiplier
  function automatic logic [23:0] beats_of(input logic [ROW_W-1:0] count, input logic [LINE_W-1:0] line);
    beats_of = '0;
    for (int i = 0; i < ROW_W; i++) beats_of = beats_of + (count[i] ? 24'(line) << i : '0);
  endfunction

  always_ff @(posedge clk) begin
    stored_q <= depends == '0 || ahead != '0 && !ahead[15] || ahead == '0 && stored_channels > channel_q;
    free_q   <= free_q - (push ? line_beats : '0) + (freed ? freed_beats : '0);

    // Looked at in NEXT and in TURN, cycles after what they are of has changed.
    last_group <= group_q == groups - 1'b1;
    last_lane  <= lane_q == lanes - 1'b1;

    case (state_q)
      START: begin
        target_q       <= number_q - depends;
        word_q         <= '0;
        last_word      <= words == 16'd1;
        group_q        <= '0;
        ty_q           <= '0;
        first_ty       <= 1'b1;
        last_ty        <= tiles_y == 8'd1;
        channel_q      <= '0;
        word_channel_q <= '0;
        set_addr_q     <= ADDR_W'(s_cmd_tdata[rvg_engine_pkg::LOAD_ADDR +: 32]);
        if (s_cmd_tvalid) state_q <= conv ? SET : TAKE;
      end
      SET: begin
        lane_q      <= '0;
        lane_addr_q <= set_addr_q;
        rows_q      <= rows;
        first_row_q <= first_row;
        if (push) state_q <= LANE;
      end
      LANE: begin
        row_q      <= whole ? ROW_W'(1) : rows_q;
        beats_q    <= whole ? beats_of(rows_q, line_beats) : 24'(line_beats);
        row_addr_q <= lane_addr_q + (first_row_q[0] ? pitch : '0) + (first_row_q[1] ? pitch << 1 : '0);
        state_q    <= WAIT;
      end
      WAIT: if (stored_q) state_q <= ROW;
      ROW: begin
        if (m_read_tready) begin
          row_addr_q <= row_addr_q + pitch;
          row_q      <= row_q - 1'b1;
          if (row_q == ROW_W'(1)) state_q <= NEXT;
        end
      end
      NEXT: begin
        lane_addr_q <= lane_addr_q + plane;
        lane_q      <= lane_q + 1'b1;
        channel_q   <= channel_q + 1'b1;
        state_q     <= last_lane ? TURN : LANE;
      end
      TURN: begin
        if (first_ty) next_word_q <= lane_addr_q;
        if (!last_ty) begin
          ty_q       <= ty_q + 1'b1;
          first_ty   <= 1'b0;
          last_ty    <= ty_q + 8'd2 == tiles_y;
          set_addr_q <= set_addr_q + step;
          channel_q  <= word_channel_q;
          state_q    <= SET;
        end else begin
          ty_q           <= '0;
          first_ty       <= 1'b1;
          last_ty        <= tiles_y == 8'd1;
          set_addr_q     <= first_ty ? lane_addr_q : next_word_q;
          word_channel_q <= channel_q;
          word_q         <= last_word ? '0 : word_q + 1'b1;
          last_word      <= last_word ? words == 16'd1 : word_q + 16'd2 == words;
          if (last_word) group_q <= group_q + 1'b1;
          state_q        <= last_word && last_group ? TAKE : SET;
        end
      end
      TAKE: begin
        number_q <= number_q + 1'b1;
        state_q  <= START;
      end
    endcase

    if (rst) begin
      state_q  <= START;
      number_q <= '0;
      free_q   <= LINE_W'(LINE_DEPTH);
    end
  end

`ifdef RVG_ASSERT
  rvg_assert #(.TEXT("rvg_engine_loader: more room is free than there is")) u_assert_room (
    .clk, .rst, .holds(free_q <= LINE_W'(LINE_DEPTH))
  );
  rvg_assert_stream #(
    .TEXT("rvg_engine_loader: an instruction did not stay until it was taken"), .WIDTH(rvg_engine_pkg::INSTRUCTION_W)
  ) u_assert_stays (
    .clk, .rst, .tdata(s_cmd_tdata), .tvalid(s_cmd_tvalid), .tready(s_cmd_tready)
  );
`endif

endmodule

`default_nettype wire
