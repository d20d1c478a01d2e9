// RowRing: which rows of a map a process writes into its ring of rows while it reads others.
//
// Work goes in slots. In a slot the rows of one row of windows (or tiles) are read, and the rows that the next
// slot needs are written; nothing is read and written in the same slot. Frames follow each other without a gap.
//
// G gives HEIGHT, ROW_WORDS (writes of an input row), SLOTS (per frame), SLOT_READS, STEP (input rows from slot
// to slot) and REACH (slot s needs the rows s*STEP - 1 .. s*STEP + REACH - 1, where they exist).

#ifndef REPVGG_RING_HPP
#define REPVGG_RING_HPP

#include "words.hpp"

namespace repvgg {

// Cycles between the last write and the first read of a memory, and between its last read and its overwriting:
// more than the stages by which a tool may separate the two ports in the pipeline.
static const int SETTLE = 4;

// Keeps the accesses of successive slots SETTLE cycles apart.
struct Handover {
  int hold, settle;
  void tick() {
#pragma HLS INLINE
    if (hold > 0) --hold;
    if (settle > 0) --settle;
  }
  bool may_write() const { return hold == 0; }
  void wrote() { settle = SETTLE; }
  bool settled() const { return settle == 0; }
  void next_slot() { hold = SETTLE; }
};

template <class G>
struct RowRing {
  static const int ROWS = G::REACH + 1 + G::STEP;
  // From the last slot of a frame to the first of the next, in input rows.
  static const int FRAME_STEP = G::HEIGHT - (G::SLOTS - 1) * G::STEP;

  int frame, slot;    // being read; slot -1 only writes
  int unwritten;      // input rows that no slot has asked for yet
  int ahead;          // input rows asked for so far, counted from the current frame's first
  int origin;         // ring index of input row slot*STEP
  int reads, writes;  // left in this slot
  Handover handover;

  void start(int frames) {
#pragma HLS INLINE
    frame = 0;
    slot = -1;
    unwritten = frames * G::HEIGHT;
    ahead = origin = reads = 0;
    handover.hold = handover.settle = 0;
    ask_for(needed(0));
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
  bool may_write() const { return writes > 0 && handover.may_write(); }
  void wrote() {
#pragma HLS INLINE
    --writes;
    handover.wrote();
  }
  bool slot_done() const { return reads == 0 && writes == 0 && handover.settled(); }

  void next_slot() {
#pragma HLS INLINE
    ++slot;
    if (slot > 0) origin += G::STEP;
    if (slot == G::SLOTS) {
      slot = 0;
      ++frame;
      ahead -= G::HEIGHT;
      origin += FRAME_STEP - G::STEP;
    }
    if (origin >= ROWS) origin -= ROWS;
    reads = G::SLOT_READS;
    handover.next_slot();
    ask_for(needed(slot + 1));
  }

 private:
  // Input rows that a slot needs, counted from its frame's first; slot SLOTS is the next frame's first. Where a
  // frame is a whole number of steps, rows are asked for at the same pace across frames.
  static int needed(int slot) {
#pragma HLS INLINE
    if (G::HEIGHT == G::SLOTS * G::STEP) return slot * G::STEP + G::REACH;
    if (slot == G::SLOTS) return G::HEIGHT + (G::REACH < G::HEIGHT ? G::REACH : G::HEIGHT);
    return slot * G::STEP + G::REACH < G::HEIGHT ? slot * G::STEP + G::REACH : G::HEIGHT;
  }
  void ask_for(int rows) {
#pragma HLS INLINE
    int fetch = rows - ahead;
    if (fetch > unwritten) fetch = unwritten;
    unwritten -= fetch;
    ahead += fetch;
    writes = fetch * G::ROW_WORDS;
  }
};

}  // namespace repvgg

#endif
