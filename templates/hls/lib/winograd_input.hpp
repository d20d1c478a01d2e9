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
#include "ring.hpp"
#include "winograd_shape.hpp"

namespace repvgg {

template <class L>
struct TileBuffer {
  typedef Tiled<L> C;
  static const int HEIGHT = L::HEIGHT;
  static const int ROW_WORDS = L::WIDTH * C::PIXEL_WORDS;
  static const int SLOTS = C::TILE_ROWS;
  static const int SLOT_READS = C::TILE_COLUMNS * C::PIXEL_WORDS * C::K;
  static const int STEP = C::STEP;
  static const int REACH = C::K - 1;
};

// One column per cycle; order: tile, word, column.
template <class L>
void tile_columns(hls::stream<typename Tiled<L>::Word> &in, hls::stream<typename Tiled<L>::Column> &out, int frames) {
  typedef Tiled<L> C;
  typedef RowRing<TileBuffer<L> > Ring;
  REPVGG_COUNT_LOOP("tile_columns", out, C::TILES * C::PIXEL_WORDS * C::K);
  typename C::Word rows[Ring::ROWS][TileBuffer<L>::ROW_WORDS];
#pragma HLS ARRAY_PARTITION variable=rows complete dim=1
#pragma HLS BIND_STORAGE variable=rows type=ram_2p
#pragma HLS DEPENDENCE variable=rows type=inter dependent=false
  Ring ring;
  ring.start(frames);
  int x = -1, first = 0, word = 0, column = 0;  // of the map and of the tile; `first` is the tile's first x

  while (ring.frame < frames) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    if (ring.may_write() && may_read(in)) {
      rows[ring.write_row][ring.write_at] = in.read();
      ring.wrote();
    }
    const bool inside_x = x >= 0 && x < L::WIDTH;
    const int address = inside_x ? x * C::PIXEL_WORDS + word : 0;
    if (ring.may_read(address) && may_write(out)) {
      typename C::Word read[Ring::ROWS];
      for (int row = 0; row < Ring::ROWS; ++row) {
#pragma HLS UNROLL
        read[row] = rows[row][address];
      }
      typename C::Column taps;
      for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
        taps.row[i] = read[ring.index(i - 1)];
        if (!inside_x || !ring.inside(i - 1)) taps.row[i] = 0;
      }
      out.write(taps);
      ++x;
      if (++column == C::K) {
        column = 0;
        if (++word == C::PIXEL_WORDS) {
          word = 0;
          first += C::STEP;
        }
        x = first - 1;
      }
      if (ring.read()) {
        x = -1;
        first = word = column = 0;
      }
    }
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
  const int tiles = frames * C::TILES * C::PIXEL_WORDS;
  for (int tile = 0; tile < tiles + 1; ++tile) {
    for (int k = 0; k < C::K; ++k) {
#pragma HLS PIPELINE II=1
      REPVGG_COUNT_INITIATION();
      if (tile < tiles) {
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
      if (tile > 0) {
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
      }
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
  int unread = frames * C::TILES * L::GROUPS;  // groups of words
  int unwritten = unread * C::WORDS;           // words
  int room = DEPTH, settled = 0;               // words that may be written, and read: the latter from `first` on
  int first = 0, word = 0, repeat = 0;         // being read
  int write_word = 0, write_row = 0;
  Settling writes, frees;
  writes.start();
  frees.start();

  while (unread > 0) {
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
        --unwritten;
        --room;
        written = 1;
      }
    }
    if (settled > word && may_write(out)) {
      const int address = first + word < DEPTH ? first + word : first + word - DEPTH;
      typename C::DataTile tile;
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K * C::K; ++i) {
#pragma HLS UNROLL
          tile.value[p][i] = store[address][i / C::K][p][i % C::K];
        }
      }
      out.write(tile);
      if (repeat == C::REPEATS - 1) freed = 1;
      if (++word == C::WORDS) {
        word = 0;
        if (++repeat == C::REPEATS) {
          repeat = 0;
          first = first + C::WORDS < DEPTH ? first + C::WORDS : first + C::WORDS - DEPTH;
          settled -= C::WORDS;
          --unread;
        }
      }
    }
    settled += writes.pass(written);
    room += frees.pass(freed);
  }
}

}  // namespace repvgg

#endif
