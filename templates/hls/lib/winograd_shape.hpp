// SPDX-License-Identifier: Apache-2.0
// Tiled: what follows from the configuration of a layer that is computed by Winograd's F(M x M, 3x3).
//
// Transform<M, STRIDE> (src/winograd_matrices.hpp, generated) holds the integer matrices: K, E, data(), output(),
// odd_inverse(). See repvgg_hw/winograd/matrices.py.

#ifndef REPVGG_WINOGRAD_SHAPE_HPP
#define REPVGG_WINOGRAD_SHAPE_HPP

#include "shape.hpp"

namespace repvgg {

template <int M, int STRIDE>
struct Transform;

template <class L>
struct Tiled {
  typedef Transform<L::M, L::STRIDE> T;
  static const int K = T::K;  // a tile reads K x K inputs for M x M outputs
  static const int STEP = L::M * L::STRIDE;
  static const int OUT_HEIGHT = (L::HEIGHT - 1) / L::STRIDE + 1;
  static const int OUT_WIDTH = (L::WIDTH - 1) / L::STRIDE + 1;
  static const int TILE_ROWS = ceil_div(OUT_HEIGHT, L::M);
  static const int TILE_COLUMNS = ceil_div(OUT_WIDTH, L::M);
  static const int TILES = TILE_ROWS * TILE_COLUMNS;
  static const int WORDS = L::C_IN / L::GROUPS / L::PI;
  static const int REPEATS = L::C_OUT / L::GROUPS / L::PO;
  static const int SETS = L::GROUPS * REPEATS;
  static const int STEPS = SETS * WORDS;
  static const int PIXEL_WORDS = L::C_IN / L::PI;
  static const int LINE_WORDS = L::C_IN / L::LINE_LANES;  // of a pixel, in the line buffer
  static const int LINE_PARTS = L::LINE_LANES / L::PI;    // words in each of these
  static const int PARTS = L::PO / L::LANES;  // of a set, in the output transform
  // Iterations of a part there: ROWS of its columns enter in each, and one of M rows leaves.
  static const int PART_STEPS = ceil_div(K, L::ROWS) > L::M ? ceil_div(K, L::ROWS) : L::M;
  static const int CHUNKS = rom_chunks(L::PO * L::PI * K * K, L::WEIGHT_BITS);
  // The output transform is exact modulo 2^LOW_BITS: its quotient fits ACC_BITS, and it divides by 2^(2 E).
  static const int LOW_BITS = L::ACC_BITS + 2 * T::E;

  static_assert(L::C_IN % (L::GROUPS * L::PI) == 0, "PI divides the input channels of a group");
  static_assert(L::C_OUT % (L::GROUPS * L::PO) == 0, "PO divides the output channels of a group");
  static_assert(L::C_IN % L::LINE_LANES == 0 && L::LINE_LANES % L::PI == 0, "the line buffer has whole words");
  static_assert(L::PO % L::LANES == 0 && L::OUT_LANES % L::LANES == 0, "LANES divides PO and OUT_LANES");
  static_assert(LOW_BITS <= 64, "the output transform is at most 64 bits wide");

  typedef ap_uint<L::LINE_LANES * L::IN_BITS> LineWord;  // LINE_LANES channels of one pixel
  typedef ap_uint<L::PI * L::IN_BITS> Word;              // PI of them
  typedef ap_uint<L::OUT_LANES * L::OUT_BITS> Beat;      // OUT_LANES channels of one output pixel
  typedef ap_int<L::DATA_BITS> Data;
  struct Column {  // of a tile, PI channels
    Word row[K];
  };
  struct DataRow {  // of a transformed tile
    Data value[L::PI][K];
  };
  struct DataTile {
    Data value[L::PI][K * K];
  };
  struct Sums {  // in the transform domain
    ap_int<L::SUM_BITS> value[L::PO][K * K];
  };
  struct OutRow {  // M neighbours of LANES channels
    ap_uint<L::LANES * L::OUT_BITS> pixel[L::M];
  };
};

}  // namespace repvgg

#endif
