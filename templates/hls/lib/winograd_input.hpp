// The input side of a Winograd layer: tiles cut from the map, transformed, and kept for every output channel.
//
//   tile_columns    -> the K columns of every overlapping tile, zero padding made here
//   input_transform -> B^T d B, a row at a time
//   replay_tiles    -> each transformed tile of a group, word by word, REPEATS times
//
// Golden: repvgg_hw/winograd/golden.py, cut_tiles() and data_transform().

#ifndef REPVGG_WINOGRAD_INPUT_HPP
#define REPVGG_WINOGRAD_INPUT_HPP

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
  typename C::Word rows[Ring::ROWS][TileBuffer<L>::ROW_WORDS];
#pragma HLS ARRAY_PARTITION variable=rows complete dim=1
#pragma HLS BIND_STORAGE variable=rows type=ram_2p
#pragma HLS DEPENDENCE variable=rows type=inter dependent=false
  Ring ring;
  ring.start(frames);
  int write_row = 0, write_at = 0;
  int x = -1, first = 0, word = 0, column = 0;  // of the map and of the tile; `first` is the tile's first x

  while (ring.frame < frames) {
#pragma HLS PIPELINE II=1
    ring.handover.tick();
    if (ring.may_write() && may_read(in)) {
      rows[write_row][write_at] = in.read();
      if (++write_at == TileBuffer<L>::ROW_WORDS) {
        write_at = 0;
        write_row = write_row == Ring::ROWS - 1 ? 0 : write_row + 1;
      }
      ring.wrote();
    }
    if (ring.reads > 0) {
      const bool inside_x = x >= 0 && x < L::WIDTH;
      const int address = inside_x ? x * C::PIXEL_WORDS + word : 0;
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
      --ring.reads;
    }
    if (ring.slot_done()) {
      ring.next_slot();
      x = -1;
      first = word = column = 0;
    }
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
  const int tiles = frames * C::TILES * C::PIXEL_WORDS;
  for (int tile = 0; tile < tiles + 1; ++tile) {
    for (int k = 0; k < C::K; ++k) {
#pragma HLS PIPELINE II=1
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

// Two buffers of a group's words: one is filled while the other is read REPEATS times.
template <class L>
void replay_tiles(hls::stream<typename Tiled<L>::DataRow> &in, hls::stream<typename Tiled<L>::DataTile> &out,
                  int frames) {
  typedef Tiled<L> C;
  typename C::Data store[2][C::WORDS][C::K][L::PI][C::K];
#pragma HLS ARRAY_PARTITION variable=store complete dim=3
#pragma HLS ARRAY_RESHAPE variable=store complete dim=4
#pragma HLS ARRAY_RESHAPE variable=store complete dim=5
#pragma HLS BIND_STORAGE variable=store type=ram_2p
#pragma HLS DEPENDENCE variable=store type=inter dependent=false
  const int slots = frames * C::TILES * L::GROUPS;
  int slot = -1;  // being read; it lies in buffer slot % 2
  int read_buffer = 1, write_word = 0, write_row = 0, word = 0;
  int reads = 0, writes = slots > 0 ? C::WORDS * C::K : 0;
  Handover handover = {0, 0};

  while (slot < slots) {
#pragma HLS PIPELINE II=1
    handover.tick();
    if (writes > 0 && handover.may_write() && may_read(in)) {
      const typename C::DataRow row = in.read();
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          store[1 - read_buffer][write_word][write_row][p][i] = row.value[p][i];
        }
      }
      if (++write_row == C::K) {
        write_row = 0;
        ++write_word;
      }
      --writes;
      handover.wrote();
    }
    if (reads > 0) {
      typename C::DataTile tile;
      for (int p = 0; p < L::PI; ++p) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K * C::K; ++i) {
#pragma HLS UNROLL
          tile.value[p][i] = store[read_buffer][word][i / C::K][p][i % C::K];
        }
      }
      out.write(tile);
      word = word == C::WORDS - 1 ? 0 : word + 1;
      --reads;
    }
    if (reads == 0 && writes == 0 && handover.settled()) {
      ++slot;
      read_buffer = 1 - read_buffer;
      write_word = write_row = word = 0;
      reads = C::REPEATS * C::WORDS;
      writes = slot + 1 < slots ? C::WORDS * C::K : 0;
      handover.next_slot();
    }
  }
}

}  // namespace repvgg

#endif
