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
#include "outbox.hpp"
#include "ring.hpp"
#include "shape.hpp"

namespace repvgg {

// Where a column's words lie: its bank, and the address of its first word there.
template <class L>
struct Column {
  int bank, base;
  // To the column that lies `step` further on, 1 or 2: one choice, not one behind another.
  void advance(int step) {
#pragma HLS INLINE
    const bool wraps = step == 1 ? bank == KERNEL - 1 : bank != 0;
    if (wraps) base += Conv<L>::PIXEL_WORDS;
    if (step == 1) {
      bank = wraps ? 0 : bank + 1;
    } else {
      bank = wraps ? bank - 1 : KERNEL - 1;
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
  // A row's first window reads two of its columns where it has as many, the last one all of it.
  static const int FIRST_NEED = L::WIDTH > 1 ? C::PIXEL_WORDS : 0;
  static const int LAST_NEED = ROW_WORDS - 1;
  static const int DEPTH = ceil_div(L::WIDTH, KERNEL) * C::PIXEL_WORDS;  // of a bank
};

// The place of a window: output row and column, and which of the pixel's STEPS windows.
template <class L>
struct WindowCounter {
  typedef Conv<L> C;
  static const int LAST_X = C::OUT_WIDTH - 1;
  static const bool LAST_INSIDE = LAST_X * L::STRIDE + 1 < L::WIDTH;  // the last window's right column
  int x, group, repeat, word;
  Column<L> left, centre, right;  // of the window; `left` lies before the map at x = 0
  void start_row() {
#pragma HLS INLINE
    x = group = repeat = word = 0;
    left.bank = KERNEL - 1, left.base = -C::PIXEL_WORDS;
    centre.bank = 0, centre.base = 0;
    right.bank = 1, right.base = 0;
  }
  void next() {
#pragma HLS INLINE
    if (word != C::WORDS - 1) {
      ++word;
      return;
    }
    word = 0;
    if (repeat != C::REPEATS - 1) {
      ++repeat;
      return;
    }
    repeat = 0;
    if (group != L::GROUPS - 1) {
      ++group;
      return;
    }
    group = 0;
    ++x;
    left.advance(L::STRIDE);
    centre.advance(L::STRIDE);
    right.advance(L::STRIDE);
  }
  // Words of the row that the next window needs beyond this one; that lies in the same row.
  int step() const {
#pragma HLS INLINE
    if (word != C::WORDS - 1) return 1;
    if (repeat != C::REPEATS - 1) return 1 - C::WORDS;
    if (group != L::GROUPS - 1) return 1;
    const int pixel = (L::STRIDE - 1) * C::PIXEL_WORDS + 1;
    return x == LAST_X - 1 && !LAST_INSIDE ? pixel - C::PIXEL_WORDS : pixel;
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
  Outbox<typename C::Window> box;
  box.start();
  int write_word = 0;
  Column<L> write_column = {0, 0};

  while (ring.unread > 0 || !box.empty()) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    ring.begin();
    if (ring.may_write() && may_read(in)) {
      rows[ring.write_row][write_column.bank][write_column.base + write_word] = in.read();
      if (write_word == C::PIXEL_WORDS - 1) {
        write_word = 0;
        write_column.advance(1);
      } else {
        ++write_word;
      }
      if (ring.wrote()) write_column.bank = write_column.base = 0;
    }

    const bool inside_x[KERNEL] = {at.x != 0, true, at.x != at.LAST_X || at.LAST_INSIDE};
    if (ring.may_read() && box.may_send()) {
      typename C::Word word[Ring::ROWS][KERNEL];
#pragma HLS ARRAY_PARTITION variable=word complete dim=0
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
      box.send(window);
      const int step = at.step();
      at.next();
      if (ring.read(step)) at.start_row();
    }
    box.settle(out);
    ring.settle();
  }
}

}  // namespace repvgg

#endif
