// SPDX-License-Identifier: Apache-2.0
// winograd3x3: one layer, stream to stream, as conv3x3.hpp and equal to it bit for bit, by F(M x M, 3x3).
//
// Golden: repvgg_hw/golden.py, conv_layer(); repvgg_hw/winograd/golden.py, winograd_conv().
// Needs fewer products than conv3x3 by a factor of (3 M / K)^2. Seven processes under the caller's DATAFLOW.

#ifndef REPVGG_WINOGRAD_HPP
#define REPVGG_WINOGRAD_HPP

#include "resize.hpp"
#include "winograd_input.hpp"
#include "winograd_output.hpp"

namespace repvgg {

template <class L>
void winograd3x3(hls::stream<ap_uint<L::IN_LANES * L::IN_BITS> > &in, hls::stream<typename Tiled<L>::Beat> &out,
                 const uint64_t (&weights)[Tiled<L>::STEPS][Tiled<L>::CHUNKS],
                 const int32_t (&bias)[L::C_OUT / L::LANES][L::LANES],
                 const uint32_t (&multiplier)[L::C_OUT / L::LANES][L::LANES], int frames) {
#pragma HLS INLINE
  hls::stream<typename Tiled<L>::LineWord> words("words");
  hls::stream<typename Tiled<L>::Column> columns("columns");
  hls::stream<typename Tiled<L>::DataRow> rows("rows");
  hls::stream<typename Tiled<L>::DataTile> tiles("tiles");
  hls::stream<typename Tiled<L>::Sums> sums("sums");
  hls::stream<typename Tiled<L>::OutRow> pixels("pixels");
#pragma HLS STREAM variable=words depth=2
#pragma HLS STREAM variable=columns depth=2
#pragma HLS STREAM variable=rows depth=2
#pragma HLS STREAM variable=tiles depth=2
#pragma HLS STREAM variable=sums depth=2
#pragma HLS STREAM variable=pixels depth=2
  resize_lanes<L::IN_LANES, L::LINE_LANES, L::IN_BITS, L::C_IN, L::HEIGHT * L::WIDTH>(in, words, frames);
  tile_columns<L>(words, columns, frames);
  input_transform<L>(columns, rows, frames);
  replay_tiles<L>(rows, tiles, frames);
  winograd_multiply<L>(tiles, sums, weights, frames);
  output_transform<L>(sums, pixels, bias, multiplier, frames);
  tiles_to_raster<L>(pixels, out, frames);
}

}  // namespace repvgg

#endif
