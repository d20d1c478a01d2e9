// SPDX-License-Identifier: Apache-2.0
// line_buffer: the 3x3 window of every output pixel, zero padding made here.
//
//   out(y, x, group, repeat, word) = taps (y*STRIDE + ky - 1, x*STRIDE + kx - 1), ky, kx = 0..2, of one PI-word
//
// Golden    : repvgg_hw/golden.py, conv3x3(): its `padded` array and slices.
// Shape     : in HEIGHT x WIDTH x C_IN/PI words, raster order, channels innermost; out STEPS windows per pixel.
// Throughput: per frame the larger of OUT_HEIGHT*OUT_WIDTH*STEPS reads and HEIGHT*WIDTH*C_IN/PI writes, frames
//             without a gap (ring.hpp).
//
// A ring of KERNEL + STRIDE rows, each in 3 banks of columns (column mod 3): the 9 taps are in 9 banks, so every
// memory is read once per cycle.

#ifndef REPVGG_LINE_BUFFER_HPP
#define REPVGG_LINE_BUFFER_HPP

#include "observe.hpp"
#include "ring.hpp"
#include "shape.hpp"

namespace repvgg {

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
  static const int HEIGHT = L::HEIGHT;
  static const int ROW_WORDS = L::WIDTH * C::PIXEL_WORDS;
  static const int SLOTS = C::OUT_HEIGHT;
  static const int SLOT_READS = C::OUT_WIDTH * C::STEPS;
  static const int STEP = L::STRIDE;
  static const int REACH = KERNEL - 1;
  static const int DEPTH = ceil_div(L::WIDTH, KERNEL) * C::PIXEL_WORDS;  // of a bank
};

// The place of a window: output row and column, and which of the pixel's STEPS windows.
template <class L>
struct WindowCounter {
  typedef Conv<L> C;
  int x, group, repeat, word;
  int first;                      // word of the centre column in its row
  Column<L> left, centre, right;  // of the window; `left` is meaningless at x = 0
  void start_row() {
#pragma HLS INLINE
    x = group = repeat = word = first = 0;
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
    first += L::STRIDE * C::PIXEL_WORDS;
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
  typedef RowRing<B> Ring;
  REPVGG_COUNT_LOOP("line_buffer", out, C::OUT_PIXELS * C::STEPS);
  typename C::Word rows[Ring::ROWS][KERNEL][B::DEPTH];
#pragma HLS ARRAY_PARTITION variable=rows complete dim=1
#pragma HLS ARRAY_PARTITION variable=rows complete dim=2
#pragma HLS BIND_STORAGE variable=rows type=ram_2p
#pragma HLS DEPENDENCE variable=rows type=inter dependent=false
  Ring ring;
  ring.start(frames);
  WindowCounter<L> at;
  at.start_row();
  int write_word = 0;
  Column<L> write_column = {0, 0};

  while (ring.frame < frames) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    if (ring.may_write() && may_read(in)) {
      rows[ring.write_row][write_column.bank][write_column.base + write_word] = in.read();
      if (++write_word == C::PIXEL_WORDS) {
        write_word = 0;
        write_column.next();
      }
      if (ring.wrote()) write_column.bank = write_column.base = 0;
    }

    const bool inside_x[KERNEL] = {at.x > 0, true, at.x * L::STRIDE + 1 < L::WIDTH};
    const int last_word = at.first + at.offset() + (inside_x[2] ? C::PIXEL_WORDS : 0);
    if (ring.may_read(last_word) && may_write(out)) {
      typename C::Word word[Ring::ROWS][KERNEL];
      for (int bank = 0; bank < KERNEL; ++bank) {
#pragma HLS UNROLL
        int base = at.centre.base;
        if (bank == at.left.bank && inside_x[0]) base = at.left.base;
        if (bank == at.right.bank && inside_x[2]) base = at.right.base;
        for (int row = 0; row < Ring::ROWS; ++row) {
#pragma HLS UNROLL
          word[row][bank] = rows[row][bank][base + at.offset()];
        }
      }
      typename C::Window window;
      const int bank[KERNEL] = {at.left.bank, at.centre.bank, at.right.bank};
      for (int ky = 0; ky < KERNEL; ++ky) {
#pragma HLS UNROLL
        for (int kx = 0; kx < KERNEL; ++kx) {
#pragma HLS UNROLL
          window.tap[ky * KERNEL + kx] = word[ring.index(ky - 1)][bank[kx]];
          if (!ring.inside(ky - 1) || !inside_x[kx]) window.tap[ky * KERNEL + kx] = 0;
        }
      }
      out.write(window);
      at.next();
      if (ring.read()) at.start_row();
    }
    ring.settle();
  }
}

}  // namespace repvgg

#endif
