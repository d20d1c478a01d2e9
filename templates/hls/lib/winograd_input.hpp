// SPDX-License-Identifier: Apache-2.0
// The input side of a Winograd layer: tiles cut from the map, transformed, and kept for every output channel.
//
//   tile_columns    -> the K columns of every overlapping tile, zero padding made here
//   input_transform -> B^T d B, a row at a time
//   replay_tiles    -> each transformed tile of a group, word by word, REPEATS times
//
// Golden: repvgg_hw/winograd/golden.py, cut_tiles() and data_transform().

#ifndef REPVGG_WINOGRAD_INPUT_HPP
#define REPVGG_WINOGRAD_INPUT_HPP

#include "observe.hpp"
#include "outbox.hpp"
#include "ring.hpp"
#include "winograd_shape.hpp"

namespace repvgg {

template <class L>
struct TileBuffer {
  typedef Tiled<L> C;
  static const int HEIGHT = L::HEIGHT;
  static const int ROW_WORDS = L::WIDTH * C::LINE_WORDS;
  static const int SLOTS = C::TILE_ROWS;
  static const int SLOT_READS = C::TILE_COLUMNS * C::PIXEL_WORDS * C::K;
  static const int STEP = C::STEP;
  static const int REACH = C::K - 1;
  // The first column of a row lies before the map, the last one ends it or lies behind.
  static const int FIRST_NEED = -C::LINE_WORDS;
  static const int LAST_NEED = ROW_WORDS - 1;
};

// The place of a column: which of its tile's, and of which part of which word of which tile.
template <class L>
struct ColumnCounter {
  typedef Tiled<L> C;
  static const int LAST = C::K - 1;                   // a tile's columns lie at first .. first + LAST
  static const int LAST_FIRST = (C::TILE_COLUMNS - 1) * C::STEP - 1;
  static const int TILE = C::STEP * C::LINE_WORDS;    // words from tile to tile
  static const int SPAN = LAST * C::LINE_WORDS;       // words from a tile's first column to its last
  static const int LAST_INSIDE = L::WIDTH - 1 - LAST_FIRST;  // the last column of the row's last tile that is on the map
  static const int LAST_SPAN = LAST_INSIDE * C::LINE_WORDS;
  int x, word, first;  // of the map, of the pixel; the tile's first x
  int part;            // of the word
  uint8_t column;      // of the tile
  int address;                 // of the column's word in its row
  int corner;                  // and of the tile's first column
  void start_row() {
#pragma HLS INLINE
    x = first = -1;
    column = 0;
    word = part = 0;
    address = corner = -C::LINE_WORDS;
  }
  bool inside() const { return x >= 0 && x < L::WIDTH; }
  bool last_tile() const { return first == LAST_FIRST; }
  void next() {
#pragma HLS INLINE
    if (column != LAST) {
      ++column;
      ++x;
      address += C::LINE_WORDS;
      return;
    }
    column = 0;
    if (part != C::LINE_PARTS - 1) {
      ++part;
      x = first;
    } else {
      part = 0;
      if (word != C::LINE_WORDS - 1) {
        ++word;
        x = first;
        corner += 1;
      } else {
        word = 0;
        first += C::STEP;
        x = first;
        corner += TILE - (C::LINE_WORDS - 1);
      }
    }
    address = corner;
  }
  // Words of the row that the next column needs beyond this one, in the same row: none where it lies behind the map.
  int step() const {
#pragma HLS INLINE
    if (column != LAST) return last_tile() && column >= LAST_INSIDE ? 0 : C::LINE_WORDS;
    const int back = last_tile() ? LAST_SPAN : SPAN;
    if (part != C::LINE_PARTS - 1) return -back;
    return word != C::LINE_WORDS - 1 ? 1 - back : TILE - (C::LINE_WORDS - 1) - back;
  }
};

// One column per cycle; order: tile, word, part, column.
template <class L>
void tile_columns(hls::stream<typename Tiled<L>::LineWord> &in, hls::stream<typename Tiled<L>::Column> &out, int frames) {
  typedef Tiled<L> C;
  typedef RowRing<TileBuffer<L> > Ring;
  REPVGG_COUNT_LOOP("tile_columns", out, C::TILES * C::PIXEL_WORDS * C::K);
  typename C::LineWord rows[Ring::ROWS][TileBuffer<L>::ROW_WORDS];
#pragma HLS ARRAY_PARTITION variable=rows complete dim=1
#pragma HLS BIND_STORAGE variable=rows type=ram_2p
#pragma HLS DEPENDENCE variable=rows type=inter dependent=false
  Ring ring;
  ring.start(frames);
  ColumnCounter<L> at;
  at.start_row();
  Outbox<typename C::Column> box;
  box.start();

  while (ring.unread > 0 || !box.empty()) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    ring.begin();
    if (ring.may_write() && may_read(in)) {
      rows[ring.write_row][ring.write_at] = in.read();
      ring.wrote();
    }
    if (ring.may_read() && box.may_send()) {
      const bool inside_x = at.inside();
      const int address = inside_x ? at.address : 0;
      typename C::LineWord read[Ring::ROWS];
#pragma HLS ARRAY_PARTITION variable=read complete
      for (int row = 0; row < Ring::ROWS; ++row) {
#pragma HLS UNROLL
        read[row] = rows[row][address];
      }
      typename C::Column taps;
      for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
        taps.row[i] = get_lane<L::PI * L::IN_BITS>(read[ring.index(i - 1)], at.part);
        if (!inside_x || !ring.inside(i - 1)) taps.row[i] = 0;
      }
      box.send(taps);
      const int step = at.step();
      at.next();
      if (ring.read(step)) at.start_row();
    }
    box.settle(out);
    ring.settle();
  }
}

