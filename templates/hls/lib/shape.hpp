// SPDX-License-Identifier: Apache-2.0
// Conv: what follows from one layer's configuration (config.hpp): counts, widths and stream types.

#ifndef REPVGG_SHAPE_HPP
#define REPVGG_SHAPE_HPP

#include "words.hpp"

namespace repvgg {

static const int KERNEL = 3;
static const int TAPS = KERNEL * KERNEL;
static const int MULTIPLIER_BITS = 17;  // requantization constant, unsigned

template <class L>
struct Conv {
  static const int OUT_HEIGHT = (L::HEIGHT - 1) / L::STRIDE + 1;
  static const int OUT_WIDTH = (L::WIDTH - 1) / L::STRIDE + 1;
  static const int OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;
  static const int WORDS = L::C_IN / L::GROUPS / L::PI;     // accumulation steps of one output
  static const int REPEATS = L::C_OUT / L::GROUPS / L::PO;  // sets of PO output channels per group
  static const int SETS = L::GROUPS * REPEATS;
  static const int STEPS = SETS * WORDS;         // cycles per output pixel, rows of the weight ROM
  static const int PIXEL_WORDS = L::C_IN / L::PI;  // words of one input pixel
  static const int CHUNKS = rom_chunks(L::PO * L::PI * TAPS, L::WEIGHT_BITS);

  static_assert(L::C_IN % (L::GROUPS * L::PI) == 0, "PI divides the input channels of a group");
  static_assert(L::C_OUT % (L::GROUPS * L::PO) == 0, "PO divides the output channels of a group");
  static_assert(L::PO % L::OUT_LANES == 0, "OUT_LANES divides PO");
  static_assert(L::STRIDE == 1 || L::STRIDE == 2, "stride is 1 or 2");

  typedef ap_uint<L::PI * L::IN_BITS> Word;           // PI channels of one pixel
  typedef ap_uint<L::OUT_LANES * L::OUT_BITS> Beat;   // OUT_LANES channels of one output pixel
  struct Window {                                     // the 3x3 taps of one output pixel, row by row
    Word tap[TAPS];
  };
  struct Sums {                                       // accumulators of PO output channels
    ap_int<L::ACC_BITS> lane[L::PO];
  };
};

}  // namespace repvgg

#endif
