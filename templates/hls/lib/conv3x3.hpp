// SPDX-License-Identifier: Apache-2.0
// conv3x3: one layer, stream to stream: 3x3 convolution, padding 1, bias, requantize, ReLU.
//
// Golden: repvgg_hw/golden.py, conv_layer().
// Shape : in HEIGHT x WIDTH x C_IN, IN_LANES channels per beat; out OUT_LANES channels per beat.
// Four processes under the caller's DATAFLOW. Its slowest takes the plan's cycles per frame.

#ifndef REPVGG_CONV3X3_HPP
#define REPVGG_CONV3X3_HPP

#include "convolution.hpp"
#include "line_buffer.hpp"
#include "requantize.hpp"
#include "resize.hpp"

namespace repvgg {

template <class L>
void conv3x3(hls::stream<ap_uint<L::IN_LANES * L::IN_BITS> > &in, hls::stream<typename Conv<L>::Beat> &out,
             const uint64_t (&weights)[Conv<L>::STEPS][Conv<L>::CHUNKS],
             const int32_t (&bias)[L::C_OUT / L::OUT_LANES][L::OUT_LANES],
             const uint32_t (&multiplier)[L::C_OUT / L::OUT_LANES][L::OUT_LANES], int frames) {
#pragma HLS INLINE
  hls::stream<typename Conv<L>::Word> words("words");
  hls::stream<typename Conv<L>::Window> windows("windows");
  hls::stream<typename Conv<L>::Sums> sums("sums");
#pragma HLS STREAM variable=words depth=2
#pragma HLS STREAM variable=windows depth=2
#pragma HLS STREAM variable=sums depth=2
  resize_lanes<L::IN_LANES, L::PI, L::IN_BITS, L::C_IN, L::HEIGHT * L::WIDTH>(in, words, frames);
  line_buffer<L>(words, windows, frames);
  multiply_accumulate<L>(windows, sums, weights, frames);
  requantize_relu<L>(sums, out, bias, multiplier, frames);
}

}  // namespace repvgg

#endif