// Columns in, rows out, one of each per cycle: the rows of a tile leave while the next one's columns enter.
template <class L>
void input_transform(hls::stream<typename Tiled<L>::Column> &in, hls::stream<typename Tiled<L>::DataRow> &out,
                     int frames) {
  typedef Tiled<L> C;
  typedef typename C::T T;
  typedef ap_int<T::COEFFICIENT_BITS> Coefficient;
  ap_int<L::MIDDLE_BITS> entering[L::PI][C::K][C::K], leaving[L::PI][C::K][C::K];
#pragma HLS ARRAY_PARTITION variable=entering complete dim=0
#pragma HLS ARRAY_PARTITION variable=leaving complete dim=0
  REPVGG_COUNT_LOOP("input_transform", out, C::TILES * C::PIXEL_WORDS * C::K);
  int unread = frames, tile = 0, k = 0;  // frames whose tiles have not all entered; the tile of the frame, its column
  bool leaves = false;                   // a tile does
  while (unread > 0 || leaves) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    if (unread > 0) {
      const typename C::Column column = in.read();
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          ap_int<L::MIDDLE_BITS> sum = 0;
          for (int j = 0; j < C::K; ++j) {
#pragma HLS UNROLL
            sum += Coefficient(T::data(i, j)) * lane_value<L::IN_BITS, L::IN_SIGNED>(column.row[j], p);
          }
          entering[p][i][k] = sum;
        }
      }
    }
    if (leaves) {
      typename C::DataRow row;
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          typename C::Data sum = 0;
          for (int j = 0; j < C::K; ++j) {
#pragma HLS UNROLL
            sum += Coefficient(T::data(i, j)) * leaving[p][k][j];
          }
          row.value[p][i] = sum;
        }
      }
      out.write(row);
    }
    if (k == C::K - 1) {
      k = 0;
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          for (int j = 0; j < C::K; ++j) {
#pragma HLS UNROLL
            leaving[p][i][j] = entering[p][i][j];
          }
        }
      }
      leaves = unread > 0;
      if (tile == C::TILES * C::PIXEL_WORDS - 1) {
        tile = 0;
        --unread;
      } else {
        ++tile;
      }
    } else {
      ++k;
    }
  }
}

// A ring of tiles' words: a group's are read REPEATS times while those of the next are written.
template <class L>
void replay_tiles(hls::stream<typename Tiled<L>::DataRow> &in, hls::stream<typename Tiled<L>::DataTile> &out,
                  int frames) {
  typedef Tiled<L> C;
  // Two groups' words; where they are so few that a word settles too late, as many more as bridge that.
  const int DEPTH = 2 * C::WORDS + (C::WORDS > SETTLE ? 0 : ceil_div(2 * SETTLE, C::K));
  REPVGG_COUNT_LOOP("replay_tiles", out, C::TILES * C::STEPS);
  typename C::Data store[DEPTH][C::K][L::PI][C::K];
#pragma HLS ARRAY_PARTITION variable=store complete dim=2
#pragma HLS ARRAY_RESHAPE variable=store complete dim=3
#pragma HLS ARRAY_RESHAPE variable=store complete dim=4
#pragma HLS BIND_STORAGE variable=store type=ram_2p
#pragma HLS DEPENDENCE variable=store type=inter dependent=false
  const int SETS = C::TILES * L::GROUPS;       // of a frame: a group's words of a tile
  int unread = frames, set = 0;                // frames that are not read to their end, and the set being read
  int unwritten = frames, written_words = 0;   // frames that are not written to their end, and words of the next
  int room = DEPTH, settled = 0;               // words that may be written, and read: the latter from `first` on
  int first = 0, word = 0, repeat = 0;         // being read
  int write_word = 0, write_row = 0;
  Settling writes, frees;
  writes.start();
  frees.start();
  Outbox<typename C::DataTile> box;
  box.start();

  while (unread > 0 || !box.empty()) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    int written = 0, freed = 0;
    if (unwritten > 0 && room > 0 && may_read(in)) {
      const typename C::DataRow row = in.read();
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          store[write_word][write_row][p][i] = row.value[p][i];
        }
      }
      if (++write_row == C::K) {
        write_row = 0;
        write_word = write_word == DEPTH - 1 ? 0 : write_word + 1;
        if (written_words == SETS * C::WORDS - 1) --unwritten;
        written_words = written_words == SETS * C::WORDS - 1 ? 0 : written_words + 1;
        --room;
        written = 1;
      }
    }
    if (settled > word && box.may_send()) {
      const int address = first + word < DEPTH ? first + word : first + word - DEPTH;
      typename C::DataTile tile;
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K * C::K; ++i) {
#pragma HLS UNROLL
          tile.value[p][i] = store[address][i / C::K][p][i % C::K];
        }
      }
      box.send(tile);
      if (repeat == C::REPEATS - 1) freed = 1;
      if (++word == C::WORDS) {
        word = 0;
        if (++repeat == C::REPEATS) {
          repeat = 0;
          first = first + C::WORDS < DEPTH ? first + C::WORDS : first + C::WORDS - DEPTH;
          settled -= C::WORDS;
          if (set == SETS - 1) --unread;
          set = set == SETS - 1 ? 0 : set + 1;
        }
      }
    }
    box.settle(out);
    settled += writes.pass(written);
    room += frees.pass(freed);
  }
}

}  // namespace repvgg

#endif
