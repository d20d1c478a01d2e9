// SPDX-License-Identifier: Apache-2.0
// The output side of a Winograd layer: products, output transform, exact division, requantization, raster order.
//
//   winograd_multiply -> sums[o] = sum over the words and PI lanes of U . V, position by position
//   output_transform  -> y = requantize((A^T M A) / L^2)
//   tiles_to_raster   -> the rows of a row of tiles, pixel by pixel
//
// Golden: repvgg_hw/winograd/golden.py, output_transform() and exact_divide(); repvgg_hw/golden.py, conv_layer().

#ifndef REPVGG_WINOGRAD_OUTPUT_HPP
#define REPVGG_WINOGRAD_OUTPUT_HPP

#include "observe.hpp"
#include "outbox.hpp"
#include "requantize.hpp"
#include "settling.hpp"
#include "winograd_shape.hpp"

namespace repvgg {

// ROM row (group, repeat, word) holds [PO][K*K][PI] transformed weights. SUM_BITS holds every partial sum.
template <class L>
void winograd_multiply(hls::stream<typename Tiled<L>::DataTile> &in, hls::stream<typename Tiled<L>::Sums> &out,
                       const uint64_t (&weights)[Tiled<L>::STEPS][Tiled<L>::CHUNKS], int frames) {
#pragma HLS ARRAY_RESHAPE variable=weights complete dim=2
  typedef Tiled<L> C;
  REPVGG_COUNT_LOOP("winograd_multiply", out, C::TILES * C::SETS);
  typename C::Sums sums;
  for (int frame = 0; frame < frames; ++frame) {
    for (int tile = 0; tile < C::TILES; ++tile) {
      for (int set = 0; set < C::SETS; ++set) {
        for (int word = 0; word < C::WORDS; ++word) {
#pragma HLS PIPELINE II=1
          REPVGG_COUNT_INITIATION();
          const typename C::DataTile data = in.read();
          const int row = set * C::WORDS + word;
          for (int p = 0; p < L::PO; ++p) {
#pragma HLS UNROLL
            for (int at = 0; at < C::K * C::K; ++at) {
#pragma HLS UNROLL
              ap_int<L::SUM_BITS> sum = 0;
              for (int i = 0; i < L::PI; ++i) {
#pragma HLS UNROLL
                sum += rom_weight<L::WEIGHT_BITS>(weights, row, (p * C::K * C::K + at) * L::PI + i) * data.value[i][at];
              }
              if (word == 0) {
                sums.value[p][at] = sum;
              } else {
                sums.value[p][at] += sum;
              }
            }
          }
          if (word == C::WORDS - 1) out.write(sums);
        }
      }
    }
  }
}

// The number that has the low BITS bits of value: equal to it modulo 2^BITS.
template <int BITS, int WIDTH>
ap_int<BITS> modulo(const ap_int<WIDTH> &value) {
#pragma HLS INLINE
  const ap_int<(WIDTH > BITS ? WIDTH : BITS)> wide = value;
  const ap_uint<BITS> low = wide.range(BITS - 1, 0);
  ap_int<BITS> result = 0;
  result.range(BITS - 1, 0) = low;
  return result;
}

// value / L^2 for multiples of L^2: shift out the power of two, multiply by the odd part's inverse.
template <class L>
ap_int<L::ACC_BITS> exact_divide(const ap_int<Tiled<L>::LOW_BITS> &value) {
#pragma HLS INLINE
  typedef Tiled<L> C;
  ap_uint<L::ACC_BITS> shifted = value.range(C::LOW_BITS - 1, C::LOW_BITS - L::ACC_BITS);
  ap_uint<L::ACC_BITS> inverse = C::T::odd_inverse() & ((uint64_t(1) << L::ACC_BITS) - 1);
  const ap_uint<2 * L::ACC_BITS> product = shifted * inverse;
  const ap_uint<L::ACC_BITS> low = product.range(L::ACC_BITS - 1, 0);
  ap_int<L::ACC_BITS> quotient = 0;
  quotient.range(L::ACC_BITS - 1, 0) = low;
  return quotient;
}

// A row of the matrix A^T times a vector of K sums, modulo 2^LOW_BITS.
template <class L>
ap_int<Tiled<L>::LOW_BITS> output_row(int row, const ap_int<Tiled<L>::LOW_BITS> (&x)[Tiled<L>::K]) {
#pragma HLS INLINE
  typedef Tiled<L> C;
  typedef typename C::T T;
  ap_int<C::LOW_BITS + T::COEFFICIENT_BITS + 5> sum = 0;  // up to 15 products
  for (int k = 0; k < C::K; ++k) {
#pragma HLS UNROLL
    sum += ap_int<T::COEFFICIENT_BITS>(T::output(row, k)) * x[k];
  }
  return modulo<C::LOW_BITS>(sum);
}

// ROWS columns of LANES channels in and a row of M pixels out per cycle; the rows of one part of a set leave while
// the columns of the next enter.
template <class L>
void output_transform(hls::stream<typename Tiled<L>::Sums> &in, hls::stream<typename Tiled<L>::OutRow> &out,
                      const int32_t (&bias)[L::C_OUT / L::LANES][L::LANES],
                      const uint32_t (&multiplier)[L::C_OUT / L::LANES][L::LANES], int frames) {
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
#pragma HLS ARRAY_RESHAPE variable=multiplier complete dim=2
  typedef Tiled<L> C;
  typedef ap_int<C::LOW_BITS> Low;
  REPVGG_COUNT_LOOP("output_transform", out, C::TILES * C::SETS * C::PARTS * L::M);
  typename C::Sums sums;
  Low entering[L::LANES][L::M][C::K], leaving[L::LANES][L::M][C::K];
#pragma HLS ARRAY_PARTITION variable=entering complete dim=0
#pragma HLS ARRAY_PARTITION variable=leaving complete dim=0
  int unread = frames, set = 0;  // frames whose sets have not all entered; the set of the frame
  int part = 0, k = 0;           // of the set that enters; columns of that part, and row of the part that leaves
  int channels = 0;              // row of the tables for the part that leaves
  bool leaves = false;           // a part does
  while (unread > 0 || leaves) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    const bool enters = unread > 0;
    if (enters) {
      if (part == 0 && k == 0) sums = in.read();
      for (int lane = 0; lane < L::LANES; ++lane) {
#pragma HLS UNROLL
        for (int beside = 0; beside < L::ROWS; ++beside) {
#pragma HLS UNROLL
          const int at = k * L::ROWS + beside;
          if (at >= C::K) continue;  // behind the last column
          Low column[C::K];
          for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
            column[i] = modulo<C::LOW_BITS>(sums.value[lane][i * C::K + at]);
          }
          for (int row = 0; row < L::M; ++row) {
#pragma HLS UNROLL
            entering[lane][row][at] = output_row<L>(row, column);
          }
        }
      }
    }
    if (leaves && k < L::M) {
      typename C::OutRow pixels;
      for (int column = 0; column < L::M; ++column) {
#pragma HLS UNROLL
        pixels.pixel[column] = 0;
        for (int lane = 0; lane < L::LANES; ++lane) {
#pragma HLS UNROLL
          const ap_int<L::ACC_BITS> acc = exact_divide<L>(output_row<L>(column, leaving[lane][k]));
          const ap_uint<L::OUT_BITS> y = requantize<L>(acc, bias[channels][lane], multiplier[channels][lane]);
          set_lane<L::OUT_BITS>(pixels.pixel[column], lane, y);
        }
      }
      out.write(pixels);
    }
    if (k != C::PART_STEPS - 1) {
      ++k;
      continue;
    }
    k = 0;
    if (leaves) channels = channels == L::C_OUT / L::LANES - 1 ? 0 : channels + 1;
    leaves = enters;
    for (int lane = 0; lane < L::LANES; ++lane) {
#pragma HLS UNROLL
      for (int row = 0; row < L::M; ++row) {
#pragma HLS UNROLL
        for (int i = 0; i < C::K; ++i) {
#pragma HLS UNROLL
          leaving[lane][row][i] = entering[lane][row][i];
        }
      }
    }
    for (int p = 0; p + L::LANES < L::PO; ++p) {
#pragma HLS UNROLL
      for (int i = 0; i < C::K * C::K; ++i) {
#pragma HLS UNROLL
        sums.value[p][i] = sums.value[p + L::LANES][i];
      }
    }
    if (part != C::PARTS - 1) {
      ++part;
      continue;
    }
    part = 0;
    if (set == C::TILES * C::SETS - 1) --unread;
    set = set == C::TILES * C::SETS - 1 ? 0 : set + 1;
  }
}

