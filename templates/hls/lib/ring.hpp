// SPDX-License-Identifier: Apache-2.0
// RowRing: which words of a map a process writes into its ring of rows while it reads others.
//
// Work goes in slots: in a slot the rows of one row of windows (or tiles) are read. The writer runs ahead as far as
// the ring has room, rows of the next frame behind those of this one; the reader follows it word by word. So a
// frame takes as many iterations as its reads or its writes, whichever are more: none is lost from slot to slot or
// from frame to frame.
//
// G gives HEIGHT, ROW_WORDS (writes of an input row), SLOTS (per frame), SLOT_READS, STEP (input rows from slot
// to slot) and REACH (slot s needs the rows s*STEP - 1 .. s*STEP + REACH - 1, where they exist).

#ifndef REPVGG_RING_HPP
#define REPVGG_RING_HPP

#include "words.hpp"

namespace repvgg {

// Iterations that pass at least between the write of a word and its first read, and between its last read and its
// overwriting: more than the stages by which a tool may separate the two ports in the pipeline. This is what makes
// DEPENDENCE dependent=false true of the memories whose sides give way to each other through Settling.
static const int SETTLE = 4;

// Carries counts from one side of a memory to the other: each arrives SETTLE iterations later.
struct Settling {
  int line[SETTLE];
  void start() {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable=line complete
    for (int i = 0; i < SETTLE; ++i) {
#pragma HLS UNROLL
      line[i] = 0;
    }
  }
  // Once per iteration: takes this one's count and returns the one of SETTLE iterations ago.
  int pass(int count) {
#pragma HLS INLINE
    const int settled = line[SETTLE - 1];
    for (int i = SETTLE - 1; i > 0; --i) {
#pragma HLS UNROLL
      line[i] = line[i - 1];
    }
    line[0] = count;
    return settled;
  }
};

template <class G>
struct RowRing {
  // Rows so short that a slot is over before what it wrote has settled: a few more of them bridge that.
  static const int SPARE = G::ROW_WORDS > 4 * SETTLE ? 0 : ceil_div(2 * SETTLE, G::ROW_WORDS);
  static const int ROWS = G::REACH + 1 + G::STEP + SPARE;
  // From the last slot of a frame to the first of the next, in input rows.
  static const int FRAME_STEP = G::HEIGHT - (G::SLOTS - 1) * G::STEP;

  int frame, slot, reads;    // being read; reads are left in the slot
  int origin;                // ring index of input row slot*STEP
  int before_last;           // words of the frame before the last row that the slot needs
  int settled;               // words of the frame that may be read
  int write_row, write_at;   // ring index and word of the next write
  int unwritten;             // input rows, over all frames
  int room;                  // words that may be written
  int written, freed;        // in this iteration
  Settling writes, frees;

  void start(int frames) {
#pragma HLS INLINE
    frame = slot = origin = settled = write_row = write_at = written = freed = 0;
    reads = G::SLOT_READS;
    before_last = words_before_last(0);
    unwritten = frames * G::HEIGHT;
    room = ROWS * G::ROW_WORDS;
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
    return slot * G::STEP + offset >= 0 && slot * G::STEP + offset < G::HEIGHT;
  }

  bool may_write() const { return unwritten > 0 && room > 0; }
  // Returns whether that was a row's last word.
  bool wrote() {
#pragma HLS INLINE
    --room;
    written = 1;
    if (++write_at < G::ROW_WORDS) return false;
    write_at = 0;
    write_row = write_row == ROWS - 1 ? 0 : write_row + 1;
    --unwritten;
    return true;
  }

  // Whether the slot's rows may be read up to this word of each.
  bool may_read(int word) const { return settled > before_last + word; }
  // Returns whether that was the slot's last read.
  bool read() {
#pragma HLS INLINE
    if (--reads > 0) return false;
    reads = G::SLOT_READS;
    freed = (first_row(slot + 1) - first_row(slot)) * G::ROW_WORDS;
    if (++slot < G::SLOTS) {
      origin += G::STEP;
    } else {
      slot = 0;
      ++frame;
      settled -= G::HEIGHT * G::ROW_WORDS;
      origin += FRAME_STEP;
    }
    if (origin >= ROWS) origin -= ROWS;
    before_last = words_before_last(slot);
    return true;
  }

  // Ends an iteration.
  void settle() {
#pragma HLS INLINE
    settled += writes.pass(written);
    room += frees.pass(freed);
    written = freed = 0;
  }

 private:
  // First input row that a slot needs; of slot SLOTS the frame's end.
  static int first_row(int slot) {
#pragma HLS INLINE
    return slot == 0 ? 0 : slot == G::SLOTS ? G::HEIGHT : slot * G::STEP - 1;
  }
  static int words_before_last(int slot) {
#pragma HLS INLINE
    const int last = slot * G::STEP + G::REACH - 1;
    return (last < G::HEIGHT ? last : G::HEIGHT - 1) * G::ROW_WORDS;
  }
};

}  // namespace repvgg

#endif
