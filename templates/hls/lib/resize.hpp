// SPDX-License-Identifier: Apache-2.0
// resize_lanes: the same lanes in the same order, IN lanes per beat in, OUT lanes per beat out.
//
// Shape     : LANES per pixel, `pixels` pixels; IN and OUT divide LANES, neither need divide the other.
// Throughput: LANES / min(IN, OUT) cycles per pixel.

#ifndef REPVGG_RESIZE_HPP
#define REPVGG_RESIZE_HPP

#include "observe.hpp"

namespace repvgg {

template <int IN, int OUT, int BITS, int LANES, int PIXELS>
void resize_lanes(hls::stream<ap_uint<IN * BITS> > &in, hls::stream<ap_uint<OUT * BITS> > &out, int frames) {
  static_assert(LANES % IN == 0 && LANES % OUT == 0, "whole beats per pixel");
  const int STEPS = LANES / (IN < OUT ? IN : OUT);
  REPVGG_COUNT_LOOP("resize_lanes", out, PIXELS * (LANES / OUT));
  ap_uint<BITS> held[IN + OUT];
#pragma HLS ARRAY_PARTITION variable=held complete
  int count = 0;  // lanes held, 0 again after each pixel
  for (int frame = 0; frame < frames; ++frame) {
    for (int pixel = 0; pixel < PIXELS; ++pixel) {
      for (int step = 0; step < STEPS; ++step) {
#pragma HLS PIPELINE II=1
        REPVGG_COUNT_INITIATION();
        // Both said of the count as it is, so that neither waits for the other's sum.
        const bool takes = count < OUT, gives = !takes || count >= OUT - IN;
        const int next = !takes ? count - OUT : gives ? count + (IN - OUT) : count + IN;
        if (takes) {
          const ap_uint<IN * BITS> beat = in.read();
          for (int i = 0; i < IN; ++i) {
#pragma HLS UNROLL
            held[count + i] = get_lane<BITS>(beat, i);
          }
        }
        if (gives) {
          ap_uint<OUT * BITS> beat = 0;
          for (int i = 0; i < OUT; ++i) {
#pragma HLS UNROLL
            set_lane<BITS>(beat, i, held[i]);
          }
          out.write(beat);
          for (int i = 0; i < IN; ++i) {
#pragma HLS UNROLL
            held[i] = held[i + OUT];
          }
        }
        count = next;
      }
    }
  }
}

}  // namespace repvgg

#endif