// A ring of pixel rows: a row of tiles is filled tile by tile while the one before is read. Of the map's last row of
// tiles only the pixel rows on the map take room. One pixel row more than two rows of tiles have lets the writer
// begin before the reader has quite finished.
template <class L>
void tiles_to_raster(hls::stream<typename Tiled<L>::OutRow> &in, hls::stream<typename Tiled<L>::Beat> &out,
                     int frames) {
  typedef Tiled<L> C;
  const int SUB = L::OUT_LANES / L::LANES, BEATS = L::C_OUT / L::OUT_LANES, ROWS = 2 * L::M + 1;
  const int LAST_ROWS = C::OUT_HEIGHT - (C::TILE_ROWS - 1) * L::M;
  REPVGG_COUNT_LOOP("tiles_to_raster", out, C::OUT_HEIGHT * C::OUT_WIDTH * BEATS);
  ap_uint<L::LANES * L::OUT_BITS> store[L::M][SUB][ROWS * C::TILE_COLUMNS * BEATS];
#pragma HLS ARRAY_PARTITION variable=store complete dim=1
#pragma HLS ARRAY_PARTITION variable=store complete dim=2
#pragma HLS BIND_STORAGE variable=store type=ram_2p
#pragma HLS DEPENDENCE variable=store type=inter dependent=false
  int unread = frames, unwritten = frames; // frames that are not read, and not written, to their end
  int y = 0;                               // pixel row being read
  int room = ROWS, settled = 0;            // pixel rows that may be written, and read
  int write_origin = 0, tile_row = 0;      // ring index of the written row of tiles' first pixel row; which it is
  int write_tile = 0, write_beat = 0, write_sub = 0, write_row = 0;
  int row = 0, x = 0, tile = 0, column = 0, beat = 0;  // being read
  Settling writes, frees;
  writes.start();
  frees.start();
  Outbox<typename C::Beat> box;
  box.start();

  while (unread > 0 || !box.empty()) {
#pragma HLS PIPELINE II=1
    REPVGG_COUNT_INITIATION();
    int written = 0, freed = 0;
    const int rows = tile_row == C::TILE_ROWS - 1 ? LAST_ROWS : L::M;
    if (unwritten > 0 && room >= rows && may_read(in)) {
      const typename C::OutRow pixels = in.read();
      const int at = write_origin + write_row < ROWS ? write_origin + write_row : write_origin + write_row - ROWS;
      const int address = (at * C::TILE_COLUMNS + write_tile) * BEATS + write_beat;
      if (write_row < rows) {
        for (int i = 0; i < L::M; ++i) {
#pragma HLS UNROLL
          store[i][write_sub][address] = pixels.pixel[i];
        }
      }
      if (++write_row == L::M) {
        write_row = 0;
        if (++write_sub == SUB) {
          write_sub = 0;
          if (++write_beat == BEATS) {
            write_beat = 0;
            if (++write_tile == C::TILE_COLUMNS) {
              write_tile = 0;
              write_origin = write_origin + rows < ROWS ? write_origin + rows : write_origin + rows - ROWS;
              if (tile_row == C::TILE_ROWS - 1) --unwritten;
              tile_row = tile_row == C::TILE_ROWS - 1 ? 0 : tile_row + 1;
              room -= rows;
              written = rows;
            }
          }
        }
      }
    }
    if (settled > 0 && box.may_send()) {
      const int address = (row * C::TILE_COLUMNS + tile) * BEATS + beat;
      typename C::Beat pixel = 0;
      for (int sub = 0; sub < SUB; ++sub) {
#pragma HLS UNROLL
        const ap_uint<L::LANES * L::OUT_BITS> part = store[column][sub][address];
        for (int lane = 0; lane < L::LANES; ++lane) {
#pragma HLS UNROLL
          set_lane<L::OUT_BITS>(pixel, sub * L::LANES + lane, get_lane<L::OUT_BITS>(part, lane));
        }
      }
      box.send(pixel);
      if (++beat == BEATS) {
        beat = 0;
        if (++column == L::M) {
          column = 0;
          ++tile;
        }
        if (++x == C::OUT_WIDTH) {
          x = tile = column = 0;
          row = row == ROWS - 1 ? 0 : row + 1;
          freed = 1;
          --settled;
          if (y == C::OUT_HEIGHT - 1) --unread;
          y = y == C::OUT_HEIGHT - 1 ? 0 : y + 1;
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
