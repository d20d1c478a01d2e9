// line_buffer: the 3x3 window of every output pixel, zero padding made here.
//
//   out(y, x, group, repeat, word) = taps (y*STRIDE + ky - 1, x*STRIDE + kx - 1), ky, kx = 0..2, of one PI-word
//
// Golden    : repvgg_hw/golden.py, conv3x3(): its `padded` array and slices.
// Shape     : in HEIGHT x WIDTH x C_IN/PI words, raster order, channels innermost; out STEPS windows per pixel.
// Throughput: per output row the larger of OUT_WIDTH*STEPS reads and STRIDE*WIDTH*C_IN/PI writes; frames follow
//             each other without a gap. Only the first row of a run waits for the rows that it needs.
//
// A ring of KERNEL + STRIDE rows, each in 3 banks of columns (column mod 3): the 9 taps are in 9 banks, so every
// memory is read once per cycle. While one output row is read, the rows that the next one needs are written.

#ifndef REPVGG_LINE_BUFFER_HPP
#define REPVGG_LINE_BUFFER_HPP

#include "shape.hpp"

namespace repvgg {

// Cycles between the last write and the first read of a row, and between its last read and its overwriting:
// more than the stages by which a tool may separate the two ports in the pipeline.
static const int SETTLE = 4;

// Where a column's words lie: its bank, and the address of its first word there.
template <class L>
struct Column {
  int bank, base;
  void next() {
#pragma HLS INLINE
    if (bank == KERNEL - 1) {
      bank = 0;
      base += Conv<L>::PIXEL_WORDS;
    } else {
      ++bank;
    }
  }
};

template <class L>
struct LineBuffer {
  typedef Conv<L> C;
  static const int RING = KERNEL + L::STRIDE;
  static const int DEPTH = ceil_div(L::WIDTH, KERNEL) * C::PIXEL_WORDS;
  static const int ROW_WORDS = L::WIDTH * C::PIXEL_WORDS;    // writes of an input row
  static const int ROW_WINDOWS = C::OUT_WIDTH * C::STEPS;    // windows of an output row
  // From the last output row of a frame to the first of the next, in input rows.
  static const int FRAME_STEP = L::HEIGHT - (C::OUT_HEIGHT - 1) * L::STRIDE;

