// SPDX-License-Identifier: Apache-2.0
// RowRing: which words of a map a process writes into its ring of rows while it reads others.
//
// Work goes in slots: in a slot the rows of one row of windows (or tiles) are read. The writer runs ahead as far as
// the ring has room, rows of the next frame behind those of this one; the reader follows it word by word. So a
// frame takes as many iterations as its reads or its writes, whichever are more: none is lost from slot to slot or
// from frame to frame.
//
// G gives HEIGHT, ROW_WORDS (writes of an input row), SLOTS (per frame), SLOT_READS, STEP (input rows from slot
// to slot), REACH (slot s needs the rows s*STEP - 1 .. s*STEP + REACH - 1, where they exist), and FIRST_NEED and
// LAST_NEED: the word of the last of these rows up to which a slot's first and last read need it.
//
// Whether a read may go is one register's sign, and what a read adds to the need is known before it goes: the way from
// that register to itself is an addition and a choice, whatever else a position takes to compute.

#ifndef REPVGG_RING_HPP
#define REPVGG_RING_HPP

#include "settling.hpp"

namespace repvgg {

template <class G>
struct RowRing {
  // Rows so short that a slot is over before what it wrote has settled: a few more of them bridge that.
  static const int SPARE = G::ROW_WORDS > 4 * SETTLE ? 0 : ceil_div(2 * SETTLE, G::ROW_WORDS);
  static const int ROWS = G::REACH + 1 + G::STEP + SPARE;
  static const int SLOT_WORDS = G::STEP * G::ROW_WORDS;
  // From the last slot of a frame to the first of the next, in input rows.
  static const int FRAME_STEP = G::HEIGHT - (G::SLOTS - 1) * G::STEP;
  // The last row that a slot needs is STEP further on than the slot's before, for so many slots; then it is the map's.
  static const int MOVES = G::HEIGHT > G::REACH ? (G::HEIGHT - G::REACH) / G::STEP : 0;
  static const int ABOVE = ((G::HEIGHT < G::REACH ? G::HEIGHT : G::REACH) - 1) * G::ROW_WORDS;  // words before the first's
  static const int LAST_MOVE = (G::HEIGHT - 1) * G::ROW_WORDS - ABOVE - MOVES * SLOT_WORDS;
  static const int MOVED = G::SLOTS - 1 <= MOVES ? (G::SLOTS - 1) * SLOT_WORDS : MOVES * SLOT_WORDS + LAST_MOVE;
  // From the last slot's to the next frame's first.
  static const int FRAME_MOVE = G::HEIGHT * G::ROW_WORDS - MOVED;

  int unread;                // frames that are not read to their end
  int slot, reads;           // being read; reads are left in the slot
  int top, origin;           // input row slot*STEP, and its ring index
  int ahead;                 // words that may be read, beyond those that the next read needs
  int write_row, write_at;   // ring index and word of the next write
  int unwritten, write_y;    // frames that are not written to their end; input row of the next write
  int room;                  // words that may be written, less one: a sign tells whether one may
  int written, freed;        // in this iteration
  int coming;                // what `ahead` will be
  Settling writes, frees;

  void start(int frames) {
#pragma HLS INLINE
    slot = top = origin = write_row = write_at = write_y = 0;
    unread = unwritten = frames;
    reads = G::SLOT_READS;
    ahead = -(ABOVE + G::FIRST_NEED) - 1;
    room = ROWS * G::ROW_WORDS - 1;
    writes.start();
    frees.start();
  }

  // Ring index of input row slot*STEP + offset, -1 <= offset < ROWS - 1.
  int index(int offset) const {
#pragma HLS INLINE
    const int i = origin + offset;
    return i < 0 ? i + ROWS : i >= ROWS ? i - ROWS : i;
  }
  // Whether that row lies on the map.
  bool inside(int offset) const {
#pragma HLS INLINE
    return top + offset >= 0 && top + offset < G::HEIGHT;
  }

  // Begins an iteration.
  void begin() {
#pragma HLS INLINE
    coming = ahead + writes.arriving();
    written = freed = 0;
  }
  bool may_write() const { return unwritten > 0 && room >= 0; }
  // Returns whether that was a row's last word.
  bool wrote() {
#pragma HLS INLINE
    --room;
    written = 1;
    if (write_at != G::ROW_WORDS - 1) {
      ++write_at;
      return false;
    }
    write_at = 0;
    write_row = write_row == ROWS - 1 ? 0 : write_row + 1;
    if (write_y == G::HEIGHT - 1) --unwritten;
    write_y = write_y == G::HEIGHT - 1 ? 0 : write_y + 1;
    return true;
  }

  // Whether what the next read needs has arrived. A sign, so that little stands between this register and itself.
  bool may_read() const { return ahead >= 0; }
  // step: words that the read behind this one needs beyond it, in the slot. Returns whether this was the slot's last.
  bool read(int step) {
#pragma HLS INLINE
    if (reads != 1) {
      --reads;
      coming -= step;
      return false;
    }
    reads = G::SLOT_READS;
    const bool last = slot == G::SLOTS - 1;
    if (last) --unread;
    // A frame's last slot is over when all its rows have been read; a first slot keeps the row above the next.
    const int first_row = G::SLOTS == 1 ? 0 : (G::SLOTS - 1) * G::STEP - 1;
    freed = last ? (G::HEIGHT - first_row) * G::ROW_WORDS : slot == 0 ? SLOT_WORDS - G::ROW_WORDS : SLOT_WORDS;
    const int move = last ? FRAME_MOVE : slot < MOVES ? SLOT_WORDS : slot == MOVES ? LAST_MOVE : 0;
    coming -= move + G::FIRST_NEED - G::LAST_NEED;
    slot = last ? 0 : slot + 1;
    top = last ? 0 : top + G::STEP;
    const int next = last ? origin + FRAME_STEP : origin + G::STEP;
    origin = next >= ROWS ? next - ROWS : next;
    return true;
  }

  // Ends an iteration.
  void settle() {
#pragma HLS INLINE
    ahead = coming;
    writes.pass(written);
    room += frees.pass(freed);
  }
};

}  // namespace repvgg

#endif
