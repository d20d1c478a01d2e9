// SPDX-License-Identifier: Apache-2.0
// multiply_accumulate: PO output channels at a time from windows of PI input channels.
//
//   sums[p] = sum over WORDS windows, PI lanes and 9 taps of weight * x
//
// Golden    : repvgg_hw/golden.py, conv3x3(), without the bias.
// Weights   : row (group, repeat, word) holds [PO][PI][9].
// Widths    : every partial sum fits ACC_BITS, which the plan proved for this layer's weights.
// Throughput: one window per cycle.

#ifndef REPVGG_CONVOLUTION_HPP
#define REPVGG_CONVOLUTION_HPP

#include "observe.hpp"
#include "shape.hpp"

namespace repvgg {

template <class L>
void multiply_accumulate(hls::stream<typename Conv<L>::Window> &in, hls::stream<typename Conv<L>::Sums> &out,
                         const uint64_t (&weights)[Conv<L>::STEPS][Conv<L>::CHUNKS], int frames) {
#pragma HLS ARRAY_RESHAPE variable=weights complete dim=2
  typedef Conv<L> C;
  REPVGG_COUNT_LOOP("multiply_accumulate", out, C::OUT_PIXELS * C::SETS);
  typename C::Sums sums;
  for (int frame = 0; frame < frames; ++frame) {
    for (int pixel = 0; pixel < C::OUT_PIXELS; ++pixel) {
      for (int set = 0; set < C::SETS; ++set) {
        for (int word = 0; word < C::WORDS; ++word) {
#pragma HLS PIPELINE II=1
          REPVGG_COUNT_INITIATION();
          const typename C::Window window = in.read();
          typename Integer<L::IN_BITS, L::IN_SIGNED>::type x[L::PI][TAPS];
          for (int i = 0; i < L::PI; ++i) {
#pragma HLS UNROLL
            for (int tap = 0; tap < TAPS; ++tap) {
#pragma HLS UNROLL
              x[i][tap] = lane_value<L::IN_BITS, L::IN_SIGNED>(window.tap[tap], i);
            }
          }
          const int row = set * C::WORDS + word;
          for (int p = 0; p < L::PO; ++p) {
#pragma HLS UNROLL
            ap_int<L::ACC_BITS> sum = 0;
            for (int i = 0; i < L::PI; ++i) {
#pragma HLS UNROLL
              for (int tap = 0; tap < TAPS; ++tap) {
#pragma HLS UNROLL
                sum += rom_weight<L::WEIGHT_BITS>(weights, row, (p * L::PI + i) * TAPS + tap) * x[i][tap];
              }
            }
            if (word == 0) {
              sums.lane[p] = sum;
            } else {
              sums.lane[p] += sum;
            }
          }
          if (word == C::WORDS - 1) out.write(sums);
        }
      }
    }
  }
}

}  // namespace repvgg

#endif
