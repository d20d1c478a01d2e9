// SPDX-License-Identifier: Apache-2.0
// requantize_relu: accumulators to activations, with bias and ReLU.
//
//   y = clamp(((acc + bias) * multiplier + 2^(SHIFT-1)) >> SHIFT, 0, 2^OUT_BITS - 1)    (>> floors, ties go up)
//
// Golden    : repvgg_hw/golden.py, requantize_relu(), and conv_layer() for the bias.
// Shape     : PO accumulators in, PO/OUT_LANES beats of OUT_LANES channels out.
// Throughput: one beat per cycle.

#ifndef REPVGG_REQUANTIZE_HPP
#define REPVGG_REQUANTIZE_HPP

#include "observe.hpp"
#include "shape.hpp"

namespace repvgg {

template <class L>
ap_uint<L::OUT_BITS> requantize(ap_int<L::ACC_BITS> acc, int32_t bias, uint32_t multiplier) {
#pragma HLS INLINE
  const int PRODUCT_BITS = L::ACC_BITS + MULTIPLIER_BITS + 1;
  const int highest = (1 << L::OUT_BITS) - 1;
  const ap_int<L::ACC_BITS> biased = acc + ap_int<32>(bias);
  const ap_int<PRODUCT_BITS> product = biased * ap_uint<MULTIPLIER_BITS>(multiplier);
  const ap_int<PRODUCT_BITS + 1> rounded = product + (ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1));
  const ap_int<PRODUCT_BITS + 1> y = rounded >> L::SHIFT;
  if (y < 0) return 0;
  if (y > highest) return highest;
  return ap_uint<L::OUT_BITS>(y);
}

template <class L>
void requantize_relu(hls::stream<typename Conv<L>::Sums> &in, hls::stream<typename Conv<L>::Beat> &out,
                     const int32_t (&bias)[L::C_OUT / L::OUT_LANES][L::OUT_LANES],
                     const uint32_t (&multiplier)[L::C_OUT / L::OUT_LANES][L::OUT_LANES], int frames) {
#pragma HLS ARRAY_RESHAPE variable=bias complete dim=2
#pragma HLS ARRAY_RESHAPE variable=multiplier complete dim=2
  typedef Conv<L> C;
  const int PARTS = L::PO / L::OUT_LANES;
  REPVGG_COUNT_LOOP("requantize_relu", out, C::OUT_PIXELS * C::SETS * PARTS);
  typename C::Sums sums;
  for (int frame = 0; frame < frames; ++frame) {
    for (int pixel = 0; pixel < C::OUT_PIXELS; ++pixel) {
      for (int set = 0; set < C::SETS; ++set) {
        for (int part = 0; part < PARTS; ++part) {
#pragma HLS PIPELINE II=1
          REPVGG_COUNT_INITIATION();
          if (part == 0) sums = in.read();
          const int row = set * PARTS + part;
          typename C::Beat beat = 0;
          for (int i = 0; i < L::OUT_LANES; ++i) {
#pragma HLS UNROLL
            set_lane<L::OUT_BITS>(beat, i, requantize<L>(sums.lane[i], bias[row][i], multiplier[row][i]));
          }
          out.write(beat);
          for (int i = 0; i + L::OUT_LANES < L::PO; ++i) {
#pragma HLS UNROLL
            sums.lane[i] = sums.lane[i + L::OUT_LANES];
          }
        }
      }
    }
  }
}

}  // namespace repvgg

#endif