  // Input rows that output row `row` needs, counted from its frame's first. The row after the last is the next
  // frame's first; with stride 1 the rows of successive frames simply follow each other.
  static int rows_needed(int row) {
#pragma HLS INLINE
    if (L::STRIDE == 1) return row + 2;
    if (row == C::OUT_HEIGHT) return L::HEIGHT + (L::HEIGHT < 2 ? L::HEIGHT : 2);
    return 2 * row + 2 < L::HEIGHT ? 2 * row + 2 : L::HEIGHT;
  }
};

// The place of a window: output row and column, and which of the pixel's STEPS windows.
template <class L>
struct WindowCounter {
  typedef Conv<L> C;
  int x, group, repeat, word;
  Column<L> left, centre, right;  // of the window; `left` is meaningless at x = 0
  void start_row() {
#pragma HLS INLINE
    x = group = repeat = word = 0;
    left.bank = KERNEL - 1, left.base = 0;
    centre.bank = 0, centre.base = 0;
    right = centre;
    right.next();
  }
  void next() {
#pragma HLS INLINE
    if (++word < C::WORDS) return;
    word = 0;
    if (++repeat < C::REPEATS) return;
    repeat = 0;
    if (++group < L::GROUPS) return;
    group = 0;
    ++x;
    left = L::STRIDE == 1 ? centre : right;
    centre = right;
    if (L::STRIDE == 2) centre.next();
    right = centre;
    right.next();
  }
  int offset() const { return group * C::WORDS + word; }
};

template <class L>
void line_buffer(hls::stream<typename Conv<L>::Word> &in, hls::stream<typename Conv<L>::Window> &out, int frames) {
  typedef Conv<L> C;
  typedef LineBuffer<L> B;
  typename C::Word rows[B::RING][KERNEL][B::DEPTH];
#pragma HLS ARRAY_PARTITION variable=rows complete dim=1
#pragma HLS ARRAY_PARTITION variable=rows complete dim=2
#pragma HLS BIND_STORAGE variable=rows type=ram_2p
#pragma HLS DEPENDENCE variable=rows type=inter dependent=false
  // No false claim: the rows of a slot are never written in it, and SETTLE keeps successive slots apart.

  int frame = 0, row = -1;              // slot: the output row being read; at first none
  int unwritten = frames * L::HEIGHT;   // input rows that no slot has asked for yet
  int ahead = 0;                        // input rows asked for so far, counted from the current frame's first
  int centre = 0;                       // ring index of the window's middle row
  int reads = 0, writes = 0, hold = 0, settle = 0;
  WindowCounter<L> at;
  at.start_row();
  int write_ring = 0, write_x = 0, write_word = 0;
  Column<L> write_column = {0, 0};
  bool starting = true;

  while (frame < frames) {
#pragma HLS PIPELINE II=1
    if (settle > 0) --settle;
    if (hold > 0) {
      --hold;
    } else if (writes > 0 && may_read(in)) {
      rows[write_ring][write_column.bank][write_column.base + write_word] = in.read();
      if (++write_word == C::PIXEL_WORDS) {
        write_word = 0;
        write_column.next();
        if (++write_x == L::WIDTH) {
          write_x = 0;
          write_column.bank = write_column.base = 0;
          write_ring = write_ring == B::RING - 1 ? 0 : write_ring + 1;
        }
      }
      --writes;
      settle = SETTLE;
    }

    if (reads > 0) {
      const bool inside_x[KERNEL] = {at.x > 0, true, at.x * L::STRIDE + 1 < L::WIDTH};
      const bool inside_y[KERNEL] = {row > 0, true, row * L::STRIDE + 1 < L::HEIGHT};
      typename C::Word word[B::RING][KERNEL];
      for (int bank = 0; bank < KERNEL; ++bank) {
#pragma HLS UNROLL
        int base = at.centre.base;
        if (bank == at.left.bank) base = at.left.base;
        if (bank == at.right.bank && inside_x[2]) base = at.right.base;
        for (int ring = 0; ring < B::RING; ++ring) {
#pragma HLS UNROLL
          word[ring][bank] = rows[ring][bank][base + at.offset()];
        }
      }
      typename C::Window window;
      const int bank[KERNEL] = {at.left.bank, at.centre.bank, at.right.bank};
      for (int ky = 0; ky < KERNEL; ++ky) {
#pragma HLS UNROLL
        int ring = centre + ky - 1;
        if (ring < 0) ring += B::RING;
        if (ring >= B::RING) ring -= B::RING;
        for (int kx = 0; kx < KERNEL; ++kx) {
#pragma HLS UNROLL
          window.tap[ky * KERNEL + kx] = word[ring][bank[kx]];
          if (!inside_y[ky] || !inside_x[kx]) window.tap[ky * KERNEL + kx] = 0;
        }
      }
      out.write(window);
      at.next();
      --reads;
    }

    if (reads == 0 && writes == 0 && settle == 0) {  // next slot
      int needed = 0;
      if (starting) {
        starting = false;
        needed = B::rows_needed(0);
      } else {
        ++row;
        if (row > 0) centre += L::STRIDE;
        if (row == C::OUT_HEIGHT) {
          row = 0;
          ++frame;
          ahead -= L::HEIGHT;
          centre += B::FRAME_STEP - L::STRIDE;
        }
        if (centre >= B::RING) centre -= B::RING;
        reads = B::ROW_WINDOWS;
        needed = B::rows_needed(row + 1);
        hold = SETTLE;
      }
      int fetch = needed - ahead;
      if (fetch > unwritten) fetch = unwritten;
      unwritten -= fetch;
      ahead += fetch;
      writes = fetch * B::ROW_WORDS;
      at.start_row();
    }
  }
}

}  // namespace repvgg

#endif
